"""A form that is refused comes back with what was typed, and what to mend stands beside its field."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from leads.models import Lead
from qualification.models import Activity, Answer, Question
from qualification.services.disqualify import disqualify_lead
from tests.factories import make_clock, make_company, make_contact, make_lead, make_reason
from tests.qualification.desk_cast import Cast, as_user, make_cast

pytestmark = pytest.mark.django_db

TYPED = "Wants to talk to their controller first"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def lead(cast: Cast) -> Lead:
    contact = make_contact(first_name="Annika", last_name="Hoffmann", company=make_company())
    lead = make_lead(owner=cast.ann, stage="mql", contact=contact, grade="A1")
    make_clock(lead)
    return lead


def refused(cast: Cast, lead: Lead, door: str, **sent: object) -> str:
    """The page that answers, of which nothing may have changed anything."""
    before = Lead.objects.values().get(pk=lead.pk)
    answer = as_user(cast.ann).post(f"/leads/{lead.pk}/{door}/", sent)
    assert answer.status_code == 422
    assert Lead.objects.values().get(pk=lead.pk) == before
    return answer.content.decode()


def control(page: str, name: str) -> str:
    """The control of that name, with what follows it up to the next one."""
    kinds = "(?:input|textarea|select)"
    found = re.search(rf'<{kinds}[^>]*name="{name}".*?(?=<{kinds}|</form>)', page, re.DOTALL)
    assert found is not None
    return found[0]


def test_a_call_back_without_its_time_keeps_what_was_said(cast: Cast, lead: Lead) -> None:
    page = refused(cast, lead, "log", kind="call", disposition="call_back", body=TYPED)

    assert TYPED in control(page, "body")
    assert re.search(r'value="call_back" checked', page)
    due = control(page, "due_at")
    assert 'aria-invalid="true"' in due
    assert "Say for when it was agreed." in due
    assert not Activity.objects.exists()


def test_a_time_that_cannot_be_read_is_shown_again(cast: Cast, lead: Lead) -> None:
    page = refused(cast, lead, "log", kind="meeting", disposition="booked", body=TYPED, due_at="tomorrow at ten")

    assert TYPED in control(page, "body")
    assert 'value="tomorrow at ten"' in control(page, "due_at")
    assert re.search(r'href="[^"]+log=meeting[^"]*"[^>]*aria-selected="true"', page)


def test_an_empty_note_says_so_beside_its_field(cast: Cast, lead: Lead) -> None:
    assert "Write something." in control(refused(cast, lead, "log", kind="note", body="  "), "body")


def test_an_answer_without_its_value_keeps_the_quote(cast: Cast, lead: Lead) -> None:
    budget = Question.objects.get(framework__is_active=True, key="budget")

    page = refused(cast, lead, f"answers/{budget.pk}", value=" ", quote=TYPED, evidence="email", confidence="5")

    assert "This field is required." in control(page, "value")
    assert TYPED in control(page, "quote")
    assert re.search(r'<option value="email" selected', page)
    assert not Answer.objects.exists()


@pytest.mark.parametrize("door", ["disqualify", "recycle"])
def test_a_decision_without_its_reason_keeps_the_note(cast: Cast, lead: Lead, door: str) -> None:
    page = refused(cast, lead, door, note=TYPED)

    assert "Say why." in control(page, "reason")
    assert TYPED in control(page, "note")


def test_a_day_that_is_over_stays_in_its_field(cast: Cast, lead: Lead) -> None:
    reason = make_reason("recycle", "bad-timing")

    page = refused(cast, lead, "recycle", reason=reason.pk, note=TYPED, wake_on="2020-01-01")

    assert 'value="2020-01-01"' in control(page, "wake_on")
    assert "Choose a day to come." in control(page, "wake_on")


def test_who_decides_second_reads_why_and_loses_no_word(cast: Cast, lead: Lead) -> None:
    mine, hers = make_reason("disqualify", "no-need"), make_reason("disqualify", "spam")
    disqualify_lead(lead.pk, hers.code, by=cast.lea)

    page = refused(cast, lead, "disqualify", reason=mine.pk, note=TYPED)

    assert TYPED in control(page, "note")
    assert f"Somebody has disqualified this lead already: {hers.label}." in page


def test_a_correction_that_cannot_be_taken_stays_in_its_field(cast: Cast, lead: Lead) -> None:
    page = refused(cast, lead, "correct", subject="person", field="email", value="annika.hoffmann at firm")

    assert 'value="annika.hoffmann at firm"' in control(page, "value")
    assert 'class="field-error"' in control(page, "value")


def test_a_snooze_into_the_past_opens_the_menu_again(cast: Cast, lead: Lead) -> None:
    past = (timezone.localtime() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")

    page = refused(cast, lead, "snooze", until="own", own=past)

    assert '<details class="menu menu--right" open>' in page
    assert f'value="{past}"' in control(page, "own")
    assert "That time has passed already." in control(page, "own")


def test_a_lead_that_somebody_has_closed_meanwhile_is_not_put_aside(cast: Cast, lead: Lead) -> None:
    disqualify_lead(lead.pk, make_reason("disqualify", "no-need").code, by=cast.lea)

    page = as_user(cast.ann).post(f"/leads/{lead.pk}/snooze/", {"until": "hour"}, follow=True).content.decode()

    assert "This lead is closed by now; it cannot be put aside." in page


def test_a_reload_of_a_refused_page_and_a_sign_in_in_between_lead_back_to_the_lead(cast: Cast, lead: Lead) -> None:
    answer = as_user(cast.ann).get(f"/leads/{lead.pk}/log/")

    assert (answer.status_code, answer["Location"]) == (302, f"/leads/{lead.pk}/")
