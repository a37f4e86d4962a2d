"""The lead's page: who may see it, what it says, and what two people do to it at once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leads.events import record_event
from leads.models import FieldValue, Lead, LeadEvent
from leads.services.provenance import offer
from qualification.models import Activity, Answer, Question, Score, ScoringModel
from qualification.services.viewing import forget_viewings, note_viewing
from routing.models import Assignment
from tests.factories import make_clock, make_company, make_contact, make_lead, make_reason, make_touchpoint, make_user
from tests.qualification.desk_cast import Cast, as_user, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def lead(cast: Cast) -> Lead:
    company = make_company(name="Rheintal GmbH", staff=420)
    contact = make_contact(first_name="Annika", last_name="Hoffmann", company=company, job_title="Head of Service")
    lead = make_lead(owner=cast.ann, stage="mql", contact=contact, subject="demo", grade="A1")
    make_touchpoint(lead, message="We plan 45 technicians in Excel.")
    return lead


def page_of(client: Client, lead: Lead, query: str = "") -> str:
    response = client.get(f"/leads/{lead.pk}/{query}")
    assert response.status_code == 200
    return response.content.decode()


def question(key: str) -> Question:
    return Question.objects.get(framework__is_active=True, key=key)


def answer_form(**fields: object) -> dict[str, object]:
    return {"value": "30,000", "evidence": "call", "confidence": 4, "quote": "", **fields}


def test_a_stranger_gets_404_and_a_manager_looks_on(cast: Cast, lead: Lead) -> None:
    assert Client().get(f"/leads/{lead.pk}/").status_code == 302
    assert as_user(cast.bob).get(f"/leads/{lead.pk}/").status_code == 404
    assert as_user(cast.out).get(f"/leads/{lead.pk}/").status_code == 404
    assert "Log call" in page_of(as_user(cast.lea), lead)

    page = page_of(as_user(cast.mia), lead)
    assert "Annika Hoffmann" in page
    assert "Log call" not in page
    assert "Snooze" not in page


@pytest.mark.parametrize("door", ["log", "snooze", "resume", "correct", "disqualify", "recycle", "reassign", "claim"])
def test_nobody_acts_on_a_lead_they_may_not_work(cast: Cast, lead: Lead, door: str) -> None:
    before = Lead.objects.values().get(pk=lead.pk)

    assert as_user(cast.bob).post(f"/leads/{lead.pk}/{door}/").status_code == 404
    refused = as_user(cast.mia).post(f"/leads/{lead.pk}/{door}/", follow=True)
    assert "You may read this lead, not work it." in refused.content.decode()
    # Who comes back after a sign-in, or reloads, sees the page again.
    assert as_user(cast.ann).get(f"/leads/{lead.pk}/{door}/")["Location"] == f"/leads/{lead.pk}/"
    assert Lead.objects.values().get(pk=lead.pk) == before
    assert not LeadEvent.objects.filter(lead=lead).exists()


def test_the_page_says_what_to_do_and_why(cast: Cast, lead: Lead) -> None:
    make_clock(lead, due_at=timezone.now() + timedelta(minutes=4))

    page = page_of(as_user(cast.ann), lead)

    assert "<strong>Call Annika now.</strong> Asked for a demo just now. “We plan 45 technicians in Excel.”" in page
    assert "Your promise ends" in page
    assert "Yours since" in page
    assert 'data-due="' in page
    assert "4 answers to SQL." in page


def test_an_opportunity_shows_no_promise_of_a_first_touch(cast: Cast, lead: Lead) -> None:
    make_clock(lead, due_at=timezone.now() + timedelta(minutes=4))
    assert "first touch by" in page_of(as_user(cast.ann), lead)

    Lead.objects.filter(pk=lead.pk).update(stage="opportunity")

    assert "first touch by" not in page_of(as_user(cast.ann), lead)


def test_every_fact_carries_its_origin(cast: Cast, lead: Lead) -> None:
    at = timezone.now()
    FieldValue.objects.create(contact=lead.contact, field="job_title", value="Head of Service", origin="form", at=at)
    company = lead.contact.company
    FieldValue.objects.create(company=company, field="staff", value=420, origin="registry", confidence=0.9, at=at)
    FieldValue.objects.create(company=company, field="staff", value=380, origin="crm", at=at - timedelta(days=300))

    page = page_of(as_user(cast.ann), lead)

    assert ">form</abbr>" in page
    assert ">2 values</abbr>" in page
    assert "420 (registry" in page
    assert "confidence 0.90" in page


def test_a_persons_correction_wins_over_what_a_provider_says_later(cast: Cast, lead: Lead) -> None:
    ann = as_user(cast.ann)
    form = ann.get(f"/leads/{lead.pk}/?edit=person.job_title", headers={"HX-Request": "true", "HX-Target": "facts"})
    assert 'value="Head of Service"' in form.content.decode()

    sent = {"subject": "person", "field": "job_title", "value": "Managing Director"}
    page = ann.post(f"/leads/{lead.pk}/correct/", sent, follow=True).content.decode()
    offer(lead.contact, "job_title", "Intern", "provider", at=timezone.now())

    lead.contact.refresh_from_db()
    assert lead.contact.job_title == "Managing Director"
    assert "Corrected." in page
    assert ">a person</abbr>" in page
    assert LeadEvent.objects.filter(lead=lead, kind="lead.corrected", actor=cast.ann).count() == 1


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"subject": "person", "field": "email", "value": "nonsense"}, "The @-sign is missing."),
        ({"subject": "company", "field": "staff", "value": "many"}, "a whole number was expected"),
        ({"subject": "person", "field": "attributes", "value": "x"}, "cannot be corrected here"),
        ({"subject": "person", "field": "phone", "value": "call me"}, "a phone number such as"),
    ],
)
def test_a_correction_that_does_not_fit_says_why(cast: Cast, lead: Lead, sent: dict[str, str], said: str) -> None:
    page = as_user(cast.ann).post(f"/leads/{lead.pk}/correct/", sent, follow=True).content.decode()

    assert said in page
    assert not LeadEvent.objects.filter(lead=lead).exists()


def test_a_lead_without_an_address_says_so(cast: Cast) -> None:
    lead = make_lead(owner=cast.ann, contact=make_contact(email="", phone=""))

    page = page_of(as_user(cast.ann), lead)

    assert "<strong>Not reachable yet:</strong> the source gave no address." in page
    assert "tel:" not in page
    assert "mailto:" not in page


def test_the_score_stands_with_its_reasons_and_interval(cast: Cast, lead: Lead) -> None:
    Score.objects.create(
        lead=lead,
        model=ScoringModel.objects.get(),
        at=timezone.now(),
        fit=80,
        engagement=70,
        grade="A1",
        win_probability=0.38,
        win_low=0.29,
        win_high=0.47,
        reasons=[
            {"key": "demo", "label_en": "Asked for a demo", "points": 30},
            {"key": "free", "label_en": "Free mail address", "points": -5},
        ],
    )

    page = page_of(as_user(cast.ann), lead).replace("\xa0", " ")

    assert "38 % likely to win" in page
    assert "29 to 47 %" in page
    assert page.index("Asked for a demo</span>") < page.index("Free mail address</span>")
    assert "+30 pt" in page
    assert "−5 pt" in page


def test_the_timeline_tells_touches_activities_and_events_newest_first(cast: Cast, lead: Lead) -> None:
    at = timezone.now()
    record_event(lead, "lead.scored", at=at + timedelta(seconds=1), by="pipeline", quiet=True, data={"grade": "A1"})
    Activity.objects.create(
        lead=lead, kind="call", disposition="voicemail", at=at + timedelta(seconds=2), by=cast.ann, body="Hello there"
    )
    ann = as_user(cast.ann)

    page = page_of(ann, lead)
    called, scored = page.index("called and left a voicemail"), page.index("Scored <strong>A1</strong>")
    asked = page.index("Asked for <strong>a demo</strong>")
    assert called < scored < asked
    assert "Hello there" in page

    system = page_of(ann, lead, "?show=system")
    assert "Scored" in system
    assert "voicemail</p>" not in system
    assert "Scored" not in page_of(ann, lead, "?show=web")


def test_a_long_timeline_comes_in_chunks_that_lose_nothing(cast: Cast, lead: Lead) -> None:
    start = timezone.now() - timedelta(days=2)
    for number in range(75):
        record_event(lead, "lead.enriched", at=start + timedelta(minutes=number // 3), quiet=True, data={"n": number})
    ann, seen, address = as_user(cast.ann), 0, f"/leads/{lead.pk}/?show=system"

    for _chunk in range(5):
        text = ann.get(address, headers={"HX-Request": "true", "HX-Target": "older"}).content.decode()
        seen += text.count("Enriched with what")
        if "hx-get" not in text:
            break
        address = text.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")

    assert seen == 75


def test_two_who_answer_at_once_are_told_and_both_answers_are_kept(cast: Cast, lead: Lead) -> None:
    budget = question("budget")
    door = f"/leads/{lead.pk}/answers/{budget.pk}/"
    as_user(cast.lea).post(door, answer_form(value="20,000"))

    page = as_user(cast.ann).post(door, answer_form(value="30,000", seen=""), follow=True).content.decode()

    assert "Lea Leitner answered this meanwhile: “20,000”. Yours counts now; both are kept." in page
    given = Answer.objects.filter(lead=lead, question=budget)
    assert given.get(superseded_at__isnull=True).value == "30,000"
    assert given.count() == 2


def test_a_known_answer_that_is_replaced_needs_no_warning_and_can_be_taken_back(cast: Cast, lead: Lead) -> None:
    budget, ann = question("budget"), as_user(cast.ann)
    door = f"/leads/{lead.pk}/answers/{budget.pk}/"
    as_user(cast.lea).post(door, answer_form(value="20,000"))
    first = Answer.objects.get()

    page = ann.post(door, answer_form(value="30,000", seen=first.pk), follow=True).content.decode()
    assert "meanwhile" not in page
    ann.post(f"/answers/{Answer.objects.latest('pk').pk}/withdraw/")

    assert Answer.objects.get(superseded_at__isnull=True).value == "20,000"


def test_an_empty_answer_changes_nothing(cast: Cast, lead: Lead) -> None:
    door = f"/leads/{lead.pk}/answers/{question('budget').pk}/"

    page = as_user(cast.ann).post(door, answer_form(value=" "), follow=True).content.decode()

    assert "This field is required." in page
    assert not Answer.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_answers_given_in_the_same_instant_leave_one_that_counts(cast: Cast, lead: Lead) -> None:
    budget = question("budget")
    gate = threading.Barrier(6)

    def answer(number: int) -> None:
        try:
            client = as_user(cast.ann if number % 2 else cast.lea)
            gate.wait()
            client.post(f"/leads/{lead.pk}/answers/{budget.pk}/", answer_form(value=f"{number}000"))
        finally:
            connection.close()

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    given = Answer.objects.filter(lead=lead, question=budget)
    assert sorted(given.values_list("value", flat=True)) == [f"{number}000" for number in range(1, 7)]
    assert given.filter(superseded_at__isnull=True).count() == 1


def test_answers_that_are_there_stand_behind_the_missing_ones(cast: Cast, lead: Lead) -> None:
    Answer.objects.create(
        lead=lead, question=question("budget"), value="30,000", evidence="call", at=timezone.now(), by=cast.ann
    )
    Answer.objects.create(lead=lead, question=question("need"), value="none", is_met=False, at=timezone.now())

    page = page_of(as_user(cast.ann), lead)

    assert "3 answers to SQL." in page
    missing = page.index("<strong>Authority</strong>")
    assert missing < page.index("<strong>Need</strong>: none") < page.index("<strong>Budget</strong>: 30,000")


def test_an_answer_given_too_long_ago_is_to_be_asked_again(cast: Cast, lead: Lead) -> None:
    Question.objects.filter(key="budget").update(valid_days=90)
    given = Answer.objects.create(lead=lead, question=question("budget"), value="30,000", at=timezone.now())
    assert "too long ago" not in page_of(as_user(cast.ann), lead)

    Answer.objects.filter(pk=given.pk).update(at=timezone.now() - timedelta(days=91))

    page = page_of(as_user(cast.ann), lead)
    assert "too long ago: ask whether it still holds" in page
    assert "4 answers to SQL." in page


def test_disqualify_needs_a_reason_and_can_be_taken_back(cast: Cast, lead: Lead) -> None:
    ann = as_user(cast.ann)
    reason = make_reason("disqualify", "no-need")

    refused = ann.post(f"/leads/{lead.pk}/disqualify/", {}, headers={"HX-Request": "true", "HX-Target": "lead-do"})
    assert refused.status_code == 422
    assert "Say why." in refused.content.decode()

    page = ann.post(f"/leads/{lead.pk}/disqualify/", {"reason": reason.pk, "note": "Sells to us"}, follow=True)
    lead.refresh_from_db()
    assert (lead.stage, lead.reason, lead.reason_note) == ("disqualified", reason, "Sells to us")
    assert f'action="/leads/{lead.pk}/reopen/"' in page.content.decode()

    ann.post(f"/leads/{lead.pk}/reopen/")
    lead = Lead.objects.get(pk=lead.pk)
    assert (lead.stage, lead.owner, lead.reason) == ("new", cast.ann, None)
    assert Assignment.objects.get(lead=lead, ends_at__isnull=True).user == cast.ann


def test_recycle_takes_a_day_of_ones_own(cast: Cast, lead: Lead) -> None:
    reason = make_reason("recycle", "bad-timing")
    day = timezone.localdate() + timedelta(days=40)

    page = as_user(cast.ann).post(f"/leads/{lead.pk}/recycle/", {"reason": reason.pk, "wake_on": day.isoformat()})

    assert page.status_code == 302
    lead.refresh_from_db()
    assert lead.stage == "recycled"
    assert lead.wake_at is not None
    assert timezone.localtime(lead.wake_at).date() == day


def test_a_team_lead_reassigns_within_the_team_and_an_sdr_does_not(cast: Cast, lead: Lead) -> None:
    amy = make_user("sdr", first_name="Amy", last_name="Alt", team=cast.ann.team)
    lea = as_user(cast.lea)

    lea.post(f"/leads/{lead.pk}/reassign/", {"user": cast.bob.pk})
    lead.refresh_from_db()
    assert lead.owner == cast.ann

    lea.post(f"/leads/{lead.pk}/reassign/", {"user": amy.pk})
    lead.refresh_from_db()
    assert lead.owner == amy

    refused = as_user(cast.ann).post(f"/leads/{lead.pk}/reassign/", {"user": cast.ann.pk}, follow=True)
    lead.refresh_from_db()
    assert lead.owner == amy
    assert "Only team leads and admins give leads to others." in refused.content.decode()


def test_a_person_with_another_open_lead_is_not_opened_twice(cast: Cast, lead: Lead) -> None:
    old = make_lead(stage="disqualified", contact=lead.contact, team=cast.ann.team)

    page = as_user(cast.ann).post(f"/leads/{old.pk}/reopen/", follow=True).content.decode()

    old.refresh_from_db()
    assert old.stage == "disqualified"
    assert "This person has another open lead already." in page


def test_who_else_looks_at_a_lead_is_said_until_their_page_is_gone(cast: Cast, lead: Lead) -> None:
    at = timezone.now()
    assert note_viewing(lead, cast.ann, at) == []
    assert note_viewing(lead, cast.ann, at) == []

    assert note_viewing(lead, cast.lea, at + timedelta(seconds=30)) == [cast.ann]
    assert note_viewing(lead, cast.lea, at + timedelta(seconds=60)) == []

    assert forget_viewings(at + timedelta(hours=2)) == 2
    assert forget_viewings(at + timedelta(hours=2)) == 0


def test_the_open_page_is_told_what_others_did_and_not_what_the_reader_did(cast: Cast, lead: Lead) -> None:
    door, ann = f"/leads/{lead.pk}/pulse/", as_user(cast.ann)
    mine = record_event(lead, "lead.snoozed", actor=cast.ann, data={})
    assert "Show" not in ann.post(door, {"after": "0"}).content.decode()

    record_event(lead, "stage.sql", by="qualification", quiet=True, data={"from": "mql"})

    assert "SQL" in ann.post(door, {"after": str(mine.pk)}).content.decode()
    assert "Show" not in ann.post(door, {"after": str(mine.pk + 1)}).content.decode()
    assert as_user(cast.bob).post(door).status_code == 404


def test_the_page_costs_the_same_whatever_the_history(cast: Cast, lead: Lead) -> None:
    def cost() -> int:
        client = as_user(cast.ann)
        with CaptureQueriesContext(connection) as queries:
            page_of(client, lead)
        return len(queries)

    make_lead(owner=cast.ann)
    few = cost()
    for number in range(20):
        record_event(lead, "lead.enriched", quiet=True, data={"n": number})
        Activity.objects.create(lead=lead, kind="note", body="x", at=timezone.now(), by=cast.lea)
        make_lead(owner=cast.ann)

    assert cost() <= few + 1
    assert few <= 50
