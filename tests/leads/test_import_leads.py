"""import_leads: what a file says arrives, row by row, once; what cannot be used is named and the others go on."""

import csv
import io
import json
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils.timezone import localtime

from leads.imports.run import import_file
from leads.imports.table import open_table
from leads.models import (
    Capture,
    Channel,
    Company,
    Consent,
    Contact,
    FieldValue,
    ImportRow,
    ImportRun,
    Lead,
    LeadEvent,
    Source,
    Touchpoint,
)
from leads.services.capture import receive
from tests.factories import make_channel
from tests.leads.shared import FOLDER, needs_dev_data, needs_dirty_data

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
OLIST = FOLDER / "dev" / "olist_mql_until_2018-02.csv"
EXAMPLE = ROOT / "docs" / "examples" / "olist_leads.toml"


def run(path: Path | str, *args: str, channel: str = "file") -> dict[str, Any]:
    out = io.StringIO()
    call_command("import_leads", str(path), "--channel", channel, "--json", *args, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def write(folder: Path, text: str | bytes, name: str = "leads.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_file_becomes_leads_and_the_channel_is_made(tmp_path: Path) -> None:
    head, row = "Vorname;Nachname;E-Mail;Telefon;Firma;Größe", "Zoë;Müller;zoe@firm.example;0721 5550 1840;Firm GmbH;30"
    path = write(tmp_path, f"{head}\n{row}\n")

    told = run(path, channel="messe-2026")

    assert (told["rows"], told["created"], told["joined"], told["unchanged"], told["refused"]) == (1, 1, 0, 0, 0)
    assert Channel.objects.get().kind == "import"
    contact = Contact.objects.get()
    assert (contact.full_name, contact.email, contact.phone, contact.attributes) == (
        "Zoë Müller",
        "zoe@firm.example",
        "+4972155501840",
        {"Größe": "30"},
    )
    capture = Capture.objects.get()
    assert capture.payload["Firma"] == "Firm GmbH"
    assert (capture.status, capture.context["line"], capture.lead) == ("accepted", 2, Lead.objects.get())
    assert LeadEvent.objects.get().needs_step


def test_the_same_file_again_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, "email,name\na@x.example,Ann\nb@x.example,Bob\nA@x.example,Ann Dyk\n")
    first, counted = run(path), _everything()
    second = run(path)

    assert (first["created"], first["joined"]) == (2, 1)
    assert (second["created"], second["joined"], second["unchanged"]) == (0, 0, 3)
    assert _everything() == counted


def test_two_equal_rows_are_one(tmp_path: Path) -> None:
    told = run(write(tmp_path, "email,name\na@x.example,Ann\na@x.example,Ann\n"))
    assert (told["created"], told["joined"], told["unchanged"]) == (1, 0, 1)


def test_refused_rows_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    text = (
        "email,name,phone\na@x.example,Ann,\n,Nobody,\nnot an address,Bob,\nc@x.example,Cleo,,surplus\n"
        'd@x.example,"Dan\ne@x.example,Eve,\n'
    )
    told = run(write(tmp_path, text))

    assert (told["rows"], told["created"], told["refused"]) == (6, 2, 4)
    assert [(row["line"], row["field"]) for row in told["refused_rows"]] == [
        (3, "email"),
        (4, "email"),
        (5, ""),
        (6, ""),
    ]
    assert "identif" in told["refused_rows"][0]["reason"] or "Send email" in told["refused_rows"][0]["reason"]
    assert "quotation mark" in told["refused_rows"][3]["reason"]
    kept = ImportRow.objects.get(line=3)
    assert (kept.cells["name"], kept.run) == ("Nobody", ImportRun.objects.get())
    assert set(Contact.objects.values_list("email", flat=True)) == {"a@x.example", "e@x.example"}


def test_a_dry_run_says_the_same_and_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, "email,name\na@x.example,Ann\n,Nobody\na@x.example,Ann D\n")
    told = run(path, "--dry-run")

    assert (told["dry_run"], told["created"], told["joined"], told["refused"]) == (True, 1, 1, 1)
    assert (Lead.objects.count(), Capture.objects.count(), ImportRun.objects.count()) == (0, 0, 0)
    assert not Channel.objects.exists()
    assert run(path)["created"] == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"  \n\n", "empty"),
        (b"PK\x03\x04rest", "workbook"),
        (b"\xd0\xcf\x11\xe0rest", "workbook"),
        (b"<!doctype html><title>502</title>", "web page"),
        (b"a,b\n1,2\n", "email, phone or external_id"),
    ],
)
def test_a_file_that_cannot_be_used_ends_with_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    path, out = write(tmp_path, content), io.StringIO()

    with pytest.raises(CommandError, match=sentence):
        call_command("import_leads", str(path), "--channel", "file", "--json", stdout=out)

    assert sentence in json.loads(out.getvalue())["error"]
    assert not Lead.objects.exists()


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(CommandError, match="cannot be opened"):
        call_command("import_leads", "nowhere.csv", "--channel", "file")


def test_a_channel_of_another_kind_is_refused(tmp_path: Path) -> None:
    make_channel("website")
    with pytest.raises(CommandError, match="kind api"):
        call_command("import_leads", str(write(tmp_path, "email\na@x.example\n")), "--channel", "website")


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("[fields", "no valid TOML"),
        ('[fields]\nemial = "Mail"', "Did you mean email"),
        ('[field]\nemail = "Mail"', "Did you mean fields"),
        ("[fields]\nemail = 5", "name a column"),
        ('[fields]\nemail = "Mail"\n[options]\nhistory = "yes"', "true or false"),
        ('[fields]\nemail = "Mail"\n[formats]\nemail = "%d"', "only occurred_at"),
        ('[fields]\nemail = "Mail"\noccurred_at = "Day"\n[formats]\noccurred_at = "day"', "%d"),
        ('[fields]\nemail = "Nothing"', "no column “Nothing”"),
        ('[fields]\nname = "Mail"', "email, phone or external_id"),
        ('[fields]\nemail = "Mail"\n[values.source]\n"G" = "Google"', "no column for source"),
        ('[fields]\nemail = "Mail"\n[formats]\noccurred_at = "%d"', "no column for occurred_at"),
        ('[fields]\nemail = "Mail"\n[constants]\n"consent.email" = "perhaps"', "true or false"),
        ('[fields]\nemail = "Mail"\n[constants]\nsource = ["a"]', "constants.source has to be a text"),
        ('[fields]\nemail = "Mail"\n[options]\ndrop = ["Dya"]', "no column “Dya”"),
        ('[fields]\nemail = "Mail"\n[options]\ndelimiter = "\\n"', "one character"),
    ],
)
def test_a_slip_in_the_mapping_is_told(tmp_path: Path, toml: str, sentence: str) -> None:
    path, mapping = write(tmp_path, "Mail,Day\na@x.example,1\n"), write(tmp_path, toml, "map.toml")
    with pytest.raises(CommandError, match=sentence):
        call_command("import_leads", str(path), "--channel", "file", "--map", str(mapping))


def test_a_consent_that_all_rows_share_is_a_statement_of_each(tmp_path: Path) -> None:
    mapping = write(tmp_path, '[fields]\nemail = "Mail"\n[constants]\n"consent.email" = true', "map.toml")

    run(write(tmp_path, "Mail\na@x.example\n"), "--map", str(mapping))

    assert list(Consent.objects.values_list("purpose", "granted")) == [("email", True)]
    assert Contact.objects.get().attributes == {}


def test_after_many_rows_the_planner_knows_the_tables(tmp_path: Path) -> None:
    rows = "".join(f"p{number}@x{number}.example\n" for number in range(1200))

    run(write(tmp_path, "email\n" + rows))

    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname IN ('leads_lead', 'leads_contact')")
        assert [int(count) for (count,) in cursor.fetchall()] == [1200, 1200]


def test_a_mapping_translates_cells_adds_constants_and_reads_times(tmp_path: Path) -> None:
    mapping = write(
        tmp_path,
        """
        [fields]
        email = "Kontakt"
        occurred_at = "Tag"
        source = "Weg"
        "consent.email" = "Post"
        [formats]
        occurred_at = ["%d.%m.%Y %H:%M", "%d.%m.%Y"]
        [constants]
        subject = "webinar"
        [values.source]
        "G" = "Google Ads"
        "?" = ""
        [options]
        drop = ["Intern"]
        delimiter = ";"
        """,
        "map.toml",
    )
    path = write(
        tmp_path,
        "Kontakt;Tag;Weg;Post;Intern;subject\n"
        "a@x.example;01.03.2026 10:00;G;ja;geheim;mine\nb@x.example;02.03.2026;?;nein;;\nc@x.example;2026;G;ja;;\n"
        "d@x.example;;;vielleicht;;\n",
    )
    told = run(path, "--map", str(mapping))

    assert (told["created"], [(row["line"], row["field"]) for row in told["refused_rows"]]) == (
        2,
        [(4, "occurred_at"), (5, "consent.email")],
    )
    first, second = Lead.objects.order_by("pk")
    assert first.source is not None
    assert (first.source.name, first.subject, first.first_seen_at.isoformat()) == (
        "Google Ads",
        "webinar",
        "2026-03-01T09:00:00+00:00",
    )
    assert second.source is None
    assert first.contact.attributes == {"subject (file)": "mine"}
    assert list(Consent.objects.order_by("pk").values_list("granted", flat=True)) == [True, False]


def _everything() -> dict[str, int]:
    models = (Capture, Contact, Company, Lead, Touchpoint, LeadEvent, FieldValue, Consent, Source, Channel)
    return {model.__name__: model.objects.count() for model in models}


def test_a_row_that_the_database_refuses_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE leads_contact ADD CONSTRAINT no_bob CHECK (first_name <> 'Bob') NOT VALID")
    rows = "".join(f"p{number}@x.example,{'Bob' if number == 57 else 'Ann'}\n" for number in range(200))

    told = run(write(tmp_path, "email,first_name\n" + rows))

    assert (told["created"], told["refused"]) == (199, 1)
    assert told["refused_rows"][0]["line"] == 59
    assert Contact.objects.count() == 199


@pytest.mark.django_db(transaction=True)
def test_two_imports_and_a_form_at_once_agree(tmp_path: Path) -> None:
    rows = "".join(f"p{number % 60}@x.example,City {number}\n" for number in range(300))
    path, channel = write(tmp_path, "email,city\n" + rows), make_channel("website")
    one, other = make_channel("one", kind="import"), make_channel("other", kind="import")
    problems: list[Exception] = []

    def guarded(work: Any) -> None:
        try:
            work()
        except Exception as error:
            problems.append(error)
        finally:
            connection.close()

    def live() -> None:
        for number in range(60):
            receive(channel, {"email": f"p{number}@x.example"})

    works = (lambda: import_file(path, one), lambda: import_file(path, other), live)
    crew = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()

    assert problems == []
    assert (Contact.objects.count(), Lead.objects.count(), Touchpoint.objects.count()) == (60, 60, 660)
    assert ImportRow.objects.count() == 0


@needs_dev_data
def test_real_leads_of_the_past_come_in_with_their_dates_and_origins() -> None:
    rows = list(csv.DictReader(OLIST.open()))
    told = run(OLIST, "--map", str(EXAMPLE), channel="olist")

    assert (told["rows"], told["created"], told["refused"]) == (len(rows), len(rows), 0)
    by_origin = Counter(row["origin"] for row in rows)
    found = Counter(Lead.objects.values_list("source__name", flat=True))
    assert found == {name or None: count for name, count in by_origin.items()}
    assert by_origin[""] != by_origin["unknown"]
    by_month = Counter(row["first_contact_date"][:7] for row in rows)
    captured = LeadEvent.objects.filter(kind="lead.captured").values_list("at", flat=True)
    assert Counter(f"{localtime(at):%Y-%m}" for at in captured) == by_month
    assert Counter(Touchpoint.objects.values_list("landing_page", flat=True)) == Counter(
        row["landing_page_id"] for row in rows
    )
    assert not LeadEvent.objects.filter(needs_step=True).exists()
    assert not Lead.objects.filter(is_history=False).exists()
    assert not any(contact.is_reachable for contact in Contact.objects.all()[:50])
    assert run(OLIST, "--map", str(EXAMPLE), channel="olist")["unchanged"] == len(rows)


@needs_dirty_data
def test_files_made_to_break_importers_are_read_to_the_cell() -> None:
    folder = FOLDER / "dirty" / "constructed"
    expected = json.loads((folder / "expected.json").read_text())
    exact = 0
    for name, told in expected.items():
        table = open_table(folder / name)
        rows = list(table.rows())
        if "rows" in told:
            assert len(rows) == told["rows"], name
        if "cells" in told:
            cells = [[row.cells.get(header, "") for header in table.headers] for row in rows]
            assert cells == [[cell.lstrip() for cell in row] for row in told["cells"]], name
            exact += 1
    assert exact == 11
    broken = [row for row in open_table(folder / "xeducation_whole_line_quoted_rows.csv").rows() if len(row.cells) < 30]
    assert broken == []
    mixed = [row.cells["First Name"] for row in open_table(folder / "mixed_utf8_then_latin1.csv").rows()]
    assert mixed == ["Zoë", "José"]


@needs_dirty_data
@pytest.mark.parametrize("folder", ["constructed", "messytables", "csvkit"])
def test_no_dirty_file_breaks_the_command(folder: str) -> None:
    for path in sorted((FOLDER / "dirty" / folder).iterdir()):
        if path.suffix == ".json":
            continue
        out = io.StringIO()
        with suppress(CommandError):
            call_command("import_leads", str(path), "--channel", "dirt", "--json", stdout=out)
        told = json.loads(out.getvalue())
        counted = sum(told.get(name, 0) for name in ("created", "joined", "unchanged", "refused"))
        assert "error" in told or told["rows"] == counted, path


@needs_dirty_data
def test_the_same_person_in_other_letters_is_one() -> None:
    told = run(FOLDER / "dirty" / "constructed" / "duplicates_case_and_plus.csv")

    assert (told["created"], told["joined"], Contact.objects.count()) == (2, 2, 2)
