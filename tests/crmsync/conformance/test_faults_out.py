"""F01–F11: whatever happens between a write and its answer, one record and the right one."""

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import monotonic, sleep

import pytest

from crmsync.adapters import errors
from crmsync.adapters.base import DEAL, SetStage
from crmsync.models import Link, OutboxEntry
from crmsync.services import send as sending
from crmsync.services.claim import MAX_ATTEMPTS
from crmsync.services.handoff import refuse_handoff
from leadmgmt.core.now import moment, now
from tests.crmsync.conformance.conftest import every, over, wired
from tests.crmsync.conformance.steps import (
    KEY,
    after_settling,
    entry_of,
    link_of,
    make,
    push,
    rename,
    soon,
    there,
)
from tests.crmsync.memory import Killed
from tests.crmsync.things import converted

pytestmark = pytest.mark.django_db

HTML = b"<html><body>Bad gateway</body></html>"


# Company, person, deal and what ties them, as far as each CRM has them.
WRITES = {"salesforce": 4, "hubspot": 5, "odoo": 1, "tryton": 3}


@wired
@pytest.mark.parametrize("mode", ["lost", "half"])
def test_f01_a_lost_answer_to_any_write_of_a_conversion_leaves_one_record(stand, crm, mode):
    """Each of the writes that make a deal loses its first answer."""
    _, opportunity = converted()
    seen = set()

    def first_of_its_kind(*request):
        if not stand.is_write(*request) or _kind(request) in seen:
            return False
        seen.add(_kind(request))
        return True

    stand.proxy.add(mode, on=first_of_its_kind, times=100)
    push(crm)
    for hours in range(1, 15):
        with moment(now() + timedelta(hours=hours)):
            push(crm)

    assert stand.proxy.fired[mode] == WRITES[stand.name]
    assert entry_of(opportunity).state == "done"
    remote_id, deal = stand.only()
    assert deal["name"] == opportunity.name
    assert link_of(opportunity).remote_id == remote_id


@wired
def test_a_deal_that_was_written_has_all_its_tries_for_the_tie(stand, crm):
    """The last try made it: what is still to be tied to its company is not given up for that."""
    _, opportunity = converted()
    OutboxEntry.objects.filter(opportunity=opportunity).update(attempts=MAX_ATTEMPTS - 1)
    push(crm)
    assert entry_of(opportunity).state == "done"
    assert stand.only()[1]["name"] == opportunity.name


def _kind(request):
    """Which write it is: by what stands in it, whatever ids and keys it carries."""
    method, path, body = request
    told = json.loads(body or b"{}")
    if "method" in told and "params" in told:
        called = told["params"]
        return (told["method"], *(called["args"][3:5] if isinstance(called, dict) else ()))
    steps = told.get("compositeRequest", [{}])
    return method, re.sub(
        r"[0-9a-f-]{20,}|\d{6,}|00[0-9A-Za-z]{13,}", "", path + steps[0].get("url", "").split("/LMS")[0]
    )


@wired
def test_f01_a_lost_answer_to_a_change_leaves_the_change_once(stand, crm):
    _, opportunity, remote_id = there(stand, crm)
    rename(opportunity, "Second name")
    stand.proxy.add("lost")

    push(crm)
    assert entry_of(opportunity).state == "verify"
    with after_settling(stand.adapter(crm)):
        push(crm)

    assert entry_of(opportunity).state == "done"
    assert stand.only()[1]["name"] == "Second name"
    assert link_of(opportunity).remote_id == remote_id


@wired
def test_f01_a_lost_answer_to_a_stage_leaves_it_there(stand, crm):
    _, opportunity, _ = there(stand, crm)
    refuse_handoff(opportunity.handoffs.get().pk, by=opportunity.owner, reason="no-fit")
    stand.proxy.add("lost")

    push(crm)
    for hours in (1, 2):
        with moment(now() + timedelta(hours=hours)):
            push(crm)

    assert stand.proxy.fired["lost"] == 1
    assert entry_of(opportunity).state == "done"
    assert stand.only()[1]["stage"] == stand.lost


@wired
def test_f02_a_write_that_arrives_after_we_gave_up_makes_no_second_record(stand, crm):
    _, opportunity = converted()
    # Only the deal itself is late: whatever comes before it has arrived.
    stand.proxy.add("late", on=lambda *request: stand.is_write(*request) and _makes_deal(stand, request), seconds=1.0)

    push(crm)
    # Its backoff is over while the first try is still on its way: whoever looks now finds nothing.
    with moment(now() + timedelta(seconds=5)):
        push(crm)
    sleep(1.5)
    with after_settling(stand.adapter(crm)):
        push(crm)

    assert stand.proxy.fired["late"] == 1
    assert entry_of(opportunity).state == "done"
    assert link_of(opportunity).remote_id == stand.only()[0]


@over("odoo", "tryton")
@pytest.mark.parametrize("status", [500, 429])
def test_f02_a_look_that_fails_before_sending_again_is_made_again(stand, crm, status):
    """The create arrived, its answer was lost; the CRM then fails or refuses while we ask whether it is there."""
    _, opportunity = converted()
    stand.proxy.add("lost", on=lambda *request: stand.is_write(*request) and _makes_deal(stand, request))
    push(crm)
    stand.proxy.add("status", on=lambda *request: b"search_read" in request[2], status=status, body=b"{}")
    with after_settling(stand.adapter(crm)):
        push(crm)
    for hours in (1, 2, 3):
        with moment(now() + timedelta(hours=hours)):
            push(crm)

    assert stand.proxy.fired == {"lost": 1, "status": 1}
    assert entry_of(opportunity).state == "done"
    assert link_of(opportunity).remote_id == stand.only()[0]


def _makes_deal(stand, request):
    _, path, body = request
    marks = {"salesforce": b"/Opportunity/LMS_Key__c", "odoo": b'"crm.lead", "create"', "tryton": b"opportunity.create"}
    if stand.name == "hubspot":
        return "/deals/batch/upsert" in path
    return marks[stand.name].replace(b", ", b",") in body.replace(b", ", b",")


@every
@pytest.mark.parametrize("where", ["before", "sent", "answered"])
def test_f03_a_killed_worker_leaves_one_record_and_the_order(stand, crm, where, monkeypatch):
    _, opportunity = converted()
    with monkeypatch.context() as patch:
        if where == "before":
            patch.setattr(sending, "fence", _kill)
        elif where == "sent":
            patch.setattr(sending, "_write", _after(sending._write, _kill))
        else:
            patch.setattr(sending, "_record", _kill)
        with pytest.raises(Killed):
            push(crm)
    rename(opportunity, "The later name")

    with after_settling(stand.adapter(crm)):
        push(crm)

    assert set(OutboxEntry.objects.filter(connection=crm).values_list("state", flat=True)) <= {"done", "superseded"}
    assert stand.only()[1]["name"] == "The later name"
    assert link_of(opportunity).remote_id == stand.only()[0]


def _kill(*_args, **_kwargs):
    raise Killed


def _after(real, then):
    def run(*args, **kwargs):
        real(*args, **kwargs)
        return then()

    return run


@every
def test_f04_a_slow_worker_that_returns_after_its_lease_changes_nothing(stand, crm, monkeypatch):
    _, opportunity = converted()
    real, seen = sending._write, []

    def slow(plan, adapter, at):
        written = real(plan, adapter, at)
        if not seen:
            seen.append(written)
            with after_settling(adapter):
                push(crm)
                rename(opportunity, "By the second worker")
                push(crm)
        return written

    monkeypatch.setattr(sending, "_write", slow)
    push(crm)

    assert seen
    assert stand.only()[1]["name"] == "By the second worker"
    assert link_of(opportunity).shadow["name"] == "By the second worker"
    assert set(OutboxEntry.objects.filter(connection=crm).values_list("state", flat=True)) <= {"done", "superseded"}


@wired
@pytest.mark.parametrize(
    ("given", "least", "most"),
    [("7", 7, 9), ("date", 58, 63), (None, 1, 3), ("1000000000", 3600, 3602), ("soon", 1, 3)],
)
def test_f05_too_many_requests_waits_as_told_and_costs_no_attempt(stand, crm, given, least, most):
    _, opportunity = converted()
    raw = format_datetime(datetime.now(UTC) + timedelta(seconds=61), usegmt=True) if given == "date" else given
    headers = (("Retry-After", raw),) if raw else ()
    stand.proxy.add("status", status=429, headers=headers, body=b"{}")

    before = now()
    push(crm)

    entry = entry_of(opportunity)
    assert (entry.state, entry.attempts, entry.error_class) == ("ready", 0, "RateLimited")
    assert before + timedelta(seconds=least) <= entry.not_before <= now() + timedelta(seconds=most)
    with moment(entry.not_before + timedelta(seconds=1)):
        push(crm)
    assert len(stand.deals()) == 1
    # What the deal has cost beside it is waited for before it is tied to its people.
    with moment(entry.not_before + timedelta(seconds=30)):
        push(crm)
    assert entry_of(opportunity).state == "done"
    assert len(stand.deals()) == 1


NO_JSON = (HTML, b"", b'{"results": [{"id')


def _unclear(stand, adapter, remote_id, **fault):
    """A write that meets the fault, and a read that meets it."""
    stand.proxy.add("status", **fault)
    with pytest.raises(errors.Ambiguous):
        adapter.set_stage(SetStage(DEAL, KEY.format(1), remote_id, stand.lost, stand.reason), soon())
    stand.proxy.add("status", on="read", **{**fault, "is_done": False})
    with pytest.raises(errors.Unavailable):
        adapter.get(DEAL, remote_id, soon())


@wired
def test_f06_a_server_error_is_ambiguous_for_a_write_and_passing_for_a_read(stand, crm):
    adapter = stand.adapter(crm)
    made = make(adapter, stand)

    for status in (500, 502, 503, 504):
        for body in NO_JSON:
            _unclear(stand, adapter, made.remote_id, status=status, body=body)
    assert stand.proxy.fired == {"status": 24}


@wired
@pytest.mark.parametrize("body", NO_JSON)
def test_f06_a_success_that_cannot_be_read_is_no_success(stand, crm, body):
    adapter = stand.adapter(crm)

    _unclear(stand, adapter, make(adapter, stand).remote_id, status=200, body=body, is_done=True)


@wired
@pytest.mark.parametrize("mode", ["slow", "hang"])
def test_f10_a_slow_server_costs_no_more_than_the_deadline(stand, crm, mode):
    adapter = stand.adapter(crm)
    made = make(adapter, stand)
    stand.proxy.add(mode, on="read", seconds=4)

    began = monotonic()
    with pytest.raises(errors.Unavailable):
        adapter.get(DEAL, made.remote_id, soon(1))

    assert monotonic() - began < 2


@over("tryton")
@pytest.mark.parametrize("mode", ["lost", "reset"])
def test_f11_a_stage_path_that_stopped_half_way_goes_on_from_there(stand, crm, mode):
    _, opportunity, remote_id = there(stand, crm)
    refuse_handoff(opportunity.handoffs.get().pk, by=opportunity.owner, reason="no-fit")
    # The reason is written first, the action that loses the deal is the second write.
    stand.proxy.add(mode, skip=1)

    push(crm)
    assert entry_of(opportunity).error_class == "PartialWrite"
    for hours in (1, 2):
        with moment(now() + timedelta(hours=hours)):
            push(crm)

    assert entry_of(opportunity).state == "done"
    assert stand.only()[1]["stage"] == stand.lost
    assert Link.objects.get(remote_id=remote_id).shadow["stage"] == stand.lost
