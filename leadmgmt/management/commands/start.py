"""Start everything: migrate, then web, workers and clock under one supervisor in the foreground."""

import os
import socket
import sys
import time
import urllib.error
import urllib.request
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, connections

from leadmgmt import welcome
from leadmgmt.core.env import env_int, env_str
from leadmgmt.core.processes import end_with_parent
from leadmgmt.database import OWN_ENGINE
from leadmgmt.database.engine.base import own_server
from leadmgmt.database.locks import FileLock
from leadmgmt.database.server import OwnServer
from leadmgmt.defaults import install_defaults
from leadmgmt.listening import listen
from leadmgmt.supervisor import Child, FailedToStart, Stopped, Supervisor
from leadmgmt.tables import bring_up_to_date

# Leads of the demo organisation on a first start: enough to look at, told in some three minutes.
FIRST_LOOK = 1000


class Command(BaseCommand):
    """PORT, BIND and DATABASE_URL say where; Ctrl-C or SIGTERM stops all, the own database too."""

    help = "Starts the whole product in the foreground."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """One option."""
        parser.add_argument("--demo", action="store_true", help="fill an empty database with a demo organisation")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped."""
        supervisor = Supervisor([], self.say)
        supervisor.listen()
        self._serving = FileLock(settings.VAR_DIR / "serving")
        if os.environ.get("MAKELEVEL"):
            # make run: nobody could stop us any more if make itself were killed.
            end_with_parent(os.getppid())
        try:
            self._prepare(supervisor, demo=options["demo"])
            with listen(env_str("BIND", "127.0.0.1"), env_int("PORT", 0, most=65535) or None) as web:
                self._serve(supervisor, web, demo=options["demo"])
        except Stopped:
            pass
        except FailedToStart as error:
            raise CommandError(f"Leadmgmt could not start: {error}.") from None
        finally:
            supervisor.stop()
            self._serving.release()
            self._leave_database()
        self.say("Stopped.")

    def say(self, line: str) -> None:
        """One line for the person, at once."""
        self.stdout.write(line)
        self.stdout.flush()

    def _prepare(self, supervisor: Supervisor, *, demo: bool) -> None:
        self.say("Database …")
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            version = cursor.fetchone()[0].split(" ")[0]
        own = self._own_server()
        self.say(f"  PostgreSQL {version}, {f'our own in {own.place.home}' if own else 'yours'}")
        supervisor.check()
        self._check()
        bring_up_to_date(self.say)
        install_defaults()
        supervisor.check()
        call_command("collectstatic", interactive=False, verbosity=0)
        supervisor.check()

    def _check(self) -> None:
        """Tell what is set unwisely; stop at what cannot work."""
        for found in checks.run_checks(databases=["default"]):
            sentence = f"{found.msg} {found.hint or ''}".strip()
            if found.is_serious():
                raise ImproperlyConfigured(sentence)
            self.say(f"  Note: {sentence}")

    def _serve(self, supervisor: Supervisor, web: socket.socket, *, demo: bool) -> None:
        host, port = web.getsockname()[:2]
        shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host
        url = env_str("PUBLIC_URL").rstrip("/") or f"http://{shown}:{port}"
        os.environ["PORT"] = str(port)
        if demo:
            self._demo(supervisor)
        first = self._is_first(url)
        self.say("Web, workers, clock …")
        connections.close_all()
        supervisor.children = children(web)
        supervisor.start(lambda: _answers(host, port))
        for line in welcome.lines(welcome.demo_note(settings.VAR_DIR / "demo.json", url, keep=first), url):
            self.say(line)
        connections.close_all()
        supervisor.watch()

    def _is_first(self, url: str) -> bool:
        """Whether nobody runs from this folder yet. Who comes later is told of the first, whose address stays noted."""
        file = settings.VAR_DIR / "serving"
        if self._serving.take(wait=False):
            file.write_text(url)
            return True
        self.say(f"  Note: Leadmgmt runs from this folder already, at {file.read_text()}; both share one database.")
        return False

    def _demo(self, supervisor: Supervisor) -> None:
        """Build the demo organisation, once: an unfinished one is seen by the mark left behind."""
        mark = settings.VAR_DIR / "demo.unfinished"
        if get_user_model().objects.exists() and not mark.exists():
            return
        self.say("Demo organisation …")
        mark.touch()
        connections.close_all()
        if supervisor.run(Child("demo", manage("demo", "--leads", str(FIRST_LOOK)))) != 0:
            raise FailedToStart("the demo organisation could not be built; the reason is above")
        mark.unlink()

    def _leave_database(self) -> None:
        connections.close_all()
        own = self._own_server()
        if own is not None:
            own.leave()

    def _own_server(self) -> OwnServer | None:
        database = settings.DATABASES["default"]
        return own_server(database["CLUSTER"]) if database["ENGINE"] == OWN_ENGINE else None


def manage(*words: str) -> list[str]:
    """The command line of one of our own commands."""
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *words]


def children(web: socket.socket) -> list[Child]:
    """The processes of one host, in the order in which they are stopped."""
    gunicorn = [sys.executable, "-m", "gunicorn", "--config", "python:leadmgmt.web_process"]
    descriptor = web.fileno()
    return [
        Child(
            "web",
            gunicorn,
            (descriptor,),
            {"LEADMGMT_WEB_SOCKET": str(descriptor), "PYTHONPATH": str(settings.BASE_DIR)},
        ),
        Child("workers", manage("work")),
        Child("clock", manage("clock")),
    ]


def _answers(host: str, port: int) -> bool:
    """Whether the web process answers; before that the socket accepts, but nobody reads."""
    address = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    try:
        with urllib.request.urlopen(f"http://{address}:{port}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return True
    except OSError:
        time.sleep(0.1)
        return False
