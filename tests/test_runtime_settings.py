"""Settings from the environment, mail, system checks and health pages."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage, get_connection
from django.db import DatabaseError
from django.test import Client

from leadmgmt import checks, health
from leadmgmt.core.env import env_code, env_hosts, env_mail, env_origins, env_sender, read_file
from leadmgmt.core.secrets import local_secret
from leadmgmt.database.url import parse
from leadmgmt.listening import DEFAULT_PORT, listen
from leadmgmt.supervisor import Child


def test_database_url_is_read_with_its_encoded_words() -> None:
    found = parse("postgresql://ann%40home:p%2Fw%3A@db.example.com:5433/leads?sslmode=require")
    assert found == {
        "NAME": "leads",
        "USER": "ann@home",
        "PASSWORD": "p/w:",
        "HOST": "db.example.com",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require"},
    }


def test_database_url_may_name_a_socket_folder() -> None:
    found = parse("postgres:///leads?host=/run/postgresql")
    assert (found["HOST"], found["NAME"], found["OPTIONS"]) == ("/run/postgresql", "leads", {})


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "ssl"),
    [
        ("smtp://mail.example.com", "mail.example.com", 587, True, False),
        ("smtps://mail.example.com", "mail.example.com", 465, False, True),
        ("smtp://localhost:25?tls=no", "localhost", 25, False, False),
    ],
)
def test_mail_servers_are_read(
    monkeypatch: pytest.MonkeyPatch, url: str, host: str, port: int, tls: bool, ssl: bool
) -> None:
    monkeypatch.setenv("EMAIL_URL", url)
    found = env_mail("EMAIL_URL")
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == (host, port)
    assert (found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (tls, ssl)


def test_a_mail_password_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_URL", "smtp://ann%40example.com:p%40ss@mail.example.com")
    found = env_mail("EMAIL_URL")
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("ann@example.com", "p@ss")


def test_an_env_file_fills_in_what_the_environment_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADMGMT_A", "from outside")
    monkeypatch.delenv("LEADMGMT_B", raising=False)
    file = tmp_path / ".env"
    file.write_text('# a comment\n\nLEADMGMT_A=from file\nexport LEADMGMT_B="two words"\n')
    read_file(file)
    assert os.environ["LEADMGMT_A"] == "from outside"
    assert os.environ.pop("LEADMGMT_B") == "two words"

    file.write_text("A=1\nthis is no setting\n")
    with pytest.raises(ImproperlyConfigured, match="Line 2 of"):
        read_file(file)


def test_without_a_mail_server_messages_become_files(tmp_path: Path, settings: LazySettings) -> None:
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    box = get_connection("leadmgmt.core.mail.OutboxFolderBackend")
    message = EmailMessage("Grüße", "Ein Lead für dich.", "leads@example.com", ["ann@example.com"], connection=box)
    assert message.send() == 1
    (file,) = (tmp_path / "mail").iterdir()
    assert file.suffix == ".eml"
    assert b"To: ann@example.com" in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"FIELD_KEYS": ["short"]}, "leadmgmt.E001"),
        ({"DEBUG": True, "BIND": "0.0.0.0"}, "leadmgmt.E002"),
        ({"BIND": "0.0.0.0", "PUBLIC_URL": "http://localhost:8000"}, "leadmgmt.W002"),
        ({"PUBLIC_URL": "http://leads.example.com", "SECURE": False}, "leadmgmt.W003"),
        ({"ALLOWED_HOSTS": ["other.example.com"]}, "leadmgmt.E003"),
        ({"BIND": "0.0.0.0", "EMAIL_BACKEND": "leadmgmt.core.mail.OutboxFolderBackend"}, "leadmgmt.W004"),
        ({"BIND": "0.0.0.0", "DEFAULT_FROM_EMAIL": "Leads <leads@localhost>"}, "leadmgmt.W005"),
        ({"BIND": "0.0.0.0", "SECRET_KEY": "guess me"}, "leadmgmt.W001"),
        ({"Q_CLUSTER": {"timeout": 120, "retry": 60}}, "leadmgmt.E004"),
    ],
)
def test_each_check_sees_what_it_is_for_and_says_how_to_mend_it(
    settings: LazySettings, changed: dict[str, Any], expected: str
) -> None:
    def found() -> dict[str | None, str | None]:
        kinds = (checks.check_keys, checks.check_public, checks.check_mail, checks.check_queue)
        return {message.id: message.hint for kind in kinds for message in kind(None)}

    assert expected not in found()
    for name, value in changed.items():
        setattr(settings, name, value)
    assert found()[expected]


def test_a_leading_dot_allows_every_host_below(settings: LazySettings) -> None:
    settings.PUBLIC_URL = "https://leads.example.com"
    settings.ALLOWED_HOSTS = [".example.com"]
    assert "leadmgmt.E003" not in {message.id for message in checks.check_public(None)}


@pytest.mark.django_db
def test_the_database_passes_its_checks() -> None:
    assert checks.check_database(None, databases=["default"]) == []


@pytest.mark.django_db
def test_an_old_database_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "OLDEST", 99)
    assert [message.id for message in checks.check_database(None, databases=["default"])] == ["leadmgmt.E005"]


def test_health_needs_no_database(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_readiness_follows_the_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/readyz").json() == {"ready": True, "reason": ""}

    def away() -> bool:
        raise DatabaseError

    monkeypatch.setattr(health, "_tables_are_current", away)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "reason": "the database does not answer"}


@pytest.mark.django_db
def test_metrics_are_for_this_host_or_with_the_token(client: Client, settings: LazySettings) -> None:
    assert b"\nleadmgmt_queue_waiting 0.000\n" in client.get("/metrics").content
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.1").status_code == 403
    assert client.get("/metrics", headers={"x-forwarded-for": "192.0.2.1"}).status_code == 403

    settings.METRICS_TOKEN = "a long token"
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"authorization": "Bearer a long token"}).status_code == 200


def test_without_a_port_the_next_free_one_is_taken() -> None:
    with listen("127.0.0.1", None) as first, listen("127.0.0.1", None) as second:
        assert DEFAULT_PORT <= first.getsockname()[1] < second.getsockname()[1]


def test_a_child_that_keeps_dying_waits_longer_each_time() -> None:
    child = Child("web", ["true"])
    pauses = []
    at = 0.0
    for _ in range(8):
        child.born = at
        pauses.append(child.bury(at + 1))
        at += 1 + pauses[-1]
    assert pauses == [0, 1, 2, 4, 8, 16, 30, 30]

    child.born = at
    assert child.bury(at + 61) == 0


@pytest.mark.parametrize("value", ["Germany", "D1", "Ä1"])
def test_a_country_is_a_code(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DEFAULT_COUNTRY", value)
    with pytest.raises(ImproperlyConfigured, match=r"DEFAULT_COUNTRY is .*2 letters"):
        env_code("DEFAULT_COUNTRY", "DE", 2)
    monkeypatch.setenv("DEFAULT_COUNTRY", "at")
    assert env_code("DEFAULT_COUNTRY", "DE", 2) == "AT"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ImproperlyConfigured, match="LEADMGMT_VAR"):
        local_secret(tmp_path / "file" / "var", "secret_key")


@pytest.mark.parametrize(
    ("read", "good", "bad"),
    [
        (
            env_hosts,
            ["10.0.5.0/24, data.internal", "::1", "localhost"],
            ["10.0.5.0/99", "my network", "10.0.5", "a,-b"],
        ),
        (env_origins, ["https://a.example, http://b.example:8000", "https://*.a.example"], ["a.example", "https://"]),
        (
            lambda name: env_sender(name, "x@y.example"),
            ["Leads <leads@example.com>", "leads@localhost", ""],
            ["nonsense", "Leads <leads>", "a@b.example\nBcc: c@d.example"],
        ),
    ],
)
def test_lists_and_senders_are_read_or_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[str], Any], good: list[str], bad: list[str]
) -> None:
    for value in good:
        monkeypatch.setenv("ASKED", value)
        read("ASKED")
    for value in bad:
        monkeypatch.setenv("ASKED", value)
        with pytest.raises(ImproperlyConfigured, match="ASKED"):
            read("ASKED")


def test_an_env_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PORT=8000\nNAME=\xff\xfe\n")

    with pytest.raises(ImproperlyConfigured, match="save it as UTF-8"):
        read_file(tmp_path / ".env")
