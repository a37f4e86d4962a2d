"""The reports as pages, files and answers to programs: every figure opens its leads, and opens to its readers only."""

import csv
import html
import io
import re
import zipfile
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from python_calamine import CalamineWorkbook

from leadmgmt.core.errors import InvalidInput
from leadmgmt.reports.filters import Filters, read
from leadmgmt.reports.funnel import funnel
from leads.models import User
from tests.factories import make_lead, make_source, make_team, make_user
from tests.leadmgmt.report_story import WON, past, promised, tell, told

PAGES = ("funnel", "speed", "sources", "attribution", "team")
LINK = re.compile(r'<a href="(/leads/\?[^"]*)"[^>]*>(.*?)</a>', re.DOTALL)


@pytest.fixture
def manager(db: None) -> User:
    """Somebody who reads everything."""
    return make_user("manager")


@pytest.fixture
def story(db: None) -> dict[str, Any]:
    """Two sources and leads without one."""
    return told()


def figures(page: str) -> list[tuple[str, int]]:
    """Every link to leads on a page that wears a whole number, with that number. Cells of the heat map wear minutes."""
    found = []
    for address, inner in LINK.findall(page):
        text = html.unescape(re.sub(r"<title>.*?</title>|<[^>]+>", " ", inner))
        number = re.search(r"\d[\d,]*", text)
        if number and "%" not in text and "heat-cell" not in inner:
            found.append((html.unescape(address), int(number.group().replace(",", ""))))
    return found


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    "words", ["?period=all", "?period=all&source=none", "?from=2026-10-01&to=2026-12-31&rep={ann}"]
)
def test_every_figure_opens_exactly_the_leads_behind_it(
    client: Client, manager: User, story: dict[str, Any], name: str, words: str
) -> None:
    for minutes in (2, 20, None):
        promised(minutes, owner=story["ann"], at=past(20))
    client.force_login(manager)

    page = client.get(f"/reports/{name}/{words.format(ann=story['ann'].pk)}")

    links = figures(page.content.decode())
    # All deals of the story are of one source.
    assert len(links) > (1 if name == "attribution" else 3)
    for address, number in links:
        listed = client.get(address)
        assert listed.context["page"].paginator.count == number, address


@pytest.mark.parametrize("name", PAGES)
def test_figures_speak_of_the_leads_that_the_reader_may_open(client: Client, story: dict[str, Any], name: str) -> None:
    leader = make_user("team_lead", team=make_team("a"))
    client.force_login(leader)

    page = client.get(f"/reports/{name}/?period=all")

    for address, number in figures(page.content.decode()):
        assert client.get(address).context["page"].paginator.count == number, address
    assert funnel(Filters(reader=leader)).total.captured == 1


@pytest.mark.parametrize("name", PAGES)
def test_reports_open_to_their_readers_only(client: Client, db: None, name: str) -> None:
    assert client.get(f"/reports/{name}/").status_code == 302
    client.force_login(make_user("sdr"))
    assert client.get(f"/reports/{name}/").status_code == 403
    assert client.get(f"/reports/{name}/export.csv").status_code == 403
    assert client.get(f"/api/v1/reports/{name}/").status_code == 403
    client.force_login(make_user("marketing"))
    assert client.get(f"/reports/{name}/").status_code == 200


@pytest.mark.parametrize("name", PAGES)
def test_an_empty_period_says_so(client: Client, manager: User, name: str) -> None:
    client.force_login(manager)

    page = client.get(f"/reports/{name}/?from=1999-01-01&to=1999-12-31")

    assert page.status_code == 200
    assert 'class="empty' in page.content.decode()


@pytest.mark.parametrize("name", PAGES)
def test_the_number_of_queries_does_not_grow_with_the_leads(client: Client, manager: User, name: str) -> None:
    client.force_login(manager)
    source = make_source("one")
    owner = make_user("sdr")

    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            client.get(f"/reports/{name}/?period=all")
        return len(caught)

    promised(2, source=source, owner=owner)
    few = queries()
    for _ in range(12):
        promised(3, source=make_source(), owner=make_user("sdr"))
        tell("won", after=WON, source=source)
    assert queries() <= few
    assert few <= 16


@pytest.mark.parametrize("name", PAGES)
def test_a_period_that_ends_before_it_begins_is_told_so(client: Client, manager: User, name: str) -> None:
    client.force_login(manager)

    page = client.get(f"/reports/{name}/?from=2026-12-01&to=2026-01-01")

    assert "The period ends before it begins. Choose its days anew." in " ".join(
        re.sub(r"<[^>]+>", " ", page.content.decode()).split()
    )
    # So long a period has none before it.
    assert client.get(f"/reports/{name}/?from=1900-01-01&to=2199-12-31&compare=previous").status_code == 200


def test_a_parameter_that_cannot_be_read_is_named(client: Client, manager: User) -> None:
    client.force_login(manager)

    answer = client.get("/api/v1/reports/funnel/?from=yesterday")

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["from"]
    with pytest.raises(InvalidInput):
        read({"from": "2026-13-01"})


def test_the_api_gives_the_same_figures(client: Client, manager: User, story: dict[str, Any]) -> None:
    client.force_login(manager)

    answer = client.get("/api/v1/reports/funnel/").json()

    assert [step["leads"] for step in answer["steps"]] == [8, 5, 4, 3, 2]
    assert {line["source"]: line["won"] for line in answer["sources"]} == {"Ads": 1, "unknown": 0, None: 1}
    assert client.get("/api/v1/reports/weather/").status_code == 404
    for name in PAGES:
        assert client.get(f"/api/v1/reports/{name}/").status_code == 200


def test_the_file_holds_nothing_that_a_spreadsheet_would_run(client: Client, manager: User) -> None:
    tell(source=make_source("evil", name='=HYPERLINK("http://x")'))
    client.force_login(manager)

    answer = client.get("/reports/funnel/export.csv?period=all")

    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    cells = [cell for row in rows for cell in row]
    assert '\'=HYPERLINK("http://x")' in cells
    assert not any(cell.startswith("=") for cell in cells)


@pytest.mark.parametrize("name", PAGES)
def test_a_spreadsheet_holds_the_same_figures(client: Client, manager: User, story: dict[str, Any], name: str) -> None:
    client.force_login(manager)
    answer = client.get(f"/reports/{name}/export.xlsx?period=all")
    assert answer["Content-Type"].endswith("spreadsheetml.sheet")
    assert answer["Content-Disposition"] == f'attachment; filename="{name}-all-time.xlsx"'
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    told = client.get(f"/api/v1/reports/{name}/").json()
    for sheet in book.sheet_names:
        head, *rows = book.get_sheet_by_name(sheet).to_python() or [[]]
        expected = told[sheet]
        assert len(rows) == len(expected), sheet
        for row, line in zip(rows, expected, strict=True):
            assert head == list(line), sheet
            for cell, value in zip(row, line.values(), strict=True):
                if isinstance(value, int | float) and not isinstance(value, bool):
                    assert cell == pytest.approx(value), (sheet, line)


def test_a_spreadsheet_runs_nothing_that_somebody_wrote(client: Client, manager: User, db: None) -> None:
    source = make_source("evil", name='=HYPERLINK("http://evil.example")')
    make_lead(source=source, at=past(3))
    client.force_login(manager)
    answer = client.get("/reports/sources/export.xlsx?period=all")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as parts:
        sheets = "".join(parts.read(name).decode() for name in parts.namelist() if "sheet" in name)
    assert "<f>" not in sheets
    assert "hyperlink" not in sheets.lower()
