"""Every figure of a report opens exactly its leads: of history from files and of leads that lived here, any filter."""

import html
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from leads.events import record_event
from leads.models import Lead, User
from qualification.models import Criteria
from routing.models import WaitingLead
from tests.factories import make_lead, make_source, make_team, make_user
from tests.leadmgmt.report_story import WON, past, promised, tell, told
from tests.leadmgmt.test_olist import brought_in, invented
from tests.leadmgmt.test_report_pages import LINK, PAGES, figures


@pytest.fixture
def manager(db: None) -> User:
    """Somebody who reads everything."""
    return make_user("manager")


@pytest.fixture
def life(db: None) -> dict[str, Any]:
    """Leads of every end, loops, promises kept, late, missed and running, and leads that waited for a rep."""
    story = told()
    team, fair = make_team("a"), make_source("fair", name="Fair")
    for minutes in (2, 3, 4, 20, 60, None):
        promised(minutes, owner=story["ann"], team=team, source=fair, at=past(20))
        promised(minutes, owner=story["bob"], at=past(8.3))
    waited = promised(None, source=fair, at=past(4))
    WaitingLead.objects.create(lead=waited, reason="nobody", since=past(4), wake_at=past(3), left_at=past(3))
    Lead.objects.filter(is_history=False).update(notified_at=past(1))
    looped = {"mql": 1, "sql": 2, "recycled": 3, "new": 5, "sql:again": 6, "opportunity": 7, "won": 20}
    tell("won", after=looped, source=fair, owner=story["ann"], team=team)
    tell("mql", after={"disqualified": 1, "new": 2, "mql": 3, "recycled": 4, "mql:again": 6}, source=fair)
    tell("recycled", after={**WON, "recycled": 25}, source=story["ads"])
    return story


def check(client: Client, address: str) -> int:
    """How many figures of the page were followed; each list has as many leads as its figure says."""
    page = client.get(address)
    assert page.status_code == 200
    links = figures(page.content.decode())
    for link, number in dict.fromkeys(links):
        assert client.get(link).context["page"].paginator.count == number, (address, link)
    return len(links)


def test_every_figure_about_leads_that_lived_here(client: Client, manager: User, life: dict[str, Any]) -> None:
    client.force_login(manager)
    ann, first, last = life["ann"].pk, past(25).date(), past(5).date()

    for words in (
        "period=all", "period=all&source=fair", "period=all&source=none", "period=all&source=unknown",
        "period=all&team=a",
        f"period=all&rep={ann}", f"from={first}&to={last}", f"from={first}&to={last}&team=a&rep={ann}&source=fair",
        f"from={first - timedelta(days=10)}", f"to={last}",
    ):  # fmt: skip
        followed = {name: check(client, f"/reports/{name}/?{words}") for name in PAGES}
        assert sum(followed.values()) > 5, words
    check(client, "/reports/sources/?period=all&level=campaign")


def test_the_criteria_that_counted_are_told_by_version(client: Client, manager: User) -> None:
    Criteria.objects.create(kind="mql", version=1, name="Fits", status="archived", published_at=past(90))
    Criteria.objects.create(kind="mql", version=2, name="Fits better", status="published", published_at=past(20))
    steps = (("mql", 1), ("mql", 1), ("mql", 2), ("sql", 7), None)
    for judge in steps:
        lead = make_lead(stage="mql", at=past(30))
        record_event(lead, "lead.captured", at=past(30), quiet=True)
        said = {"criteria_kind": judge[0], "version": judge[1]} if judge else {"reason": "met them"}
        record_event(lead, "stage.mql", at=past(10), data={"from": "new", **said}, quiet=True)
        # What counts is the first time.
        again = {"from": "recycled", "criteria_kind": "mql", "version": 2}
        record_event(lead, "stage.mql", at=past(2), data=again, quiet=True)
    client.force_login(manager)

    found = client.get("/reports/funnel/?period=all").context["criteria_lines"]

    told = [(line.stage, line.name, line.count, line.share_percent) for line in found]
    assert told[:2] == [("mql", "MQL 2", 1, 20.0), ("mql", "MQL 1", 2, 40.0)]
    assert told[2:] == [("mql", "SQL 7", 1, 20.0), ("mql", "", 1, 20.0)]
    assert found[0].since == past(20)
    check(client, "/reports/funnel/?period=all")
    listed = client.get(found[1].url)
    assert "MQL by criteria MQL 1" in listed.content.decode()
    rows = client.get("/api/v1/reports/funnel/?period=all").json()["criteria"]
    assert rows[1] | {"since": ""} == {"stage": "mql", "criteria": "MQL 1", "since": "", "leads": 2, "share": 0.4}
    for wrong in ("mql", "won:mql.1", "mql:mql.x", "mql:mql."):
        assert client.get("/leads/", {"cohort": "1", "criteria": wrong}).status_code == 422


def test_the_way_back_is_counted_and_opened(client: Client, manager: User, life: dict[str, Any]) -> None:
    client.force_login(manager)

    page = client.get("/reports/funnel/?period=all").content.decode()

    followed = {link: number for link, number in figures(page) if "loop=" in link}
    loops = {link.partition("loop=")[2]: number for link, number in followed.items()}
    assert loops["returned"] == 3
    assert loops["sql"] == 2
    assert loops["won"] == 1
    for link, number in followed.items():
        assert client.get(link).context["page"].paginator.count == number, link


def test_cells_of_the_heat_map_open_their_hour(client: Client, manager: User, life: dict[str, Any]) -> None:
    client.force_login(manager)

    page = client.get("/reports/speed/?period=all").content.decode()

    cells = [(html.unescape(link), inner) for link, inner in LINK.findall(page) if "heat-cell" in inner]
    assert cells
    for link, inner in cells:
        told_count = re.search(r"of (\d+)</title>", inner)
        assert told_count is not None
        assert client.get(link).context["page"].paginator.count == int(told_count[1]), link


def test_every_figure_about_history_from_files(client: Client, manager: User, tmp_path: Path) -> None:
    brought_in(*invented(tmp_path))
    client.force_login(manager)
    sdr = User.objects.filter(external_id=f"{101:032x}").get()
    origins = ("none", "unknown", "organic_search")

    for words in ("period=all", "from=2023-03-01&to=2023-09-30", f"period=all&rep={sdr.pk}"):
        for name in PAGES:
            check(client, f"/reports/{name}/?{words}")
    for origin in origins:
        assert check(client, f"/reports/funnel/?period=all&source={origin}") > 5


def test_history_without_address_is_shown_as_not_reachable_yet(client: Client, manager: User, tmp_path: Path) -> None:
    brought_in(*invented(tmp_path))
    client.force_login(manager)

    listed = client.get("/leads/?source=none").content.decode()

    assert "not reachable yet" in listed.casefold()


def test_the_list_behind_a_figure_says_in_words_what_it_holds(
    client: Client, manager: User, life: dict[str, Any]
) -> None:
    client.force_login(manager)
    ann = life["ann"]

    def chips(words: str) -> list[str]:
        return [f"{label}: {value}" for label, value, _url in client.get(f"/leads/?{words}").context["chips"]]

    assert chips(f"from=2026-10-01&cohort=1&received_by={ann.pk}&promise=late") == [
        "From: 1 Oct 2026",
        f"First received by: {ann}",
        "First promise: kept late",
    ]
    assert chips("hour=2-13&notified=waited&loop=sql") == [
        "First promise began: Wed from 13",
        "Told to a rep: after waiting for one",
        "Was recycled: came back, then SQL",
    ]
    assert chips(f"sdr={ann.pk}&deal=won&handoff=accepted&reached=opportunity&received_by=none") == [
        f"Qualified by: {ann}",
        "Deal: Won",
        "Handoff: Accepted",
        "Reached: Opportunity",
        "First received by: nobody",
    ]
    assert client.get("/leads/?hour=9-9").status_code == 422
