"""Files through the browser: upload, mapping, trial, run in spells, stop, undo, and the refused rows."""

import csv
import html
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from leads.cohort import narrow
from leads.models import Capture, Channel, Contact, ImportMapping, ImportRun, Lead, User
from leads.services import imports, undo_import
from leads.services.capture import receive
from leads.services.edit import edit_lead
from tests.factories import make_channel, make_user
from tests.leads.shared import FOLDER, needs_dev_data, needs_dirty_data

pytestmark = pytest.mark.django_db
ROWS = b"E-Mail,Vorname,Nachname,Firma\nann@firm.example,Ann,Dyk,Firm\nbob@firm.example,Bob,Ohm,Firm\nnonsense,X,Y,Z\n"


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def admin() -> User:
    return make_user("admin")


@pytest.fixture
def signed_in(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


@pytest.fixture
def files() -> Channel:
    return Channel.objects.create(slug="files", name="Files", kind="import")


def text(response: Any) -> str:
    return html.unescape(response.content.decode())


def put(client: Client, files: Channel, content: bytes = ROWS, name: str = "list.csv") -> Any:
    file = SimpleUploadedFile(name, content)
    return client.post("/leads/import/", {"file": file, "channel": files.pk}, follow=True)


def work(run: ImportRun) -> ImportRun:
    """What the workers would do until it has ended."""
    for _spell in range(50):
        run.refresh_from_db()
        if run.state == "running":
            imports.run_file(run.pk)
        elif run.state == "checking":
            imports.try_file(run.pk)
        elif run.state == "undoing":
            undo_import.undo(run.pk)
        else:
            return run
    raise AssertionError("it does not end")


def brought_in(files: Channel, by: User, content: bytes = ROWS) -> ImportRun:
    run = imports.upload(files, SimpleUploadedFile("list.csv", content), by=by)
    imports.begin_run(run.pk)
    return work(run)


def test_a_file_is_looked_at_and_nothing_is_written(signed_in: Client, files: Channel) -> None:
    page = text(put(signed_in, files))
    run = ImportRun.objects.get()
    assert (run.state, run.total, run.mapping["fields"]["email"]) == ("uploaded", 3, "E-Mail")
    assert "ann@firm.example" in page
    assert "The @-sign is missing." in page
    assert not Capture.objects.exists()


def test_a_known_person_is_announced_as_joined(signed_in: Client, files: Channel) -> None:
    receive(make_channel("website"), {"email": "Ann@Firm.example"})
    page = text(put(signed_in, files))
    assert page.count(">joined<") + page.count("joined</span>") >= 1


def test_a_trial_tells_what_would_come_of_it_and_writes_nothing(signed_in: Client, files: Channel) -> None:
    put(signed_in, files)
    run = ImportRun.objects.get()
    fields = {"column": ["E-Mail", "Vorname"], "field": ["email", "first_name"], "act": "try"}
    signed_in.post(f"/leads/import/{run.pk}/mapping/", fields)
    assert work(run).state == "checked"
    assert run.trial is not None
    assert (run.trial["created"], run.trial["refused"]) == (2, 1)
    assert not Capture.objects.exists()
    assert "2 would be new leads" in text(signed_in.get(f"/leads/import/{run.pk}/"))


def test_a_run_brings_it_in_and_the_file_is_gone_afterwards(signed_in: Client, files: Channel) -> None:
    put(signed_in, files)
    run = ImportRun.objects.get()
    assert imports.path_of(run).exists()
    fields = {"column": run.headers, "field": ["email", "first_name", "last_name", "company"], "act": "run"}
    signed_in.post(f"/leads/import/{run.pk}/mapping/", fields)
    work(run)
    assert (run.state, run.rows, run.created, run.refused) == ("done", 3, 2, 1)
    assert not imports.path_of(run).exists()
    assert Lead.objects.count() == 2
    assert "2" in text(signed_in.get(f"/leads/import/{run.pk}/"))


def test_a_worker_that_was_lost_doubles_nothing(files: Channel, admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH", 2)
    monkeypatch.setattr(imports, "SPELL_SECONDS", 0.0)
    content = b"email\n" + b"".join(b"p%d@firm.example\n" % number for number in range(7))
    run = imports.upload(files, SimpleUploadedFile("list.csv", content), by=admin)
    imports.begin_run(run.pk)
    assert "so far" in imports.run_file(run.pk)
    # Two nudges at once: the second finds that the first has gone on.
    imports.run_file(run.pk)
    imports.run_file(run.pk)
    work(run)
    assert (run.rows, run.created, run.unchanged) == (7, 7, 0)
    assert Lead.objects.count() == 7


def test_a_run_is_stopped_and_goes_on(files: Channel, admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH", 2)
    monkeypatch.setattr(imports, "SPELL_SECONDS", 0.0)
    content = b"email\n" + b"".join(b"p%d@firm.example\n" % number for number in range(6))
    run = imports.upload(files, SimpleUploadedFile("list.csv", content), by=admin)
    imports.begin_run(run.pk)
    imports.run_file(run.pk)
    imports.stop(run.pk)
    work(run)
    assert (run.state, run.rows) == ("canceled", 2)
    imports.begin_run(run.pk)
    work(run)
    assert (run.state, run.rows, run.created) == ("done", 6, 6)


def test_the_mapping_is_remembered_for_the_next_file_of_the_same_columns(files: Channel, admin: User) -> None:
    run = imports.upload(files, SimpleUploadedFile("a.csv", b"Wer,Was\nann@firm.example,CEO\n"), by=admin)
    assert run.mapping["fields"] == {"email": "Wer"}
    imports.set_mapping(run, {"email": "Wer", "job_title": "Was"}, [])
    again = imports.upload(files, SimpleUploadedFile("b.csv", b"Was,Wer\nCTO,bob@firm.example\n"), by=admin)
    assert again.mapping["fields"] == {"email": "Wer", "job_title": "Was"}
    assert ImportMapping.objects.count() == 1


def test_without_a_column_that_says_who_nothing_begins(signed_in: Client, files: Channel) -> None:
    put(signed_in, files)
    run = ImportRun.objects.get()
    told = {"column": ["Firma"], "field": ["company"], "act": "run"}
    page = text(signed_in.post(f"/leads/import/{run.pk}/mapping/", told, follow=True))
    assert "Choose the column with the e-mail address" in page
    run.refresh_from_db()
    assert run.state == "uploaded"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"%PDF-1.7", "PDF"),
        (b"<html>no</html>", "web page"),
        (b"PK\x03\x04broken", "workbook is damaged"),
    ],
)
def test_what_is_no_table_is_refused_with_a_sentence_and_leaves_nothing(
    signed_in: Client, files: Channel, content: bytes, words: str
) -> None:
    response = put(signed_in, files, content)
    assert response.status_code == 422
    assert words in text(response)
    assert not ImportRun.objects.exists()


def test_undo_takes_back_what_nobody_has_touched(files: Channel, admin: User) -> None:
    known = receive(make_channel("website"), {"email": "ann@firm.example", "first_name": "Anna"}).capture.contact
    assert known is not None
    run = brought_in(files, admin, ROWS.replace(b"nonsense", b"cat@firm.example"))
    assert (run.created, run.joined) == (2, 1)
    worked = Lead.objects.get(contact__email="cat@firm.example")
    edit_lead(worked.pk, contact={"city": "Ulm"}, company={}, subject=None, by=admin, at=worked.captured_at)
    Lead.objects.filter(pk=worked.pk).update(first_touched_at=worked.captured_at)

    undo_import.begin_undo(run.pk, by=admin)
    work(run)

    assert run.state == "undone"
    assert run.undo is not None
    assert (run.undo["closed"], run.undo["parted"], run.undo["left"]) == (1, 1, 1)
    known.refresh_from_db()
    assert (known.first_name, known.last_name) == ("Anna", "")
    assert Lead.objects.get(contact=known).stage == "new"
    bob = Lead.objects.get(contact__email="bob@firm.example")
    assert bob.stage == "disqualified"
    assert bob.reason is not None
    assert bob.reason.code == "import-undone"
    worked.refresh_from_db()
    assert worked.stage == "new"
    assert worked.contact.city == "Ulm"


def test_what_was_undone_can_be_brought_in_again(files: Channel, admin: User) -> None:
    run = brought_in(files, admin)
    undo_import.begin_undo(run.pk, by=admin)
    work(run)
    again = brought_in(files, admin)
    assert again.unchanged == 0
    assert again.created + again.joined == 2
    assert Lead.objects.open().count() == 2


def test_the_database_is_sound_after_an_undo(files: Channel, admin: User) -> None:
    from django.core.management import call_command

    run = brought_in(files, admin)
    undo_import.begin_undo(run.pk, by=admin)
    work(run)
    call_command("audit", "--json")


def test_refused_rows_come_back_as_a_file_without_formulas(signed_in: Client, files: Channel, admin: User) -> None:
    run = brought_in(files, admin, b'email,name\nbroken,"=HYPERLINK(""http://evil.example"")"\n')
    response = signed_in.get(f"/leads/import/{run.pk}/refused/")
    body = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(body)))
    assert rows[0] == ["email", "name", "line", "reason"]
    assert rows[1][:3] == ["broken", '\'=HYPERLINK("http://evil.example")', "2"]
    assert "@-sign" in rows[1][3]


def test_others_uploads_are_for_admins_and_marketing(client: Client, files: Channel, admin: User) -> None:
    run = brought_in(files, admin)
    lead_of_team = make_user("team_lead")
    client.force_login(lead_of_team)
    assert client.get(f"/leads/import/{run.pk}/").status_code == 404
    assert run.file_name not in text(client.get("/leads/import/"))
    client.force_login(make_user("sdr"))
    assert client.get("/leads/import/").status_code == 403


@needs_dirty_data
def test_a_workbook_is_read_whatever_its_name_is(files: Channel, admin: User) -> None:
    content = (FOLDER / "dirty" / "constructed" / "xlsx_saved_as.csv").read_bytes()
    run = imports.upload(files, SimpleUploadedFile("list.csv", content), by=admin)
    assert run.total == 5
    imports.begin_run(run.pk)
    work(run)
    assert run.created >= 3
    assert Contact.objects.filter(last_name="Müller").exists()


@needs_dirty_data
@pytest.mark.parametrize("name", ["simple.xlsx", "excel_properties.xls", "unicode_sheet_name.xls"])
def test_real_workbooks_are_read(name: str) -> None:
    from leads.imports.table import open_table

    table = open_table(FOLDER / "dirty" / "messytables" / name)
    assert table.headers
    assert table.sheet


@needs_dirty_data
def test_every_dirty_file_is_read_or_refused_with_a_sentence(files: Channel, admin: User) -> None:
    from leadmgmt.core.errors import InvalidInput

    seen, told = 0, []
    for path in sorted((FOLDER / "dirty").rglob("*")):
        if not path.is_file() or path.suffix in (".py", ".json"):
            continue
        seen += 1
        try:
            run = imports.upload(files, SimpleUploadedFile(path.name, path.read_bytes()), by=admin)
            imports.preview(run)
        except InvalidInput as error:
            told.append(str(error))
    assert seen > 50
    assert min(map(len, told)) > 15


@needs_dev_data
def test_a_real_list_comes_in_with_its_figures(files: Channel, admin: User) -> None:
    lines = (FOLDER / "dev" / "xeducation_60pct.csv").read_bytes().splitlines(keepends=True)[:301]
    run = imports.upload(files, SimpleUploadedFile("x.csv", b"".join(lines)), by=admin)
    imports.set_mapping(run, {**run.mapping["fields"], "external_id": "Prospect ID"}, [])
    imports.begin_run(run.pk)
    work(run)
    assert run.created + run.joined + run.refused == 300
    assert run.created > 250


def test_the_figures_of_an_import_lead_to_its_leads(signed_in: Client, files: Channel, admin: User) -> None:
    receive(make_channel("website"), {"email": "ann@firm.example"})
    run = brought_in(files, admin, ROWS.replace(b"nonsense", b"cat@firm.example"))
    page = signed_in.get(f"/leads/import/{run.pk}/").content.decode()
    for part, count in (("new", run.created), ("joined", run.joined)):
        link = f"/leads/?import={run.pk}:{part}"
        assert link in page
        shown = signed_in.get(link).content.decode()
        assert Lead.objects.filter(pk__in=narrow(Lead.objects.all(), {"import": f"{run.pk}:{part}"})).count() == count
        assert f"{count} lead" in shown
        assert run.file_name in shown
    assert narrow(Lead.objects.all(), {"import": str(run.pk)}).count() == 3
    assert signed_in.get("/leads/?import=nonsense").status_code < 500


def test_rows_of_an_import_are_found_by_index(files: Channel) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    # Without an order the table's other indexes are of no use, however little it holds and whatever was counted of it.
    rows = Capture.objects.filter(context__run=7)
    assert "leads_capture_run" in rows.order_by().explain()
