"""What programs are refused is problem+json everywhere, and an empty database is one sentence."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.http import HttpRequest
from django.test import Client, RequestFactory

from leadmgmt.refusals import server_error
from leads.api.body import TooLarge, read_json
from leads.services.channels import create_api_key
from tests.factories import make_lead, make_user

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing/", "/api/v1/captures/no-number/", "/api/v1/leads/" + "9" * 30 + "/x/"]
)
def test_an_address_that_is_not_there_is_a_problem_for_programs(client: Client, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "not_found"


@pytest.mark.django_db
def test_people_get_a_page(client: Client) -> None:
    assert client.get("/nothing/")["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(("path", "kind"), [("/api/v1/leads/", "application/problem+json"), ("/", "text/html")])
def test_a_database_that_is_away_is_no_fault_but_a_wait(path: str, kind: str) -> None:
    try:
        raise OperationalError("the connection is lost")
    except OperationalError:
        answer = server_error(RequestFactory().get(path))

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"].startswith(kind)


@pytest.mark.parametrize(("path", "kind"), [("/api/v1/leads/", "application/problem+json"), ("/", "text/html")])
def test_a_fault_of_ours_is_told_in_the_callers_way(path: str, kind: str) -> None:
    answer = server_error(RequestFactory().get(path))

    assert answer.status_code == 500
    assert answer["Content-Type"].startswith(kind)


@pytest.mark.django_db
def test_reports_want_a_key_and_name_the_word_they_cannot_read(client: Client) -> None:
    _key, token = create_api_key("reports", user=make_user("manager"))

    assert client.get("/api/v1/reports/funnel/").status_code == 401
    for name, value in {"from": "0001-01-01", "to": "9999-12-31", "source": "\0", "team": "a\0b"}.items():
        answer = client.get("/api/v1/reports/funnel/", {name: value}, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 422, name
        assert [error["field"] for error in answer.json()["errors"]] == [name]


@pytest.mark.django_db
def test_a_body_of_the_wrong_kind_is_called_body(client: Client) -> None:
    _key, token = create_api_key("activities", user=make_user("admin"))

    answer = client.post(
        "/api/v1/leads/0/activities/", "[]", "application/json", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 404
    refused = client.patch(
        f"/api/v1/leads/{make_lead().pk}/", "[]", "application/json", headers={"Authorization": f"Bearer {token}"}
    )
    assert [error["field"] for error in refused.json()["errors"]] == ["body"]


def _request(raw: io.BytesIO, **meta: object) -> HttpRequest:
    request = RequestFactory().post("/api/v1/capture/", b"", content_type="application/json")
    request.META |= {"wsgi.input": raw, **meta}
    return request


def test_a_body_sent_in_chunks_is_read() -> None:
    raw = io.BytesIO(b'{"email": "ann@firm.example"}')

    request = _request(raw, HTTP_TRANSFER_ENCODING="chunked", **{"wsgi.input_terminated": True})

    assert read_json(request, 1000) == {"email": "ann@firm.example"}


def test_a_refused_body_is_read_to_its_end() -> None:
    """Otherwise its rest would be taken for the next request on this connection."""
    raw = io.BytesIO(b"x" * 500_000)

    with pytest.raises(TooLarge):
        read_json(_request(raw, HTTP_TRANSFER_ENCODING="chunked", **{"wsgi.input_terminated": True}), 1000)

    assert raw.read() == b""


@pytest.fixture
def empty_database(transactional_db: None) -> Iterator[str]:
    """The name of a database without tables."""
    name = f"{connection.settings_dict['NAME']}_empty"
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
        cursor.execute(f'CREATE DATABASE "{name}"')
        yield name
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_a_command_on_an_empty_database_says_what_to_run(empty_database: str, tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("email\nann@firm.example\n")
    there = os.environ | {"LEADMGMT_DATABASE": empty_database, "LEADMGMT_VAR": str(tmp_path)}
    if url := os.environ.get("DATABASE_URL"):
        there["DATABASE_URL"] = f"{url.rpartition('/')[0]}/{empty_database}"
    done = subprocess.run(
        [sys.executable, "manage.py", "import_leads", str(tmp_path / "leads.csv"), "--channel", "file"],
        cwd=ROOT,
        env=there | {"DJANGO_SETTINGS_MODULE": "leadmgmt.settings"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 1
    assert "manage.py start" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
