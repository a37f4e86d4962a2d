"""What one more person at certain hours would have changed."""

from datetime import timedelta

import pytest

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from routing.services.what_if import one_more
from tests.factories import make_policy, make_pool, make_user
from tests.routing.test_replay import MONDAY, lead_at, rep, since_ever, two_pools
from tests.routing.things import ALWAYS, make_rules, page, shift, signed_in

pytestmark = pytest.mark.django_db


def test_one_more_person_in_the_evening_keeps_promises_that_broke_for_want_of_anybody() -> None:
    make_policy(60, is_default=True)
    day = rep("Day", always=False)
    for weekday in range(5):
        shift(day, weekday, "08:00", "16:00")
    pool, other = make_pool(day, name="Day"), make_pool(rep("Other"), name="Other")
    make_rules(("All", ALWAYS, pool))
    # In the morning somebody is there, in the evening nobody.
    for hour in (9, 10, 17, 17, 18):
        lead_at(MONDAY.replace(hour=hour - 1))
    since_ever()
    at = MONDAY + timedelta(days=2)

    evening = one_more(pool, "17:00", "19:00", at)
    assert evening is not None
    assert (evening.leads, evening.taken) == (5, 3)
    assert evening.late_before == 3
    assert evening.late == 0
    assert evening.removed == 1
    night = one_more(pool, "22:00", "23:00", at)
    assert night is not None
    assert night.late == 3
    elsewhere = one_more(other, "17:00", "19:00", at)
    assert elsewhere is not None
    assert (elsewhere.taken, elsewhere.removed) == (0, 0)
    with pytest.raises(InvalidInput):
        one_more(pool, "19:00", "17:00", at)


def test_it_is_asked_on_the_pools_page() -> None:
    rest, _france, _reps = two_pools()
    lead_at(now() - timedelta(days=1))
    client = signed_in(make_user("manager"))
    assert "What if one more person worked?" in page(client, "routing:pool_detail", rest.slug)
    told = {"from": "00:00", "to": "23:59"}
    assert "They would have had" in page(client, "routing:pool_detail", rest.slug, **told)
    wrong = {"from": "x", "to": "y"}
    assert "Write hours such as" in page(client, "routing:pool_detail", rest.slug, **wrong)
