"""A lead that came back: its page says that the answers are of before, and one given anew is enough."""

from datetime import timedelta

import pytest

from qualification.models import Answer, Question
from tests.factories import make_lead
from tests.qualification.desk_cast import as_user, make_cast


@pytest.mark.django_db
def test_the_page_says_that_the_answers_are_old_until_one_is_given_anew() -> None:
    ann = make_cast().ann
    lead = make_lead(owner=ann, stage="mql")
    before = lead.captured_at - timedelta(days=60)
    questions = {one.key: one for one in Question.objects.filter(framework__is_active=True)}
    for key in ("budget", "authority", "need", "timeline"):
        Answer.objects.create(lead=lead, question=questions[key], value="yes", evidence="call", at=before, by=ann)
    client = as_user(ann)

    page = client.get(f"/leads/{lead.pk}/").content.decode()
    assert "All answers are from before." in page
    assert "The opportunity is made by itself once one is given anew." in page

    given = {"value": "yes", "evidence": "call", "confidence": 4, "quote": ""}
    client.post(f"/leads/{lead.pk}/answers/{questions['need'].pk}/", given)
    assert "All answers are from before." not in client.get(f"/leads/{lead.pk}/").content.decode()
