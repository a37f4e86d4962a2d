"""Where the own server's files are, and as whom it runs."""

import hashlib
import os
import pwd
import secrets
import stat
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leadmgmt.database.problems import Unusable

PORT = 5432
# sockaddr_un holds 107 bytes; PostgreSQL adds "/.s.PGSQL.5432" (and ".lock" for its own file, which may be longer).
SOCKET_LIMIT = 107 - len(f"/.s.PGSQL.{PORT}")
# As root: Debian's own account for it, else the one that owns nothing.
ACCOUNTS = ("postgres", "nobody")
ELSEWHERE = Path("/var/lib/leadmgmt")


@dataclass(frozen=True)
class Place:
    """One private cluster. ``control`` is ours (locks, password), ``home`` belongs to the server's account."""

    control: Path
    home: Path
    sockets: Path
    account: pwd.struct_passwd | None

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.control / "server.log"

    @property
    def user(self) -> str:
        """The database's only user, and its owner."""
        return "leadmgmt"

    @property
    def password(self) -> str:
        """The password, known to whoever may read ``control``."""
        return (self.control / "password").read_text().strip()


def locate(control: Path) -> Place:
    """The place of the cluster that is controlled from ``control``, which is made if missing."""
    try:
        control.mkdir(parents=True, exist_ok=True)
        owner = control.stat().st_uid
        if os.geteuid() not in (0, owner):
            name = pwd.getpwuid(owner).pw_name
            raise Unusable(f"The database under {control} belongs to {name}: run this as {name}, or set DATABASE_URL.")
        _remember_password(control)
        account = _account(owner) if os.geteuid() == 0 else None
        home = control if account is None or owner else _home(control, account)
        return Place(control, home, _sockets(home, account), account)
    except OSError as error:
        raise Unusable(
            f"The database's folder {control} cannot be used ({error.strerror}): correct its owner."
        ) from None


def _remember_password(control: Path) -> None:
    if (control / "password").exists():
        return
    draft = control / f"password.{os.getpid()}"
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(24))
    hand_over(draft)
    # A link fails where the name is taken: of several first starters one password stands.
    with suppress(FileExistsError):
        os.link(draft, control / "password")
    draft.unlink()


def hand_over(path: Path) -> None:
    """Give what root made to the owner of its folder, who may come back without root."""
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.chown(path, folder.st_uid, folder.st_gid)


def _account(owner: int) -> pwd.struct_passwd:
    """As root: the account that owns the folder already, if that is not root itself."""
    if owner:
        return pwd.getpwuid(owner)
    for name in ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Unusable("PostgreSQL refuses to run as root and there is no account to run it as: run this as another user.")


def _home(control: Path, account: pwd.struct_passwd) -> Path:
    """Below ``control``, unless its parents keep the server's account out; once chosen, it stays."""
    pointer = control / "elsewhere"
    if pointer.exists():
        return Path(pointer.read_text().strip())
    home = control / "home"
    home.mkdir(exist_ok=True)
    if not _enters(account, home):
        home.rmdir()
        home = ELSEWHERE / hashlib.sha256(str(control.resolve()).encode()).hexdigest()[:12]
        home.mkdir(parents=True, exist_ok=True)
        pointer.write_text(f"{home}\n")
    os.chown(home, account.pw_uid, account.pw_gid)
    home.chmod(0o700)
    return home


def _enters(account: pwd.struct_passwd, folder: Path) -> bool:
    """Tried for real, as modes, groups and access lists all have a say."""
    tried = subprocess.run(["/bin/sh", "-c", 'cd "$0"', folder.parent], stderr=subprocess.DEVNULL, **identity(account))
    return tried.returncode == 0


def identity(account: pwd.struct_passwd | None) -> dict[str, Any]:
    """How subprocess starts a program as this account, in a folder it may be in."""
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "cwd": "/"}


def _sockets(home: Path, account: pwd.struct_passwd | None) -> Path:
    """The sockets' folder: in ``home`` where the address fits, else a short one of our own under /tmp."""
    uid = account.pw_uid if account else os.geteuid()
    folder = home / "run"
    if len(os.fsencode(folder)) > SOCKET_LIMIT:
        folder = Path(f"/tmp/leadmgmt-{hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12]}")
    try:
        folder.mkdir(mode=0o700)
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
    except FileExistsError:
        pass
    seen = folder.lstat()
    # Under /tmp somebody else could have been there first, to hear our password's handshake.
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid not in (uid, 0) or seen.st_mode & 0o022:
        raise Unusable(f"{folder} belongs to somebody else: remove it, or set DATABASE_URL.")
    return folder
