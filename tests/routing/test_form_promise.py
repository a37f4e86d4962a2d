"""A hosted form promises what somebody present can keep, and nothing else."""

from datetime import UTC, datetime, time

import pytest
from django.test import Client

from leads.models import Channel
from routing.models import Shift
from routing.services.form_promise import form_promise
from tests.factories import make_channel, make_policy, make_rep, make_user

pytestmark = pytest.mark.django_db
# A Monday in Berlin, an hour ahead of UTC.
MORNING, LATE, NIGHT = (
    datetime(2026, 11, 23, hour, minute, tzinfo=UTC) for hour, minute in ((9, 0), (15, 50), (22, 0))
)


def cast() -> None:
    make_policy(15, is_default=True)
    rep = make_rep(make_user("sdr", time_zone="Europe/Berlin"), always=False)
    Shift.objects.create(rep=rep, weekday=0, starts_at=time(9), ends_at=time(17))


def test_while_somebody_is_there_the_policy_is_promised_until_they_go() -> None:
    cast()
    found = form_promise(MORNING)

    assert found is not None
    assert (found.minutes, found.until) == (15, datetime(2026, 11, 23, 16, 0, tzinfo=UTC))


def test_nothing_is_promised_that_nobody_could_keep() -> None:
    assert form_promise(MORNING) is None
    cast()
    assert form_promise(LATE) is None
    assert form_promise(NIGHT) is None


def test_around_the_clock_has_no_end() -> None:
    make_policy(15, is_default=True)
    make_rep()
    found = form_promise(MORNING)
    assert found is not None
    assert found.until is None


def test_the_form_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cast()
    make_channel("demo", kind=Channel.Kind.FORM)
    monkeypatch.setattr("leads.views.form.now", lambda: MORNING)

    page = Client().get("/f/demo/").content.decode()

    assert "Within 15 minutes" in page
    assert "We are here until 17:00 today." in page
    monkeypatch.setattr("leads.views.form.now", lambda: NIGHT)
    assert "hosted-steps" not in Client().get("/f/demo/").content.decode()
