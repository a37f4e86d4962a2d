"""The lifecycle: which moves there are, that each happens once, and that nobody loses a race without being told."""

import threading
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from leads import lifecycle
from leads.lifecycle import Cause, StageConflict
from leads.models import Lead, LeadEvent, Stage
from tests.factories import make_contact, make_lead, make_reason, make_user

ALLOWED = {
    ("new", "mql"),
    ("recycled", "mql"),
    ("disqualified", "mql"),
    ("mql", "sql"),
    ("sql", "opportunity"),
    ("won", "opportunity"),
    ("recycled", "opportunity"),
    ("opportunity", "won"),
    ("new", "recycled"),
    ("mql", "recycled"),
    ("sql", "recycled"),
    ("opportunity", "recycled"),
    ("won", "recycled"),
    ("new", "disqualified"),
    ("mql", "disqualified"),
    ("sql", "disqualified"),
    ("recycled", "disqualified"),
    ("recycled", "new"),
    ("disqualified", "new"),
}


def move(lead: Lead, target: str) -> Lead:
    cause = Cause(by="test")
    if target == "disqualified":
        return lifecycle.to_disqualified(lead.pk, cause, reason=make_reason("disqualify", "spam"))
    if target == "recycled":
        return lifecycle.to_recycled(lead.pk, cause, reason=make_reason("recycle", "timing"), wake_at=None)
    if target == "new":
        return lifecycle.reopen(lead.pk, cause)
    mover: Callable[[int, Cause], Lead] = getattr(lifecycle, f"to_{target}")
    return mover(lead.pk, cause)


@pytest.mark.django_db
@pytest.mark.parametrize("source", Stage.values)
@pytest.mark.parametrize("target", Stage.values)
def test_only_the_moves_of_the_table_are_possible(source: str, target: str) -> None:
    lead = make_lead(stage=source)

    if source == target:
        move(lead, target)
        assert not LeadEvent.objects.filter(lead=lead).exists()
    elif (source, target) in ALLOWED:
        move(lead, target)
        event = LeadEvent.objects.get(lead=lead)
        assert (event.kind, event.data["from"], event.actor_label) == (f"stage.{target}", source, "test")
    else:
        with pytest.raises(StageConflict):
            move(lead, target)
        assert not LeadEvent.objects.filter(lead=lead).exists()

    lead.refresh_from_db()
    assert lead.stage == (target if source == target or (source, target) in ALLOWED else source)


@pytest.mark.django_db
def test_an_open_lead_has_no_reason_and_no_wake_up() -> None:
    lead = make_lead(stage="recycled", wake_at=timezone.now())

    lifecycle.reopen(lead.pk, Cause(by="test"))

    lead.refresh_from_db()
    assert (lead.reason, lead.reason_note, lead.wake_at) == (None, "", None)


@pytest.mark.django_db
def test_the_stage_cannot_be_assigned() -> None:
    lead = make_lead()

    with pytest.raises(AttributeError):
        lead.stage = "won"


@pytest.mark.django_db
def test_the_database_knows_the_stages() -> None:
    lead = make_lead()

    refused = pytest.raises(IntegrityError, match="leads_lead_stage_valid")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE leads_lead SET stage = 'nurturing' WHERE id = %s", [lead.pk])


@pytest.mark.django_db
def test_a_contact_has_one_open_lead() -> None:
    contact = make_contact()
    make_lead(contact=contact, stage="mql")
    make_lead(contact=contact, stage="recycled")

    with pytest.raises(IntegrityError, match="leads_lead_one_open_per_contact"), transaction.atomic():
        make_lead(contact=contact, stage="new")


def at_once(*calls: Callable[[], object]) -> list[BaseException | None]:
    """Run all calls in threads that start together; what each raised, or None."""
    barrier = threading.Barrier(len(calls))
    raised: list[BaseException | None] = [None] * len(calls)

    def run(number: int) -> None:
        try:
            barrier.wait(10)
            calls[number]()
        except BaseException as error:
            raised[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return raised


@pytest.mark.django_db(transaction=True)
def test_ten_equal_moves_at_once_are_one() -> None:
    lead = make_lead()

    raised = at_once(*[lambda: lifecycle.to_mql(lead.pk, Cause(by="test"))] * 10)

    assert raised == [None] * 10
    assert LeadEvent.objects.filter(lead=lead, kind="stage.mql").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_moves_at_once_the_second_sees_the_first() -> None:
    ann, bob = make_user("sdr"), make_user("sdr")
    reason = make_reason("disqualify", "spam")
    for _ in range(10):
        lead = make_lead(stage="sql")

        raised = at_once(
            lambda lead=lead: lifecycle.to_opportunity(lead.pk, Cause(actor=ann)),
            lambda lead=lead: lifecycle.to_disqualified(lead.pk, Cause(actor=bob), reason=reason),
        )

        lead.refresh_from_db()
        kinds = list(LeadEvent.objects.filter(lead=lead).values_list("kind", flat=True))
        assert kinds == [f"stage.{lead.stage}"]
        losers = [error for error in raised if error is not None]
        assert len(losers) == 1
        assert isinstance(losers[0], StageConflict)
