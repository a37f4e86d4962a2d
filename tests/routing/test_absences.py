"""An absence as one operation: open leads go to whoever stands in, and what is still open comes back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import moment
from leads.models import Lead
from routing.models import Absence, CoverMove, LedgerEntry, Rep, SlaClock
from routing.services.absences import hand_over_due, preview
from routing.services.availability import add_absence, remove_absence
from tests.factories import make_lead, make_policy, make_pool, make_reason, make_rep, make_user
from tests.routing.things import ALWAYS, make_rules, page, route, signed_in

pytestmark = pytest.mark.django_db
TEN = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def pair() -> tuple[Rep, Rep]:
    make_policy(60, is_default=True)
    return (
        make_rep(make_user("sdr", first_name="Ann", last_name="X")),
        make_rep(make_user("sdr", first_name="Ben", last_name="X")),
    )


def given(rep: Rep, count: int = 2, **fields: Any) -> list[Lead]:
    """Leads that the rules have given to a rep."""
    make_rules(("All", ALWAYS, make_pool(rep)))
    leads = [make_lead(at=TEN, **fields) for _ in range(count)]
    with moment(TEN):
        for lead in leads:
            route(lead)
    return leads


def fresh(*leads: Lead) -> list[Lead]:
    return [Lead.objects.select_related("owner").get(pk=lead.pk) for lead in leads]


def test_open_leads_go_and_come_back(pair: tuple[Rep, Rep]) -> None:
    ann, ben = pair
    first, second = given(ann)
    add_absence(ann.pk, TEN + DAY, TEN + 3 * DAY, cover_id=ben.pk, hands_over=True)
    assert hand_over_due(TEN) == 0

    assert hand_over_due(TEN + DAY) == 2
    assert hand_over_due(TEN + DAY) == 0
    assert {lead.owner for lead in fresh(first, second)} == {ben.user}
    assert {one.reason for one in first.assignments.all()} == {"rule", "cover"}
    running = SlaClock.objects.get(lead=first, stopped_at__isnull=True)
    assert running.owned_at == TEN + DAY

    # Ben closes one; the other comes back.
    Lead.objects.filter(pk=second.pk).update(stage="disqualified", owner=None, reason=make_reason())
    assert hand_over_due(TEN + 3 * DAY) == 1
    assert hand_over_due(TEN + 3 * DAY) == 0
    assert fresh(first)[0].owner == ann.user
    assert [one.reason for one in first.assignments.order_by("starts_at")] == ["rule", "cover", "return"]
    assert not CoverMove.objects.filter(returned_at__isnull=True).exists()


def test_standing_in_costs_nobody_a_turn(pair: tuple[Rep, Rep]) -> None:
    ann, ben = pair
    given(ann)
    before = LedgerEntry.objects.count()
    add_absence(ann.pk, TEN + DAY, TEN + 3 * DAY, cover_id=ben.pk, hands_over=True)
    hand_over_due(TEN + DAY)
    hand_over_due(TEN + 3 * DAY)
    assert LedgerEntry.objects.count() == before


def test_a_lead_that_somebody_else_got_meanwhile_stays_with_them(pair: tuple[Rep, Rep]) -> None:
    ann, ben = pair
    (lead,) = given(ann, 1)
    add_absence(ann.pk, TEN + DAY, TEN + 3 * DAY, cover_id=ben.pk, hands_over=True)
    hand_over_due(TEN + DAY)
    third = make_user("sdr")
    Lead.objects.filter(pk=lead.pk).update(owner=third)
    assert hand_over_due(TEN + 3 * DAY) == 0
    assert fresh(lead)[0].owner == third


def test_back_before_the_time(pair: tuple[Rep, Rep]) -> None:
    ann, ben = pair
    (lead,) = given(ann, 1)
    absence = add_absence(ann.pk, TEN + DAY, TEN + 9 * DAY, cover_id=ben.pk, hands_over=True)
    hand_over_due(TEN + DAY)
    remove_absence(absence.pk, ann.pk, TEN + 2 * DAY)
    assert hand_over_due(TEN + 2 * DAY) == 1
    assert fresh(lead)[0].owner == ann.user


def test_an_absence_that_has_not_begun_is_simply_gone(pair: tuple[Rep, Rep]) -> None:
    ann, ben = pair
    absence = add_absence(ann.pk, TEN + DAY, TEN + 9 * DAY, cover_id=ben.pk, hands_over=True)
    remove_absence(absence.pk, ann.pk, TEN)
    assert not Absence.objects.exists()


def test_without_somebody_to_stand_in_nothing_is_handed_over(pair: tuple[Rep, Rep]) -> None:
    ann, _ben = pair
    with pytest.raises(InvalidInput, match="stands in"):
        add_absence(ann.pk, TEN, TEN + DAY, hands_over=True)
    with pytest.raises(InvalidInput, match="Somebody else"):
        add_absence(ann.pk, TEN, TEN + DAY, cover_id=ann.pk, hands_over=True)


def test_the_preview_counts_what_is_on_the_table(pair: tuple[Rep, Rep]) -> None:
    ann, ben = pair
    first, _second = given(ann)
    Lead.objects.filter(pk=first.pk).update(snoozed_until=TEN + 2 * DAY)
    Absence.objects.create(rep=ben, starts_at=TEN + 2 * DAY, ends_at=TEN + 4 * DAY)
    found = preview(ann, TEN, TEN + 3 * DAY, ben)
    assert (found.leads, found.promises, found.due, found.resuming, found.in_way) == (2, 2, 2, 1, 1)


def test_on_the_page_with_its_preview(pair: tuple[Rep, Rep]) -> None:
    ann, ben = pair
    client = signed_in(ann.user)
    told = {"starts_at": "2026-12-01T00:00", "ends_at": "2026-12-08T00:00", "cover": str(ben.pk), "hands_over": "on"}
    assert "0 open leads go to who stands in" in page(client, "routing:absence_preview", ann.pk, **told)
    assert client.post(f"/routing/reps/{ann.pk}/absences/", told).status_code == 302
    absence = Absence.objects.get()
    assert (absence.cover, absence.hands_over) == (ben, True)
    assert "Ben X stands in" in page(client, "routing:rep_detail", ann.pk)
    wrong = client.post(f"/routing/reps/{ann.pk}/absences/", {**told, "cover": ""})
    assert wrong.status_code == 422
    assert "Say who stands in." in wrong.content.decode()
