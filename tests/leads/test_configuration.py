"""Configuration kept in memory: read once, and never older than the last change that was committed."""

from threading import Thread

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from leads.configuration import Kept, looked_at_once
from leads.models import Provider

pytestmark = pytest.mark.django_db


def names() -> Kept[list[str]]:
    return Kept(lambda: list(Provider.objects.order_by("slug").values_list("name", flat=True)), "leads_provider")


def make(slug: str = "one", **fields: object) -> Provider:
    return Provider.objects.create(slug=slug, name=slug.title(), kind="http_json", **fields)


def test_what_nobody_changes_is_read_once() -> None:
    make()
    kept = names()
    assert kept() == ["One"]

    with CaptureQueriesContext(connection) as queries:
        assert [kept(), kept()] == [["One"], ["One"]]
    assert ["leads_stamp" in query["sql"] for query in queries] == [True, True]


def test_one_transaction_looks_once() -> None:
    make()
    kept, others = names(), names()
    kept(), others()

    with CaptureQueriesContext(connection) as queries, looked_at_once(), looked_at_once():
        kept(), others(), kept()
    assert len(queries) == 1


def test_every_kind_of_change_is_seen() -> None:
    kept = names()
    assert kept() == []
    provider = make()
    assert kept() == ["One"]
    Provider.objects.filter(pk=provider.pk).update(name="Other")
    assert kept() == ["Other"]
    Provider.objects.bulk_create([Provider(slug="two", name="Two", kind="http_json")])
    assert kept() == ["Other", "Two"]
    provider.delete()
    assert kept() == ["Two"]


def test_counting_failures_is_no_change_but_a_pause_is() -> None:
    provider = make()
    kept = names()
    first = kept()

    Provider.objects.filter(pk=provider.pk).update(failures=3)
    assert kept() is first
    Provider.objects.filter(pk=provider.pk).update(paused_until="2026-01-01T00:00Z")
    assert kept() is not first


def test_a_change_that_is_taken_back_was_none() -> None:
    provider = make()
    kept = names()
    kept()

    with transaction.atomic():
        Provider.objects.filter(pk=provider.pk).update(name="Never")
        assert kept() == ["Never"]
        transaction.set_rollback(True)
    assert kept() == ["One"]


@pytest.mark.django_db(transaction=True)
def test_what_is_not_committed_yet_reaches_nobody_else() -> None:
    provider = make()
    kept = names()
    seen: list[list[str]] = []

    def look() -> None:
        seen.append(kept())
        connection.close()

    with transaction.atomic():
        Provider.objects.filter(pk=provider.pk).update(name="Changed")
        assert kept() == ["Changed"]
        other = Thread(target=look)
        other.start()
        other.join()
    look()

    assert seen == [["One"], ["Changed"]]


@pytest.mark.django_db(transaction=True)
def test_two_who_change_different_rows_do_not_wait_and_both_changes_are_seen() -> None:
    one, two = make("one"), make("two")
    kept = names()
    kept()

    def change_the_other() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '3s'")
        Provider.objects.filter(pk=two.pk).update(name="Second")
        connection.close()

    with transaction.atomic():
        Provider.objects.filter(pk=one.pk).update(name="First")
        other = Thread(target=change_the_other)
        other.start()
        other.join()
        looked_from_here = kept()
    assert looked_from_here == ["First", "Second"]
    assert kept() == ["First", "Second"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM leads_stamp WHERE name = 'leads_provider'")
        assert cursor.fetchone()[0] <= 2
