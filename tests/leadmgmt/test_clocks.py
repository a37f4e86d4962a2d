"""The three clocks: leads that still wait count as far as they have come, and every figure opens its leads."""

import random
from datetime import timedelta

import pytest
from django.test import RequestFactory
from django.urls import reverse

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import moment
from leadmgmt.reports.clocks import CLOCKS, STATES, TICKS, clocks
from leadmgmt.reports.clocks_picture import picture
from leadmgmt.reports.filters import Filters
from leadmgmt.reports.tables import speed_tables
from leads.cohort import narrow
from leads.models import Lead
from routing.models import Assignment
from tests.factories import make_lead, make_user
from tests.leadmgmt.report_story import NOW, past, promised
from tests.routing.things import page, signed_in

pytestmark = pytest.mark.django_db


def lead(
    *,
    seen: float,
    owner: float | None = None,
    known: float | None = None,
    touch: float | None = None,
    stage: str = "new",
) -> Lead:
    """A lead seen so many minutes ago, and after how many minutes each clock ended."""
    at = past(seen / 1440)
    touched = at + timedelta(minutes=touch) if touch is not None else None
    made = make_lead(at=at, stage=stage, first_touched_at=touched)
    if owner is not None:
        given = at + timedelta(minutes=owner)
        accepted = given + timedelta(minutes=known) if known is not None else None
        Assignment.objects.create(lead=made, user=make_user(), reason="rule", starts_at=given, accepted_at=accepted)
    return made


def answer() -> dict[str, object]:
    with moment(NOW):
        return {one.clock: one for one in clocks(Filters())}


def survival(ends: list[tuple[float, bool]], tick: float) -> float:
    """Kaplan and Meier by hand: at each time somebody gets there, the share of those still at risk who do not."""
    left = 1.0
    for time in sorted({time for time, done in ends if done and time <= tick}):
        at_risk = sum(1 for other, _done in ends if other >= time)
        left *= 1 - sum(1 for other, done in ends if done and other == time) / at_risk
    return left


def test_each_clock_has_its_beginning_and_its_end() -> None:
    lead(seen=1000, owner=1, known=4, touch=10)
    lead(seen=1000, owner=1, known=None, touch=None)
    lead(seen=1000, owner=None)

    found = answer()

    owner, known, touched = (found[name] for name in CLOCKS)
    assert (owner.leads, owner.done, owner.running) == (3, 2, 1)
    assert (known.leads, known.done, known.running, known.p50) == (2, 1, 1, 240)
    assert (touched.leads, touched.done, touched.running) == (3, 1, 2)
    assert owner.p50 == 60
    assert touched.p50 is None


def test_a_young_lead_that_waits_is_no_failure_yet() -> None:
    for _lead in range(9):
        lead(seen=10_000, touch=4)
    lead(seen=2)

    touched = answer()["touched"]

    assert touched.within_five == 1
    assert (touched.share, touched.running) == (0.9, 1)


def test_what_was_closed_without_a_touch_never_gets_there() -> None:
    lead(seen=10_000, touch=4)
    lead(seen=10_000, stage="disqualified")

    touched = answer()["touched"]

    assert (touched.never, touched.shares[-1], touched.p90) == (1, 0.5, None)


@pytest.mark.parametrize("seed", range(6))
def test_the_shares_are_those_of_kaplan_and_meier(seed: int) -> None:
    chance, ends = random.Random(seed), []
    for _lead in range(60):
        seen = chance.choice([3, 8, 30, 200, 3000, 20_000])
        after = chance.choice([1, 2, 5, 12, 40, 100, 900, 5000])
        stage = chance.choice(["new", "new", "new", "disqualified"])
        touch = after if after <= seen else None
        lead(seen=seen, touch=touch, stage=stage)
        waits = float("inf") if stage == "disqualified" else seen
        ends.append((touch * 60 if touch else waits * 60, touch is not None))

    touched = answer()["touched"]

    for tick, share in zip(TICKS, touched.shares, strict=True):
        assert share == pytest.approx(1 - survival(ends, tick), abs=1e-9), tick
    for quantile, value in ((0.5, touched.p50), (0.9, touched.p90)):
        first = [
            time for time in sorted({t for t, done in ends if done}) if survival(ends, time) <= 1 - quantile + 1e-12
        ]
        assert value == (first[0] if first else None)


def test_every_count_opens_its_leads() -> None:
    chance = random.Random(7)
    for _lead in range(40):
        owner, touch = chance.choice([None, 1, 5]), chance.choice([None, 7, 90])
        known = chance.choice([None, 3]) if owner else None
        lead(seen=5000, owner=owner, known=known, touch=touch, stage=chance.choice(["new", "recycled"]))

    with moment(NOW):
        for line in picture(Filters(), clocks(Filters())).lines:
            for state in STATES:
                query = RequestFactory().get(line.urls[state]).GET.dict()
                behind = narrow(Lead.objects.all(), query).count()
                assert behind == getattr(line.clock, state), (line.clock.clock, state)


def test_the_page_and_the_tables_show_them() -> None:
    lead(seen=60, owner=1, known=2, touch=4)
    lead(seen=60)
    with moment(NOW):
        promised(3)
        client = signed_in(make_user("manager"))
        rows = {table.name: table.rows for table in speed_tables(Filters(), {})}["clocks"]
        text = page(client, "reports:speed", period="all")
        listed = client.get(reverse("qualification:lead_list"), {"clock": "touched-running"})

    assert [row["clock"] for row in rows] == list(CLOCKS)
    assert (rows[2]["leads"], rows[2]["done"], rows[2]["share_within_300_seconds"]) == (3, 2, pytest.approx(2 / 3))
    assert "Three clocks" in text
    assert "Captured to first human touch 2 66.7" in text or "Captured to first human touch 2 67" in text
    assert "Captured to first human touch" in listed.content.decode()


def test_a_clock_that_nobody_knows_is_said_to_be_none() -> None:
    with pytest.raises(InvalidInput, match="none of"):
        narrow(Lead.objects.all(), {"clock": "touched-soon"})
