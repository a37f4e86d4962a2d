"""The page of the win probability, what is done on it, and the reasons on the lead."""

from datetime import timedelta

import pytest
from django.urls import reverse

from leadmgmt.core.now import now
from leads.models import Lead, User
from qualification.models import PredictionFact, PredictionModel, RescoreRun, ScoringModel, TrainingRun
from qualification.services.prediction_versions import publish_prediction
from qualification.services.score import rescore
from tests.factories import make_contact, make_lead, make_user
from tests.qualification.learned_cast import BEGIN, ended, past, trained
from tests.routing.things import signed_in, text_of

pytestmark = pytest.mark.django_db
PAGE = "/scoring/prediction/"


def page(user: User, address: str) -> str:
    response = signed_in(user).get(address)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def scoring(db: None) -> ScoringModel:
    return ScoringModel.objects.create(version=1, status="published", rules=[])


def test_too_few_outcomes_are_said_with_how_many_are_needed(scoring: ScoringModel) -> None:
    for place in range(3):
        ended(make_lead(), "won" if place else "lost", BEGIN)

    shown = text_of(page(make_user("admin"), PAGE))

    assert "2 of 40 wins" in shown
    assert "1 of 40 that were not won" in shown
    assert "Train now" not in shown


def test_a_manager_reads_and_changes_nothing(scoring: ScoringModel) -> None:
    model = trained(scoring)
    manager = make_user("manager")

    assert "Version 1" in text_of(page(manager, PAGE))
    assert "Train now" not in page(manager, PAGE)
    for door, args in (("train", []), ("fact", []), ("publish", [model.pk])):
        url = reverse(f"qualification:prediction_{door}", args=args)
        assert signed_in(manager).post(url).status_code == 403
    assert signed_in(make_user("sdr")).get(PAGE).status_code == 403


def test_the_page_says_how_good_the_version_is_and_what_matters(scoring: ScoringModel) -> None:
    model = trained(scoring, count=300)
    shown = page(make_user("admin"), PAGE)
    words = text_of(shown)

    assert "of pairs in the right order" in words
    assert "Surely better than the chance by grade." in words
    assert shown.count('class="calibration-dot"') == len(model.quality["bins"])
    assert "Tenth, likeliest first" in words
    # What the file called it is what it is called.
    assert "How ±" in words


def test_training_is_asked_for_and_its_progress_is_shown(scoring: ScoringModel) -> None:
    past(scoring)
    admin = signed_in(make_user("admin"))

    admin.post(reverse("qualification:prediction_train"))
    TrainingRun.objects.update(share=40)
    progress = admin.get(reverse("qualification:prediction_progress"))

    assert "A version is being trained: 40 %" in text_of(progress.content.decode()).replace("\xa0", " ")
    assert "HX-Refresh" not in progress.headers
    TrainingRun.objects.update(state="failed", error="ValueError: no", ended_at=now())
    assert admin.get(reverse("qualification:prediction_progress")).headers["HX-Refresh"] == "true"
    assert "ValueError: no" in text_of(admin.get(PAGE).content.decode())


def test_a_version_is_published_and_withdrawn(scoring: ScoringModel) -> None:
    model = trained(scoring)
    admin = signed_in(make_user("admin"))
    url = reverse("qualification:prediction_publish", args=[model.pk])

    admin.post(url)
    model.refresh_from_db()
    assert (model.status, RescoreRun.objects.count()) == ("published", 1)
    admin.post(url, {"act": "withdraw"})
    model.refresh_from_db()
    assert model.status == "archived"


def test_a_worse_one_asks_before_it_is_published(scoring: ScoringModel) -> None:
    model = trained(scoring)
    PredictionModel.objects.filter(pk=model.pk).update(trial={"gain": {"value": -0.1, "low": -0.2, "high": -0.1}})
    admin = signed_in(make_user("admin"))
    url = reverse("qualification:prediction_publish", args=[model.pk])

    said = admin.post(url, follow=True).content.decode()
    assert "This version does worse" in text_of(said)
    assert "Surely worse than what predicts now." in text_of(said)
    admin.post(url, {"although_worse": "on"})
    model.refresh_from_db()
    assert model.status == "published"


def test_facts_are_left_out_allowed_and_taken_back(scoring: ScoringModel) -> None:
    trained(scoring)
    admin = signed_in(make_user("admin"))
    url = reverse("qualification:prediction_fact")

    admin.post(url, {"fact": "contact.country", "choice": "leave_out"})
    assert PredictionFact.objects.get().choice == "leave_out"
    admin.post(url, {"fact": "contact.country", "choice": "allow"})
    assert PredictionFact.objects.get().choice == "allow"
    admin.post(url, {"fact": "contact.country", "choice": "forget"})
    assert not PredictionFact.objects.exists()
    for wrong in ({"fact": "lead.stage", "choice": "allow"}, {"fact": "contact.country", "choice": "no"}, {}):
        assert "This fact is never looked at." in admin.post(url, wrong, follow=True).content.decode()
    assert not PredictionFact.objects.exists()


def test_refused_facts_and_drift_are_told_with_their_figures(scoring: ScoringModel) -> None:
    model = trained(scoring)
    model.refused = [{"fact": "attributes.result", "why": "changed", "figure": 0.25}]
    model.drift = {
        "shifts": [{"fact": "attributes.how", "index": 0.4, "limit": 0.1, "is_alarm": True}],
        "outcomes": 200, "wins": 20, "expected": 60.0,
        "more": {"called": 0}, "fewer": {"called": 80},
    }  # fmt: skip
    model.save()

    words = text_of(page(make_user("admin"), PAGE)).replace("\xa0", " ")

    assert "It was set after the end for 25.0 % of the closed leads." in words
    assert "How: index 0.40, alarm from 0.10 on" in words
    assert "Less is won than was predicted: 20 of 200 leads, 60 were expected." in words


def test_the_lead_says_why_its_chance_is_what_it_is(scoring: ScoringModel) -> None:
    publish_prediction(trained(scoring, count=300).pk, by=None)
    lead = make_lead(contact=make_contact(attributes={"how": "fair"}), owner=make_user("sdr"))
    rescore(lead.pk)

    words = text_of(page(make_user("admin"), f"/leads/{lead.pk}/"))

    assert "Why this chance" in words
    assert "How: fair" in words
    # Scores of before know no reasons.
    Lead.objects.get(pk=lead.pk).scores.update(prediction=None)
    assert "Why this chance" not in page(make_user("admin"), f"/leads/{lead.pk}/")


def test_the_newest_versions_are_listed_and_can_be_looked_at(scoring: ScoringModel) -> None:
    trained(scoring)
    PredictionModel.objects.update(status="archived", trained_at=now() - timedelta(days=9))
    admin = make_user("admin")

    assert "Version 1" in text_of(page(admin, PAGE + "?version=1"))
    assert "Let version 1 predict" in text_of(page(admin, PAGE + "?version=1"))
    assert signed_in(admin).get(PAGE + "?version=x").status_code == 200
