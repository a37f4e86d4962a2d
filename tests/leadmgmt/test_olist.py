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
from django.test import Client

from leadmgmt.audit import CHECKS, run
from leadmgmt.reports.by_source import by_source
from leadmgmt.reports.filters import Filters, read
from leadmgmt.reports.funnel import Funnel, funnel
from leadmgmt.reports.team import team
from leads.models import Lead
from leads.services.channels import create_api_key
from tests.factories import make_user

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
    codec = "utf-16" if file.read_bytes()[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    with file.open(encoding=codec, newline="") as text:
        header = text.readline()
        text.seek(0)
        yield from csv.DictReader(text, delimiter=max(",;\t", key=header.count))


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
        wins_per_sdr=dict(Counter(row["sdr_id"] for row in closed if row["sdr_id"])),
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


ODD_ORIGINS = ("Свои сайты", "„Messe“ München", "unknown", "", "none", "=cmd", "Organic Search", "紹介", "a" * 119)


def odd(folder: Path) -> tuple[Path, Path]:
    """The same shape written elsewhere: other words, separators and line ends, wins before the first contact."""
    chance = random.Random(12)
    seen = {f"lead {place}/ä": datetime(1999, 12, 1) + timedelta(days=chance.randrange(40)) for place in range(200)}
    header = ["origin", "mql_id", "landing_page_id", "first_contact_date"]
    with (folder / "leads.csv").open("w", encoding="utf-16", newline="") as text:
        writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
        writer.writerow(header)
        for lead, day in seen.items():
            writer.writerow([chance.choice(ODD_ORIGINS), lead, "", day.date()])
    with (folder / "deals.csv").open("w", encoding="utf-8-sig", newline="") as text:
        writer = csv.writer(text, delimiter="\t", quoting=csv.QUOTE_ALL)
        writer.writerow(["won_date", "sdr_id", "sr_id", "seller_id", "mql_id", *EXTRA])
        for place, lead in enumerate([*chance.sample(sorted(seen), 40), "nobody", "nobody else"]):
            won = seen.get(lead, datetime(2000, 1, 1)) + timedelta(seconds=chance.randrange(-9 * 86_400, 30 * 86_400))
            sdr = chance.choice(["Zoë Ö.", "sdr@firm.example", "7", ""])
            writer.writerow([won, sdr, "", f"s{place}", lead, *[""] * len(EXTRA)])
    return folder / "leads.csv", folder / "deals.csv"


@pytest.fixture(
    params=[
        "invented",
        "odd",
        # The public data set is kept beside the checkout, not in it.
        pytest.param("public", marks=pytest.mark.skipif(not (PUBLIC / LEADS).exists(), reason=f"{PUBLIC} is not here")),
    ]
)
def files(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """Leads and deals as files."""
    made = {"invented": invented, "odd": odd}.get(request.param)
    return made(tmp_path) if made else (PUBLIC / LEADS, PUBLIC / DEALS)


def test_reports_equal_plain_python_over_the_files(db: None, files: tuple[Path, Path]) -> None:
    leads, _ = brought_in(*files)

    assert leads["refused"] == 0
    check(Filters(), computed(*files))


def test_programs_are_told_the_same_figures(db: None, files: tuple[Path, Path]) -> None:
    brought_in(*files)
    _key, token = create_api_key("reader", user=make_user("manager"))
    expected = computed(*files)

    def asked(name: str) -> Any:
        answer = Client().get(f"/api/v1/reports/{name}/", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        return answer.json()

    found = asked("funnel")
    assert {line["source"]: line["captured"] for line in found["sources"]} == expected.volume
    assert {line["source"]: line["won"] for line in found["sources"] if line["won"]} == expected.won
    days = found["total"][0]["median_seconds_captured_to_won"] / 86_400
    assert days == pytest.approx(expected.median_days, abs=1e-6)
    assert {line["source"]: line["won"] for line in asked("sources")["sources"] if line["won"]} == expected.won
    wins = {line["external_id"]: line["won"] for line in asked("team")["sdrs"] if line["external_id"] and line["won"]}
    assert wins == expected.wins_per_sdr


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
