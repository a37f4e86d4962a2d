"""Makes sure that the own server runs while anybody uses it.

Every process that uses the cluster holds a shared lock on ``users``. The server is kept by one process of its own
(keeper.py), which stops it when that lock is free. So nobody has to remember to stop it, and kill -9 of any user
cannot leave it running.
"""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from leadmgmt.database import binaries
from leadmgmt.database.locks import FileLock, exclusive
from leadmgmt.database.place import PORT, Place, hand_over, identity, locate
from leadmgmt.database.problems import Unusable

READY_SECONDS = 120.0
ROOT = Path(__file__).resolve().parent.parent.parent


class OwnServer:
    """One private cluster as seen from one process."""

    def __init__(self, control: Path) -> None:
        self.place = locate(control)
        self._users = FileLock(self.place.control / "users")
        self._guard = threading.Lock()

    def parameters(self, database: str) -> dict[str, Any]:
        """How to connect to ``database``."""
        place = self.place
        return {
            "HOST": str(place.sockets),
            "PORT": str(PORT),
            "USER": place.user,
            "PASSWORD": place.password,
            "NAME": database,
        }

    @property
    def joined(self) -> bool:
        """Whether this process is known as a user of the server, which therefore keeps running."""
        return self._users.held

    def ensure_running(self, database: str) -> None:
        """Return when the server answers and ``database`` exists; raises Unusable with the reason otherwise."""
        with self._guard:
            if not self._users.held:
                self._users.take(shared=True)
            with exclusive(self.place.control / "starting"):
                if not self._answers():
                    if not (self.place.data / "PG_VERSION").exists():
                        initialise(self.place)
                    self._start()
                self._create(database)

    def leave(self, *, wait: float = 30.0) -> bool:
        """Stop using the server; True once it has stopped, False when somebody else still uses it."""
        with self._guard:
            self._users.release()
        hurry = self.place.control / "hurry"
        hurry.touch()
        hand_over(hurry)
        keeper, users = FileLock(self.place.control / "keeper"), FileLock(self.place.control / "users")
        until, taken = time.monotonic() + wait, 0
        while time.monotonic() < until and taken < 10:
            if keeper.take(wait=False):
                keeper.release()
                return True
            # The keeper looks at this lock too, for an instant: only a lock that stays taken is another user's.
            if users.take(wait=False):
                users.release()
                taken = 0
            elif self._answers():
                taken += 1
            time.sleep(0.07)
        return False

    def _connect(self, database: str = "postgres", timeout: int = 3) -> psycopg.Connection[Any]:
        place = self.place
        return psycopg.connect(
            host=str(place.sockets),
            port=PORT,
            user=place.user,
            password=place.password,
            dbname=database,
            connect_timeout=timeout,
            autocommit=True,
        )

    def _answers(self) -> bool:
        """A real connection: pg_ctl's status believes a stale file after kill -9."""
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _start(self) -> None:
        """Start a keeper and wait until the server answers."""
        place = self.place
        trim(place.log)
        place.log.touch(mode=0o600)
        hand_over(place.log)
        said_before = place.log.stat().st_size
        until, keeper = time.monotonic() + READY_SECONDS, self._spawn_keeper()
        while time.monotonic() < until:
            if self._answers():
                return
            ended = keeper.poll()
            if ended == 0:
                # It found another keeper, which may have been on its way out.
                time.sleep(0.1)
                keeper = self._spawn_keeper()
            elif ended is not None:
                break
            time.sleep(0.03)
        raise Unusable(f"PostgreSQL did not start: {reason(place.log, said_before)} (all of it: {place.log}).")

    def _spawn_keeper(self) -> subprocess.Popen[bytes]:
        with self.place.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "leadmgmt.database.keeper", str(self.place.control)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                start_new_session=True,
            )

    def _create(self, database: str) -> None:
        with self._connect() as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
            if not known:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))


def initialise(place: Place) -> None:
    """Make a new cluster. It gets its name only when complete, so that a killed initdb leaves nothing half done."""
    programs = runnable(place)
    fresh = place.home / f"data.{os.getpid()}"
    secret = place.home / f"password.{os.getpid()}"
    secret.write_text(place.password)
    secret.chmod(0o600)
    if place.account:
        os.chown(secret, place.account.pw_uid, place.account.pw_gid)
    command: list[str | Path] = [
        programs.folder / "initdb",
        f"--pgdata={fresh}",
        f"--username={place.user}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    ]
    try:
        made = subprocess.run(command, capture_output=True, text=True, env=surroundings(), **identity(place.account))
    finally:
        secret.unlink()
    if made.returncode != 0:
        lines = (made.stderr or made.stdout).strip().splitlines() or ["no reason given"]
        raise Unusable(f"PostgreSQL could not make its data directory in {place.home}: {lines[-1]}.")
    fresh.rename(place.data)


def runnable(place: Place) -> binaries.Programs:
    """The programs that fit the cluster's version, where the server's account can run them."""
    version = place.data / "PG_VERSION"
    programs = binaries.find(int(version.read_text()) if version.exists() else None)
    if place.account is None:
        return programs
    try:
        asks = [str(programs.folder / "postgres"), "--version"]
        subprocess.run(asks, stdout=subprocess.DEVNULL, **identity(place.account))
    except PermissionError:
        return binaries.reachable_copy(programs, place.home)
    return programs


def surroundings() -> dict[str, str]:
    """The environment of PostgreSQL's own programs: nothing of ours, no PG* variable, messages in English."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "HOME": "/"}


def trim(log: Path, most: int = 5_000_000) -> None:
    """Keep the server's log from growing for ever."""
    if log.exists() and log.stat().st_size > most:
        log.replace(log.with_suffix(".old.log"))


def reason(log: Path, offset: int) -> str:
    """The last complaint in the log since ``offset``."""
    said = log.read_bytes()[offset:].decode(errors="replace").strip().splitlines()
    complaints = [line for line in said if "FATAL" in line or "PANIC" in line or "Unusable" in line]
    return (complaints or said or ["it said nothing"])[-1].strip().rstrip(".")
