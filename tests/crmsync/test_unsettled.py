"""Updates whose answer was lost, where no write can name the version it is meant for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crmsync.adapters import errors
from crmsync.models import Link, OutboxEntry
from crmsync.tasks import pull_connection, push_connection
from leadmgmt.core.now import moment, now
from tests.crmsync.conformance.steps import rename
from tests.crmsync.memory import Killed
from tests.crmsync.things import converted

pytestmark = pytest.mark.django_db

WINDOW = timedelta(minutes=2)
SOON = timedelta(seconds=5)


@pytest.fixture
def deal(crm, linked):
    """One that stands there, in a CRM that takes whatever is written last."""
    crm.can = replace(crm.can, compare_and_set=False, max_in_flight=WINDOW)
    _, opportunity = converted()
    push_connection(linked.pk)
    assert crm.only()
    return opportunity


def name(crm):
    return crm.only().values["name"]


def states():
    return list(OutboxEntry.objects.order_by("pk").values_list("state", flat=True))[1:]


def test_an_update_that_arrived_is_found_at_once_and_the_next_one_goes(crm, linked, deal):
    start = now()
    crm.faults["upsert"] = [("after", errors.Ambiguous("reset"))]
    rename(deal, "First")
    push_connection(linked.pk)
    written = crm.calls.count("upsert")

    with moment(start + SOON):
        push_connection(linked.pk)
        assert (states(), crm.calls.count("upsert")) == (["done"], written)
        rename(deal, "Second")
        push_connection(linked.pk)

    assert (name(crm), states()) == ("Second", ["done", "done"])


def test_an_update_that_is_not_there_is_sent_again_at_once_with_the_same_values(crm, linked, deal):
    start = now()
    crm.faults["upsert"] = [errors.Ambiguous("502")]
    rename(deal, "First")
    push_connection(linked.pk)

    with moment(start + SOON):
        push_connection(linked.pk)

    assert (name(crm), states()) == ("First", ["done"])


def test_another_value_waits_until_the_first_try_can_no_more_arrive(crm, linked, deal):
    start = now()
    crm.faults["upsert"] = [errors.Ambiguous("cut off")]
    rename(deal, "First")
    push_connection(linked.pk)
    with moment(start + SOON):
        push_connection(linked.pk)
        rename(deal, "Second")
        push_connection(linked.pk)
    assert name(crm) == "First"

    with moment(start + timedelta(minutes=1)):
        # What was cut off arrives only now; it says what stands there already.
        crm.edit(crm.only().remote_id, by="us", name="First")
        push_connection(linked.pk)
        pull_connection(linked.pk)
    assert (name(crm), states()) == ("First", ["done", "ready"])

    with moment(start + WINDOW + SOON):
        push_connection(linked.pk)
    assert (name(crm), states()) == ("Second", ["done", "done"])
    deal.refresh_from_db()
    assert deal.name == "Second"


def test_a_value_that_changed_before_the_second_try_waits_too(crm, linked, deal):
    start = now()
    crm.faults["upsert"] = [errors.Ambiguous("cut off")]
    rename(deal, "First")
    push_connection(linked.pk)
    rename(deal, "Second")
    before = crm.calls.count("upsert")

    with moment(start + SOON):
        push_connection(linked.pk)
    assert crm.calls.count("upsert") == before
    crm.edit(crm.only().remote_id, by="us", name="First")

    with moment(start + WINDOW + SOON):
        push_connection(linked.pk)
    assert (name(crm), set(states()) <= {"done", "superseded"}) == ("Second", True)


def test_waiting_costs_no_try(crm, linked, deal):
    start = now()
    crm.faults["upsert"] = [errors.Ambiguous("cut off")]
    rename(deal, "First")
    push_connection(linked.pk)
    rename(deal, "Second")
    for second in range(5, 60, 5):
        with moment(start + timedelta(seconds=second)):
            push_connection(linked.pk)
    assert OutboxEntry.objects.get(state="verify").attempts == 1


def test_after_two_tries_one_that_arrived_says_nothing_of_the_other(crm, linked, deal):
    start = now()
    crm.faults["upsert"] = [errors.Ambiguous("cut off"), ("after", errors.Ambiguous("reset"))]
    rename(deal, "First")
    push_connection(linked.pk)
    for span in (SOON, 3 * SOON):
        with moment(start + span):
            push_connection(linked.pk)
    assert states() == ["done"]

    with moment(start + timedelta(minutes=1)):
        rename(deal, "Second")
        push_connection(linked.pk)
        assert name(crm) == "First"
    with moment(start + WINDOW + 4 * SOON):
        push_connection(linked.pk)
    assert name(crm) == "Second"


def test_what_a_lost_worker_sent_is_waited_for(crm, linked, deal):
    start = now()
    crm.faults["upsert"] = [Killed()]
    rename(deal, "First")
    with pytest.raises(Killed):
        push_connection(linked.pk)
    before = crm.calls.count("upsert")

    with moment(start + timedelta(seconds=60)):
        push_connection(linked.pk)
    assert crm.calls.count("upsert") == before
    with moment(start + WINDOW + SOON):
        push_connection(linked.pk)
    assert name(crm) == "First"


def test_a_worker_lost_after_an_uncertain_write_is_waited_for_as_well(crm, linked, deal):
    start = now()
    crm.faults["upsert"] = [errors.Ambiguous("cut off"), Killed()]
    rename(deal, "First")
    push_connection(linked.pk)
    with moment(start + timedelta(seconds=100)), pytest.raises(Killed):
        push_connection(linked.pk)
    rename(deal, "Second")
    before = crm.calls.count("upsert")

    # The first try can no more arrive, the lost worker's can.
    with moment(start + timedelta(seconds=150)):
        push_connection(linked.pk)
    assert crm.calls.count("upsert") == before
    with moment(start + timedelta(seconds=230)):
        push_connection(linked.pk)
    assert name(crm) == "Second"


def test_where_a_write_names_its_version_nothing_waits(crm, linked, deal):
    crm.can = replace(crm.can, compare_and_set=True)
    start = now()
    crm.faults["upsert"] = [errors.Ambiguous("cut off")]
    rename(deal, "First")
    push_connection(linked.pk)
    rename(deal, "Second")
    with moment(start + SOON):
        push_connection(linked.pk)
    assert name(crm) == "Second"
    assert Link.objects.get(opportunity=deal).unsettled_until is None


def test_a_first_try_that_fails_comes_again_within_seconds_and_a_sixth_after_much_longer(crm, linked, deal):
    crm.can = replace(crm.can, compare_and_set=True)
    crm.faults["upsert"] = [errors.Unsent("refused") for _ in range(6)]
    rename(deal, "First")
    pauses, at = [], now()
    for _ in range(6):
        with moment(at):
            push_connection(linked.pk)
        again = OutboxEntry.objects.latest("pk").not_before
        pauses.append((again - at).total_seconds())
        # The breaker rests meanwhile; a trial of it comes in its time.
        at = max(again, at + timedelta(minutes=11))
    assert max(pauses[:5]) <= 4
    assert pauses[5] <= 16
