"""A real Tryton, from PyPI, on the tests' own database server.

Its modules take most of a minute to set up, so that is done once into a template database; each run works on a copy.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psycopg
import trytond
from django.db import connection
from psycopg import sql

from tests.settings import HOST_MARK

HERE = Path(__file__).parent
PASSWORD = "Sync-pass-8731"
TEMPLATE = f"tryton_template_{trytond.__version__.replace('.', '_')}"
BIN = Path(sys.executable).parent
COMPANY = CURRENCY = 1


class TrytonServer:
    """The database, and the process that serves it."""

    def __init__(self, port):
        self.port, self.address = port, f"http://127.0.0.1:{port}"
        self.name = f"test_tryton_{HOST_MARK}_{os.getpid()}"
        self.folder = Path(tempfile.mkdtemp(prefix="tryton-"))
        self.process = None
        given = connection.settings_dict
        self.server = {
            name: str(value)
            for name, value in (
                ("PGHOST", given["HOST"]),
                ("PGPORT", given["PORT"]),
                ("PGUSER", given["USER"]),
                ("PGPASSWORD", given["PASSWORD"]),
            )
            if value
        }

    def start(self):
        """Copy the template, making it where it is not there yet, and serve the copy."""
        self.folder.joinpath("conf").write_text(
            f"[database]\nuri = postgresql:///\n[web]\nlisten = 127.0.0.1:{self.port}\n[session]\ntimeout = 86400\n"
        )
        with self.line("postgres") as line:
            # Two runs at once make it one after the other.
            line.execute("SELECT pg_advisory_lock(hashtext('tryton template'))")
            if not line.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone():
                self.make_template(line)
            line.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self.name)))
            line.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(self.name), sql.Identifier(TEMPLATE))
            )
        log = self.folder.joinpath("log").open("w")
        self.process = subprocess.Popen(
            [BIN / "trytond", "-c", "conf", "-d", self.name], cwd=self.folder, env=self.env(), stdout=log, stderr=log
        )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                urlopen(self.address, timeout=1)
            except URLError as error:
                if hasattr(error, "code"):
                    return
                time.sleep(0.2)
            else:
                return
        raise RuntimeError(self.folder.joinpath("log").read_text()[-2000:])

    def make_template(self, line):
        """Set the modules up under another name, so that half a template never stands under its own."""
        draft = sql.Identifier(f"{TEMPLATE}_draft")
        line.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(draft))
        line.execute(sql.SQL("CREATE DATABASE {}").format(draft))
        self.folder.joinpath("pass").write_text("admin-pass-8731\n")
        admin = [BIN / "trytond-admin", "-c", "conf", "-d", f"{TEMPLATE}_draft", "-l", "en"]
        admin += ["-u", "sale_opportunity", "--activate-dependencies", "--email", "admin@ours.example"]
        self.run(admin)
        self.run([sys.executable, HERE / "tryton_data.py", f"postgresql:///{TEMPLATE}_draft", "conf", PASSWORD])
        line.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(draft, sql.Identifier(TEMPLATE)))

    def run(self, command):
        """One step of the setup."""
        done = subprocess.run(command, cwd=self.folder, env=self.env(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])

    def env(self):
        """Where its database is, and a path on which nothing asks a name server."""
        path = {"PYTHONPATH": str(HERE / "tryton_path"), "TRYTONPASSFILE": str(self.folder / "pass")}
        return {**os.environ, **self.server, **path}

    def line(self, name):
        """A connection to one of the server's databases."""
        names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password"}
        given = {names[name]: value for name, value in self.server.items()}
        return psycopg.connect(dbname=name, autocommit=True, **given)

    def empty(self):
        """No opportunities any more."""
        with self.line(self.name) as line:
            line.execute("TRUNCATE sale_opportunity, sale_opportunity_line CASCADE")

    def stop(self):
        """End the process and drop the copy."""
        if self.process:
            self.process.terminate()
            self.process.wait(10)
        with self.line("postgres") as line:
            line.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self.name)))
