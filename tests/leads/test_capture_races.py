"""Two requests at the same instant: one contact, one open lead, every touch kept."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from leads import lifecycle
from leads.lifecycle import Cause
from leads.models import (
    Capture,
    Company,
    Contact,
    ContactIdentity,
    FieldValue,
    Lead,
    LeadEvent,
    Source,
    Touchpoint,
)
from leads.services.capture import KeyReused, process_capture, receive, take_in
from tests.factories import make_channel, make_reason

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 20


def at_once(work: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    """What each of so many threads returned or raised, all let go at the same instant."""
    gate, results = threading.Barrier(threads), [None] * threads

    def run(number: int) -> None:
        try:
            gate.wait()
            results[number] = work(number)
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    crew = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for one in crew:
        one.start()
    for one in crew:
        one.join()
    return results


def outcomes(results: list[Any]) -> Counter[str]:
    return Counter(type(one).__name__ if isinstance(one, Exception) else one.capture.status for one in results)


def test_one_address_at_once_is_one_contact_one_lead_and_every_touch() -> None:
    channel = make_channel("website")

    results = at_once(
        lambda number: receive(
            channel,
            {
                "email": "ann@new-firm.example",
                "company": "New Firm GmbH",
                "source": "Brand New",
                "campaign": "spring",
                "city": f"City {number}",
                "n": number,
            },
        )
    )

    assert outcomes(results) == {"accepted": THREADS}
    assert (Contact.objects.count(), Lead.objects.count(), Company.objects.count(), Source.objects.count()) == (
        1,
        1,
        1,
        1,
    )
    assert Touchpoint.objects.count() == THREADS
    assert Counter(LeadEvent.objects.values_list("kind", flat=True)) == {
        "lead.captured": 1,
        "lead.touched": THREADS - 1,
    }
    assert FieldValue.objects.filter(field="city").count() == 1


def test_one_external_id_at_once_is_one_contact() -> None:
    channel = make_channel("website")

    results = at_once(lambda number: receive(channel, {"external_id": "x1", "n": number}))

    assert outcomes(results) == {"accepted": THREADS}
    assert (Contact.objects.count(), ContactIdentity.objects.count(), Lead.objects.count()) == (1, 1, 1)
    assert Touchpoint.objects.count() == THREADS


def test_one_phone_number_at_once_is_one_contact() -> None:
    channel = make_channel("website")

    results = at_once(lambda number: receive(channel, {"phone": "0721 5550 1840", "n": number}))

    assert outcomes(results) == {"accepted": THREADS}
    assert (Contact.objects.count(), Lead.objects.count(), Touchpoint.objects.count()) == (1, 1, THREADS)


def test_address_and_id_of_one_person_at_once_are_one_open_lead_each() -> None:
    channel = make_channel("website")
    receive(channel, {"email": "ann@firm.example", "external_id": "x1"})

    at_once(
        lambda n: receive(channel, {"external_id": "x1", "n": n} if n % 2 else {"email": "ann@firm.example", "n": n})
    )

    assert (Contact.objects.count(), Lead.objects.count(), Touchpoint.objects.count()) == (1, 1, THREADS + 1)


def test_one_idempotency_key_at_once_is_one_capture() -> None:
    channel = make_channel("website")

    results = at_once(lambda number: receive(channel, {"email": "ann@firm.example"}, idempotency_key="k1"))

    assert outcomes(results) == {"accepted": THREADS}
    assert (Capture.objects.count(), Touchpoint.objects.count()) == (1, 1)
    assert sorted(one.was_known for one in results) == [False] + [True] * (THREADS - 1)


def test_one_key_with_different_bodies_at_once_keeps_the_first() -> None:
    channel = make_channel("website")

    results = at_once(lambda number: receive(channel, {"email": f"p{number}@firm.example"}, idempotency_key="k1"))

    assert sum(isinstance(one, KeyReused) for one in results) == THREADS - 1
    assert (Capture.objects.count(), Contact.objects.count()) == (1, 1)


def test_several_workers_at_one_submission_make_one_lead() -> None:
    kept = take_in(make_channel("website"), {"email": "ann@firm.example"}).capture

    at_once(lambda number: process_capture(kept.pk), 8)

    assert (Lead.objects.count(), Touchpoint.objects.count(), LeadEvent.objects.count()) == (1, 1, 1)


def test_a_recycled_lead_is_woken_once() -> None:
    channel = make_channel("website")
    lead = receive(channel, {"email": "ann@firm.example"}).capture.lead
    assert lead is not None
    at = timezone.now()
    lifecycle.to_recycled(lead.pk, Cause(at=at), reason=make_reason("recycle"), wake_at=None)

    later = at + timedelta(seconds=1)
    results = at_once(lambda number: receive(channel, {"email": "ann@firm.example", "n": number}, received_at=later))

    assert outcomes(results) == {"accepted": THREADS}
    assert Lead.objects.get().stage == "new"
    assert LeadEvent.objects.filter(kind="stage.new").count() == 1
    assert LeadEvent.objects.filter(kind="lead.touched").count() == THREADS


def test_many_people_of_many_companies_at_once_all_arrive() -> None:
    channel = make_channel("website")

    def work(number: int) -> Any:
        for turn in range(5):
            person, firm = (number + turn) % 7, turn % 3
            last = receive(
                channel,
                {
                    "email": f"p{person}@firm{firm}.example",
                    "source": f"Source {turn % 2}",
                    "city": f"{number}",
                    "n": [number, turn],
                },
            )
        return last

    results = at_once(work, 12)

    assert outcomes(results) == {"accepted": 12}
    assert Touchpoint.objects.count() == 60
    assert Capture.objects.filter(status="accepted").count() == 60
    assert Lead.objects.count() == Contact.objects.count() <= 21
