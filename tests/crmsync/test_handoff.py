"""The AE's decision, and the pages around it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from crmsync.models import Connection, Handoff, OutboxEntry
from crmsync.services.handoff import AlreadyDecided, accept_handoff, refuse_handoff
from crmsync.services.pull import pull_connection
from leadmgmt.audit import CHECKS, run
from leadmgmt.core.errors import InvalidInput, NotPermitted
from leadmgmt.core.now import now
from leads.models import Lead, Reason, User
from qualification.models import Activity, Question
from qualification.services.answers import give_answer
from qualification.services.criteria import apply_sql_criteria
from routing.models import Notification, WaitingLead
from tests.crmsync.things import deal_of, kinds, make_crm, make_deal, on_the_board, read
from tests.factories import make_contact, make_lead, make_reason, make_user
from tests.worker import drain

pytestmark = pytest.mark.django_db


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def offered():
    make_crm()
    lead, opportunity, deal = make_deal()
    return lead, opportunity, deal, opportunity.handoffs.get()


def test_the_ae_is_told_and_the_sdr_hears_of_the_acceptance(offered):
    lead, _opportunity, _, handoff = offered
    assert set(Notification.objects.filter(user=handoff.ae).values_list("kind", "way")) == {
        ("handoff.offered", "in_app"),
        ("handoff.offered", "email"),
    }

    accept_handoff(handoff.pk, by=handoff.ae)

    handoff.refresh_from_db()
    assert handoff.status == "accepted"
    assert kinds(lead)[-1] == "handoff.accepted"
    assert Notification.objects.filter(user=handoff.sdr, kind="handoff.accepted").count() == 2


def test_a_refusal_withdraws_the_deal_there_and_puts_the_lead_to_sleep(offered):
    lead, opportunity, _, handoff = offered

    refuse_handoff(handoff.pk, by=handoff.ae, reason="bad-timing", note="Ask again in spring")
    drain()

    lead, deal = read(lead), deal_of(opportunity)
    opportunity.refresh_from_db()
    assert (lead.stage, lead.reason.code, lead.reason_note) == ("recycled", "bad-timing", "Ask again in spring")
    assert timedelta(days=89) < lead.wake_at - now() < timedelta(days=92)
    assert (opportunity.stage, opportunity.loss_reason.code) == ("lost", "handoff-refused")
    assert (deal.stage, deal.lost_reason) == ("Lost", "Handoff refused")
    assert Notification.objects.filter(user=handoff.sdr, kind="handoff.refused").count() == 2
    assert OutboxEntry.objects.exclude(state="done").count() == 0


def answer_anew(lead, key="authority", value="Uwe Rohr signs"):
    question = Question.objects.get(key=key, framework__is_active=True)
    give_answer(lead.pk, question.pk, value, by=lead.owner, evidence="call", quote="He does.", confidence=4)
    drain()


def test_a_refusal_that_can_be_mended_is_back_in_its_sdrs_queue(offered):
    lead, opportunity, _, handoff = offered

    refuse_handoff(handoff.pk, by=handoff.ae, reason="wrong-person", note="He signs, not she")
    drain()

    lead = read(lead)
    assert (lead.stage, lead.reason.code, lead.reason_note) == ("mql", "wrong-person", "He signs, not she")
    assert lead.owner == handoff.sdr
    assert (deal_of(opportunity).stage, lead.is_sent_back) == ("Lost", True)
    assert Notification.objects.filter(user=handoff.sdr, kind="handoff.refused").count() == 2
    queue = signed_in(handoff.sdr).get(reverse("qualification:queue")).content.decode()
    assert "Handoff refused: not the one who decides" in queue
    page = signed_in(handoff.sdr).get(f"/leads/{lead.pk}/").content.decode()
    assert "Find out what the AE missed." in page
    assert "“He signs, not she”" in page
    assert "The AE refused: Not the one who decides." in page


def test_a_lead_sent_back_is_sound_and_one_that_keeps_another_reason_is_not(offered):
    lead, _, _, handoff = offered
    outcome = [check for check in CHECKS if check.name == "leads.open_has_no_outcome"]
    refuse_handoff(handoff.pk, by=handoff.ae, reason="wrong-person", note="He signs, not she")

    sent_back = run(outcome)
    Lead.objects.filter(pk=lead.pk).update(reason=make_reason("disqualify"))
    harmed = run(outcome)

    assert sent_back == [(outcome[0], [])]
    assert [broken[0].row for _, broken in harmed] == [str(lead.pk)]


def test_what_was_refused_is_handed_over_again_once_something_new_is_known(offered):
    lead, opportunity, _, handoff = offered
    refuse_handoff(handoff.pk, by=handoff.ae, reason="wrong-person")
    drain()

    # A new touch or a look at the criteria alone changes nothing: the same answers were refused.
    apply_sql_criteria(read(lead), None)
    assert read(lead).stage == "mql"

    answer_anew(lead)
    lead = read(lead)
    assert (lead.stage, lead.reason) == ("opportunity", None)
    second = Handoff.objects.latest("pk")
    assert (second.status, second.opportunity_id != opportunity.pk) == ("offered", True)
    assert deal_of(second.opportunity).stage != "Lost"


def test_the_crm_may_take_a_refused_deal_after_all(offered):
    lead, opportunity, _, handoff = offered
    refuse_handoff(handoff.pk, by=handoff.ae, reason="wrong-person")
    drain()

    on_the_board(deal_of(opportunity), "Proposal")
    drain()
    assert read(lead).stage == "mql"
    pull_connection(Connection.objects.get(slug="local").pk)
    drain()

    opportunity.refresh_from_db()
    assert (read(lead).stage, opportunity.stage) == ("opportunity", "open")
    on_the_board(deal_of(opportunity), "Won", amount="900")
    pull_connection(Connection.objects.get(slug="local").pk)
    drain()
    assert read(lead).stage == "won"


def test_a_refused_lead_whose_sdr_is_gone_finds_somebody_else(offered):
    lead, _, _, handoff = offered
    User.objects.filter(pk=handoff.sdr_id).update(is_active=False)

    refuse_handoff(handoff.pk, by=handoff.ae, reason="incomplete")

    lead = read(lead)
    assert lead.stage == "mql"
    assert lead.owner_id != handoff.sdr_id
    assert lead.owner_id is not None or WaitingLead.objects.filter(lead=lead, left_at=None).exists()


def test_a_day_that_the_ae_names_goes_before_the_queue(offered):
    lead, _, _, handoff = offered
    refuse_handoff(handoff.pk, by=handoff.ae, reason="incomplete", wake_on=(now() + timedelta(days=20)).date())
    assert read(lead).stage == "recycled"


def test_whoever_is_second_gets_a_sentence_and_changes_nothing(offered):
    lead, _, _, handoff = offered
    accept_handoff(handoff.pk, by=handoff.ae)

    with pytest.raises(AlreadyDecided, match="accepted already"):
        refuse_handoff(handoff.pk, by=handoff.ae, reason="bad-timing")

    assert read(lead).stage == "opportunity"
    assert Handoff.objects.get().status == "accepted"


def test_only_the_ae_or_a_manager_decides(offered):
    _lead, _, _, handoff = offered

    with pytest.raises(NotPermitted):
        accept_handoff(handoff.pk, by=make_user("ae"))
    assert Handoff.objects.get().status == "offered"

    accept_handoff(handoff.pk, by=make_user("manager"))
    assert Handoff.objects.get().status == "accepted"


@pytest.mark.parametrize(
    ("reason", "wake_in", "field"),
    [("nonsense", None, "reason"), ("bad-timing", -1, "wake_on"), ("price", None, "reason")],
)
def test_a_refusal_that_does_not_fit_names_the_field(offered, reason, wake_in, field):
    lead, _, _, handoff = offered
    wake_on = None if wake_in is None else (now() + timedelta(days=wake_in)).date()

    with pytest.raises(InvalidInput) as refused:
        refuse_handoff(handoff.pk, by=handoff.ae, reason=reason, wake_on=wake_on)

    assert set(refused.value.fields) == {field}
    assert read(lead).stage == "opportunity"


def test_the_page_tells_everything_and_what_is_not_known(offered):
    lead, _, _, handoff = offered
    at = now()
    Activity.objects.create(
        lead=lead,
        kind="meeting",
        disposition="booked",
        at=at,
        by=lead.owner,
        due_at=at + timedelta(days=2),
        body="Demo",
    )
    answer = lead.answers.get(question__key="budget")
    answer.confidence = 1
    answer.save()
    make_lead(stage="mql", contact=make_contact(first_name="Jens", last_name="Maurer", company=lead.contact.company))

    page = signed_in(handoff.ae).get(reverse("crmsync:handoff_detail", args=[handoff.pk])).content.decode()

    assert "Annika Hoffmann" in page
    assert "a demo" in page
    assert "“need quote”" in page
    assert "They expect you on" in page
    assert "is only a guess" in page
    assert "Nobody has spoken to Annika Hoffmann yet." in page
    assert "Jens Maurer" in page
    assert "Yours because no other AE could take it." in page
    assert "Bad timing" in page


def test_the_same_page_costs_the_same_number_of_queries_however_much_there_is(offered, django_assert_max_num_queries):
    lead, _, _, handoff = offered
    for _ in range(5):
        make_contact(company=lead.contact.company)
        Activity.objects.create(lead=lead, kind="call", disposition="no_answer", at=now(), by=lead.owner)

    client = signed_in(handoff.ae)
    with django_assert_max_num_queries(15):
        client.get(reverse("crmsync:handoff_detail", args=[handoff.pk]))


def test_accepting_and_refusing_on_the_page(offered):
    _lead, _, _, handoff = offered
    client = signed_in(handoff.ae)
    here = reverse("crmsync:handoff_detail", args=[handoff.pk])

    missing = client.post(reverse("crmsync:handoff_refuse", args=[handoff.pk]), {"note": "kept"})
    assert missing.status_code == 422
    assert "Choose a reason." in missing.content.decode()
    assert "kept" in missing.content.decode()

    assert client.post(reverse("crmsync:handoff_accept", args=[handoff.pk])).status_code == 302
    again = client.post(
        reverse("crmsync:handoff_accept", args=[handoff.pk]),
        follow=True,
        headers={"referer": f"http://testserver{here}"},
    )
    assert "accepted already" in again.content.decode()

    reason = Reason.objects.filter(kind="refuse", is_active=True, wake_after_days__isnull=False).first()
    refusal = {"reason": reason.code, "note": "Their CFO has to sign"}
    second = client.post(reverse("crmsync:handoff_refuse", args=[handoff.pk]), refusal, follow=True)
    assert "You wrote: “Their CFO has to sign”" in second.content.decode()
    # The door itself shows the page to who only looks.
    assert client.get(reverse("crmsync:handoff_refuse", args=[handoff.pk]))["Location"] == here


def test_who_sees_which_handoffs(offered):
    lead, _, _, handoff = offered
    here = reverse("crmsync:handoff_detail", args=[handoff.pk])
    everything = reverse("crmsync:handoff_list")

    assert signed_in(make_user("ae")).get(here).status_code == 404
    assert signed_in(make_user("marketing")).get(here).status_code == 403
    assert signed_in(handoff.sdr).get(here).status_code == 200
    assert lead.contact.company.name in signed_in(handoff.ae).get(everything).content.decode()
    assert lead.contact.company.name in signed_in(make_user("manager")).get(everything).content.decode()
    assert lead.contact.company.name not in signed_in(make_user("ae")).get(everything).content.decode()
