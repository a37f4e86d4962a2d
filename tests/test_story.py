"""One lead travels the whole story through real worker processes: to won, and to recycled and back."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crmsync import board
from crmsync.models import BoardDeal, Handoff, Opportunity, OutboxEntry
from crmsync.services.handoff import accept_handoff
from leadmgmt.audit import CHECKS, run
from leadmgmt.reports import funnel
from leadmgmt.reports.filters import Filters
from leads.models import Lead, LeadEvent, Reason
from qualification.models import NurtureEnrolment, Outcome
from qualification.services.activities import log_activity
from qualification.services.answers import give_answer
from routing.models import Assignment, Certificate, Notification, SlaClock
from tests.worker import running_workers, wait_until
from tests.world import BANT, World, build_world

pytestmark = pytest.mark.django_db(transaction=True)

ANNIKA = {
    "email": "A.Hoffmann@Rheintal-Kaeltetechnik.example",
    "name": "Dr. Annika Hoffmann",
    "phone": "+49 721 5550 1840",
    "company": "Rheintal Kältetechnik GmbH",
    "job_title": "Head of Service",
    "subject": "demo",
    "message": "We plan 45 technicians in Excel.",
    "utm_source": "google-ads",
    "utm_campaign": "einsatzplanung",
    "external_id": "visitor-17",
}


def post(client: Client, world: World, body: dict[str, Any], **headers: str) -> Any:
    return client.post(
        "/api/v1/capture/",
        json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {world.token}", **headers},
    )


def capture_one(client: Client, world: World) -> Lead:
    """From POST to notified, by nobody's hand."""
    answer = post(client, world, ANNIKA, **{"Idempotency-Key": "story-1"})
    assert answer.status_code == 202
    assert set(answer.json()) >= {"id", "status", "url"}
    wait_until(lambda: Lead.objects.filter(notified_at__isnull=False).exists())
    return Lead.objects.select_related("contact__company").get()


def qualify(lead: Lead, world: World) -> None:
    """The owner calls and gets four answers; the rest happens by itself."""
    assert lead.owner is not None
    log_activity(lead.pk, "call", by=lead.owner, disposition="connected", body="She wants a system before March.")
    for question in world.questions():
        said = BANT[question.key]
        give_answer(lead.pk, question.pk, said, by=lead.owner, evidence="call", quote=said, confidence=4)
    wait_until(lambda: Handoff.objects.filter(opportunity__lead=lead).exists())
    wait_until(lambda: BoardDeal.objects.exists())


def stages(lead: Lead) -> list[str]:
    kinds = LeadEvent.objects.filter(lead=lead, kind__startswith="stage.").order_by("pk").values_list("kind", flat=True)
    return [kind.removeprefix("stage.") for kind in kinds]


def test_a_stranger_becomes_a_customer(client: Client) -> None:
    world = build_world()

    with running_workers(2):
        lead = capture_one(client, world)

        # Known, enriched, scored, routed with a certificate, promised, told.
        contact = lead.contact
        assert (contact.email_key, contact.phone) == ("a.hoffmann@rheintal-kaeltetechnik.example", "+4972155501840")
        assert (contact.first_name, contact.last_name) == ("Annika", "Hoffmann")
        assert contact.company is not None
        assert contact.company.domain == "rheintal-kaeltetechnik.example"
        assert contact.time_zone == "Europe/Berlin"
        assert contact.seniority
        assert lead.source is not None
        assert lead.source.slug == "google-ads"
        assert lead.grade
        assert lead.scores.get().reasons
        assert lead.owner in (world.ann, world.bob)
        certificate = Certificate.objects.get(lead=lead)
        assert certificate.rep is not None
        assert certificate.rep.user == lead.owner
        assert Assignment.objects.get(lead=lead, ends_at=None).user == lead.owner
        assert SlaClock.objects.get(lead=lead, stopped_at=None).started_at == lead.captured_at
        wait_until(lambda: not Notification.objects.exclude(status=Notification.Status.SENT).exists())
        assert set(Notification.objects.filter(user=lead.owner).values_list("way", flat=True)) == {"in_app", "email"}
        steps = [lead.captured_at, lead.enriched_at, lead.scored_at, lead.routed_at, lead.notified_at]
        assert None not in steps
        assert (lead.notified_at - lead.captured_at) < timedelta(seconds=20)  # type: ignore[operator]  # checked above

        # Worked and qualified; the opportunity, its handoff and the CRM's deal come by themselves.
        qualify(lead, world)
        lead.refresh_from_db()
        assert lead.stage == "opportunity"
        assert lead.first_touched_at is not None
        assert lead.ae == world.ada
        deal = BoardDeal.objects.get()
        assert "Rheintal" in deal.name + deal.company
        assert "Excel" in deal.summary
        assert deal.owner_email == world.ada.email
        handoff = Handoff.objects.get()
        assert handoff.ae == world.ada
        accept_handoff(handoff.pk, by=world.ada)

        # Won in the CRM; here by synchronisation alone.
        board.move_deal(str(deal.pk), stage=won_stage(), amount=deal.amount, by="somebody@crm")
        wait_until(lambda: Lead.objects.filter(pk=lead.pk, stage="won").exists())

        wait_until(lambda: Outcome.objects.filter(lead=lead, kind="won").exists())
        assert Opportunity.objects.get().stage == "won"
        wait_until(lambda: not OutboxEntry.objects.exclude(state__in=["done", "superseded"]).exists())

    assert stages(lead) == ["mql", "sql", "opportunity", "won"]
    assert LeadEvent.objects.filter(needs_step=True, handled_at=None).count() == 0
    seen = funnel.funnel(Filters())
    assert [step.count for step in seen.steps] == [1, 1, 1, 1, 1]
    assert audit_breaches() == []


def test_a_lost_deal_sleeps_and_comes_back(client: Client) -> None:
    world = build_world()

    with running_workers(2):
        lead = capture_one(client, world)
        qualify(lead, world)
        deal = BoardDeal.objects.get()
        board.move_deal(str(deal.pk), stage=lost_stage(), lost_reason=lost_reason(), by="somebody@crm")
        wait_until(lambda: NurtureEnrolment.objects.filter(lead=lead, ended_at=None).exists())

        lead.refresh_from_db()
        assert lead.stage == "recycled"
        assert lead.reason is not None
        assert lead.wake_at is not None
        assert lead.wake_at > timezone.now() + timedelta(days=7)
        outcome = Outcome.objects.get(lead=lead)
        assert (outcome.kind, outcome.reason) == ("lost", lead.reason.code)
        assert outcome.facts["contact.seniority"] == lead.contact.seniority

        # The date comes.
        Lead.objects.filter(pk=lead.pk).update(wake_at=timezone.now() - timedelta(seconds=1))
        wait_until(lambda: Assignment.objects.filter(lead=lead, ends_at=None).exists())

        lead.refresh_from_db()
        assert lead.is_working
        assert lead.wake_at is None
        assert lead.owner in (world.ann, world.bob)
        assert NurtureEnrolment.objects.get().end == NurtureEnrolment.End.WOKEN

    assert stages(lead)[:5] == ["mql", "sql", "opportunity", "recycled", "new"]
    assert audit_breaches() == []


def test_a_new_touch_wakes_a_sleeping_lead(client: Client) -> None:
    world = build_world()

    with running_workers(2):
        lead = capture_one(client, world)
        qualify(lead, world)
        deal = BoardDeal.objects.get()
        board.move_deal(str(deal.pk), stage=lost_stage(), lost_reason=lost_reason(), by="somebody@crm")
        wait_until(lambda: NurtureEnrolment.objects.filter(lead=lead, ended_at=None).exists())
        post(client, world, ANNIKA | {"message": "We are back.", "external_id": "visitor-99"})
        wait_until(lambda: Assignment.objects.filter(lead=lead, ends_at=None).exists())

    assert Lead.objects.count() == 1
    assert lead.touchpoints.count() == 2
    assert NurtureEnrolment.objects.get().end == NurtureEnrolment.End.RETURNED


def won_stage() -> str:
    return stage_meaning("won")


def lost_stage() -> str:
    return stage_meaning("lost")


def stage_meaning(meaning: str) -> str:
    from crmsync.models import StageMap

    return StageMap.objects.filter(meaning=meaning).values_list("remote", flat=True)[0]


def lost_reason() -> str:
    from crmsync.models import LossReasonMap

    mapped = LossReasonMap.objects.select_related("reason").filter(reason__kind=Reason.Kind.LOST)
    return next(row.remote for row in mapped if (row.reason.wake_after_days or 0) > 7)


def audit_breaches() -> list[Any]:
    return [breach for _, found in run(CHECKS) for breach in found]
