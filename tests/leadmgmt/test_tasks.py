"""A job that leads straight to another runs it itself, once what it did is committed."""

import pytest
from django.db import transaction
from django_q.models import OrmQ

from leadmgmt.core import tasks
from leadmgmt.core.tasks import enqueue, enqueue_many, going_on_with

pytestmark = pytest.mark.django_db(transaction=True)
NEXT = "tests.leadmgmt.test_tasks.note"
seen: list[int] = []


def note(number: int) -> None:
    """The job."""
    seen.append(number)


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    seen.clear()


def test_the_next_job_runs_here_once_and_after_the_commit() -> None:
    with going_on_with(NEXT):
        with transaction.atomic():
            enqueue(NEXT, 1)
            enqueue_many(NEXT, [1, 2])
            assert seen == []
        assert seen == []

    assert seen == [1, 2]
    assert not OrmQ.objects.exists()


def test_a_rollback_forgets_it() -> None:
    with going_on_with(NEXT), transaction.atomic():
        enqueue(NEXT, 1)
        transaction.set_rollback(True)

    assert seen == []


def test_other_jobs_go_through_the_queue() -> None:
    with going_on_with(NEXT):
        enqueue("tests.jobs.note", 7)

    assert seen == []
    assert OrmQ.objects.count() == 1


def test_what_fails_leaves_the_next_job_to_the_clock() -> None:
    with pytest.raises(ValueError, match="gone wrong"), going_on_with(NEXT):
        enqueue(NEXT, 1)
        raise ValueError("gone wrong")

    assert seen == []
    assert tasks._following.get() is None
