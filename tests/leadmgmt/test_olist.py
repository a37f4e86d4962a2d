"""History brought in from files: the reports' figures against a computation over the same files in plain Python."""

import csv
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from django.core.management import call_command

from leadmgmt.audit import CHECKS, run
from leadmgmt.reports.by_source import by_source
from leadmgmt.reports.filters import Filters, read
from leadmgmt.reports.funnel import Funnel, funnel
from leadmgmt.reports.team import team
from leads.models import Lead

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = ROOT.parent / "shared" / "data" / "dev"
LEADS, DEALS = "olist_mql_until_2018-02.csv", "olist_closed_until_2018-02.csv"
ORIGINS = ("organic_search", "paid_search", "social", "unknown", "", "email", "direct_traffic")


@dataclass(frozen=True)
class Expected:
    """What plain Python says about two files. The origin None is an empty cell."""

    volume: dict[str | None, int]
    won: dict[str | None, int]
    median_days: float
    wins_per_sdr: dict[str, int]


def rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        yield from csv.DictReader(text)


def computed(leads: Path, deals: Path, first: str = "", last: str = "9999") -> Expected:
    """Over the leads first seen on these days; a deal of a lead that is not in the file counts nowhere."""
    known = {row["mql_id"]: row for row in rows(leads) if first <= row["first_contact_date"] <= last}
    closed = [row for row in rows(deals) if row["mql_id"] in known]
    waits = [
        datetime.fromisoformat(row["won_date"]) - datetime.fromisoformat(known[row["mql_id"]]["first_contact_date"])
        for row in closed
    ]
    return Expected(
        volume=dict(Counter(row["origin"] or None for row in known.values())),
        won=dict(Counter(known[row["mql_id"]]["origin"] or None for row in closed)),
        median_days=median(wait.total_seconds() for wait in waits) / 86_400,
        wins_per_sdr=dict(Counter(row["sdr_id"] for row in closed)),
    )


def invented(folder: Path) -> tuple[Path, Path]:
    """Two files of the same shape with other people, other years and deals that nobody's lead belongs to."""
    chance = random.Random(11)
    sdrs, reps = [f"{place:032x}" for place in range(101, 106)], [f"{place:032x}" for place in range(201, 204)]
    with (folder / "leads.csv").open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["mql_id", "first_contact_date", "landing_page_id", "origin"])
        seen = {}
        for place in range(350):
            day = datetime(2023, 1, 1) + timedelta(days=chance.randrange(500))
            seen[f"{place:032x}"] = day
            writer.writerow([f"{place:032x}", day.date(), f"{chance.randrange(9):032x}", chance.choice(ORIGINS)])
    with (folder / "deals.csv").open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["mql_id", "seller_id", "sdr_id", "sr_id", "won_date", *EXTRA])
        for lead in [*chance.sample(sorted(seen), 61), "f" * 32]:
            won = seen.get(lead, datetime(2023, 5, 5)) + timedelta(seconds=chance.randrange(3600, 150 * 86_400))
            writer.writerow([lead, f"s{lead}"[:32], chance.choice(sdrs), chance.choice(reps), won, *[""] * len(EXTRA)])
    return folder / "leads.csv", folder / "deals.csv"


EXTRA = (
    "business_segment", "lead_type", "lead_behaviour_profile", "has_company", "has_gtin", "average_stock",
    "business_type", "declared_product_catalog_size", "declared_monthly_revenue",
)  # fmt: skip


def brought_in(leads: Path, deals: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both files through the two commands; what they say in JSON."""
    said = []
    for words in (
        ["import_leads", str(leads), "--channel", "olist", "--map", str(ROOT / "docs/examples/olist_leads.toml")],
        ["import_deals", str(deals), "--map", str(ROOT / "docs/examples/olist_deals.toml")],
    ):
        out = StringIO()
        call_command(*words, "--json", stdout=out, stderr=StringIO())
        said.append(json.loads(out.getvalue()))
    return said[0], said[1]


def reported(found: Funnel) -> tuple[dict[str | None, int], dict[str | None, int]]:
    lines = {line.name or None: line.line for line in by_source(found)}
    volume = {name: line.captured for name, line in lines.items()}
    return volume, {name: line.won for name, line in lines.items() if line.won}


def check(filters: Filters, expected: Expected) -> None:
    found = funnel(filters)
    volume, won = reported(found)
    assert volume == expected.volume
    assert won == expected.won
    for line in by_source(found):
        key = line.name or None
        assert line.line.won / line.line.captured == expected.won.get(key, 0) / expected.volume[key]
    assert found.total.whole is not None
    assert found.total.whole / 86_400 == pytest.approx(expected.median_days, abs=1e-6)
    wins = {line.user.external_id: line.deals.won for line in team(filters).sdrs if line.user and line.deals.won}
    assert wins == expected.wins_per_sdr


@pytest.fixture(
    params=[
        "invented",
        # The public data set is kept beside the checkout, not in it.
        pytest.param("public", marks=pytest.mark.skipif(not (PUBLIC / LEADS).exists(), reason=f"{PUBLIC} is not here")),
    ]
)
def files(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """Leads and deals as files."""
    return invented(tmp_path) if request.param == "invented" else (PUBLIC / LEADS, PUBLIC / DEALS)


def test_reports_equal_plain_python_over_the_files(db: None, files: tuple[Path, Path]) -> None:
    leads, _ = brought_in(*files)

    assert leads["refused"] == 0
    check(Filters(), computed(*files))


def test_a_period_counts_history_where_it_happened(db: None, files: tuple[Path, Path]) -> None:
    brought_in(*files)
    days = sorted(row["first_contact_date"] for row in rows(files[0]))
    first, last = days[len(days) // 4], days[3 * len(days) // 4]

    expected = computed(*files, first=first, last=last)

    assert 0 < sum(expected.volume.values()) < len(days)
    check(read({"from": first, "to": last}), expected)


def test_bringing_both_files_in_twice_changes_nothing(db: None, files: tuple[Path, Path]) -> None:
    brought_in(*files)
    before = (Lead.objects.count(), funnel(Filters()).total)

    leads, _ = brought_in(*files)

    assert leads["created"] == 0
    assert (Lead.objects.count(), funnel(Filters()).total) == before
    check(Filters(), computed(*files))


def test_history_brought_in_breaks_no_invariant(db: None, files: tuple[Path, Path]) -> None:
    brought_in(*files)

    assert [breach for _, broken in run(CHECKS) for breach in broken] == []
