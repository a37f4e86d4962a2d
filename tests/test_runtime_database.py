"""The own PostgreSQL: real servers in folders of their own, started, shared, killed and found again."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from leadmgmt.database import binaries, place
from leadmgmt.database.locks import FileLock
from leadmgmt.database.problems import Unusable
from leadmgmt.database.server import OwnServer
from tests.worker import ROOT, wait_until

pytestmark = pytest.mark.slow

USER = """
import sys, time
from pathlib import Path
from leadmgmt.database.server import OwnServer
server = OwnServer(Path(sys.argv[1]))
server.ensure_running("leadmgmt")
with server._connect("leadmgmt") as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
    connection.execute("INSERT INTO kept VALUES (1)")
print("up", flush=True)
time.sleep(float(sys.argv[2]))
"""


_servers: list[OwnServer] = []


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for one cluster, which the server's account can reach; its server is ended afterwards."""
    # These servers promise what the product's does: what is committed is on disk.
    monkeypatch.delenv("LEADMGMT_CLUSTER_DISPOSABLE", raising=False)
    folder = Path(tempfile.mkdtemp(prefix="leadmgmt-pg-"))
    folder.chmod(0o755)
    control = folder / "postgres"
    yield control
    while _servers:
        assert _servers.pop().leave()
    _remove(folder)


def _remove(folder: Path) -> None:
    """What a server that was killed still writes as it goes down may appear while the folder is being removed."""
    for _ in range(20):
        try:
            shutil.rmtree(folder)
        except OSError:
            time.sleep(0.25)
        else:
            return
    shutil.rmtree(folder)


def a_server(control: Path) -> OwnServer:
    """The cluster as this process sees it; left after the test."""
    _servers.append(OwnServer(control))
    return _servers[-1]


def a_user(control: Path, seconds: float = 0) -> subprocess.Popen[str]:
    """Another process that uses the cluster, adds a row, and stays so long."""
    command = [sys.executable, "-c", USER, str(control), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def is_up(user: subprocess.Popen[str]) -> bool:
    """Wait for the user's word that it has what it needs."""
    assert user.stdout
    return user.stdout.readline() == "up\n"


def rows(server: OwnServer) -> int:
    """How many rows the users have added."""
    with server._connect("leadmgmt") as connection:
        found = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert found
    return int(found[0])


def postmaster(server: OwnServer) -> int:
    """The server's pid."""
    return int((server.place.data / "postmaster.pid").read_text().split("\n")[0])


def keeper_of(server: OwnServer) -> int:
    """The keeper's pid: the server's parent."""
    status = Path(f"/proc/{postmaster(server)}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid")))


def is_gone(pid: int) -> bool:
    """Whether a process has ended (one that nobody has waited for yet counts as ended)."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def test_a_cold_start_makes_a_cluster_and_a_warm_start_keeps_its_data(control: Path) -> None:
    for expected in (1, 2):
        server = a_server(control)
        server.ensure_running("leadmgmt")
        with server._connect("leadmgmt") as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
            connection.execute("INSERT INTO kept VALUES (1)")
        assert rows(server) == expected
        pid = postmaster(server)

        assert server.leave() is True
        assert is_gone(pid)


def test_the_server_forces_to_disk_what_is_committed(control: Path) -> None:
    server = a_server(control)
    server.ensure_running("leadmgmt")
    with server._connect() as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_a_wrong_password_is_refused(control: Path) -> None:
    server = a_server(control)
    server.ensure_running("leadmgmt")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host=str(server.place.sockets), user=server.place.user, password="guess", dbname="leadmgmt")
    assert (control / "password").stat().st_mode & 0o077 == 0


def test_several_first_starters_at_once_share_one_server(control: Path) -> None:
    users = [a_user(control, 3) for _ in range(4)]
    assert all(is_up(user) for user in users)

    server = a_server(control)
    server.ensure_running("leadmgmt")
    assert rows(server) == 4
    for user in users:
        user.kill()
    for user in users:
        user.wait()


def test_threads_of_one_process_may_start_it_together(control: Path) -> None:
    server = a_server(control)
    threads = [threading.Thread(target=server.ensure_running, args=["leadmgmt"]) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with server._connect("leadmgmt") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_who_leaves_does_not_stop_it_for_others(control: Path) -> None:
    other = a_user(control, 60)
    assert is_up(other)
    server = a_server(control)
    server.ensure_running("leadmgmt")
    pid = postmaster(server)

    assert server.leave() is False
    assert not is_gone(pid)

    # The other one is killed, so nobody is left to stop it: the server ends by itself.
    other.kill()
    other.wait()
    wait_until(lambda: is_gone(pid))


def test_kill_9_of_the_server_is_survived(control: Path) -> None:
    user = a_user(control, 0)
    assert is_up(user)
    server = a_server(control)
    server.ensure_running("leadmgmt")
    killed = postmaster(server)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: is_gone(killed))

    server.ensure_running("leadmgmt")

    assert postmaster(server) != killed
    assert rows(server) == 1
    user.wait()


def test_kill_9_of_the_keeper_ends_the_server_and_the_next_use_starts_it_again(control: Path) -> None:
    user = a_user(control, 0)
    assert is_up(user)
    server = a_server(control)
    server.ensure_running("leadmgmt")
    pid = postmaster(server)
    os.kill(keeper_of(server), signal.SIGKILL)
    wait_until(lambda: is_gone(pid))

    server.ensure_running("leadmgmt")

    assert rows(server) == 1
    user.wait()


def test_kill_9_of_everything_at_once_is_survived(control: Path) -> None:
    user = a_user(control, 60)
    assert is_up(user)
    server = a_server(control)
    keeper, pid = keeper_of(server), postmaster(server)
    for one in (keeper, pid, user.pid):
        os.kill(one, signal.SIGKILL)
    user.wait()
    assert (server.place.data / "postmaster.pid").exists()

    server.ensure_running("leadmgmt")

    assert rows(server) == 1


def test_a_stale_pid_file_that_names_another_program_is_no_obstacle(control: Path) -> None:
    server = a_server(control)
    server.ensure_running("leadmgmt")
    left_behind = (server.place.data / "postmaster.pid").read_text().split("\n")
    server.leave()
    # As after a restart of a container, where low pids come back: this very process has the number.
    left_behind[0] = str(os.getpid())
    (server.place.data / "postmaster.pid").write_text("\n".join(left_behind))

    again = a_server(control)
    again.ensure_running("leadmgmt")

    assert postmaster(again) != os.getpid()


def test_a_path_too_long_for_a_socket_is_no_obstacle(control: Path) -> None:
    deep = control / ("d" * 60) / ("e" * 60)
    server = a_server(deep)
    server.ensure_running("leadmgmt")
    assert len(str(server.place.sockets)) < 60
    assert server.place.sockets.stat().st_mode & 0o077 == 0
    assert server.leave()
    shutil.rmtree(server.place.sockets)


def test_a_socket_folder_of_somebody_else_is_refused(control: Path) -> None:
    deep = control / ("d" * 60) / ("f" * 60)
    sockets = OwnServer(deep).place.sockets
    sockets.chmod(0o777)
    with pytest.raises(Unusable, match="belongs to somebody else"):
        OwnServer(deep)
    shutil.rmtree(sockets)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's files are out of reach for the server's account")
def test_as_root_a_folder_that_the_server_cannot_reach_is_no_obstacle(control: Path) -> None:
    control.parent.chmod(0o700)
    server = a_server(control)
    server.ensure_running("leadmgmt")
    home = server.place.home
    assert home.parent == place.ELSEWHERE
    assert home.stat().st_uid == server.place.account.pw_uid  # type: ignore[union-attr]  # as root there is one
    assert server.leave()

    # The choice holds, even when the folder becomes reachable.
    control.parent.chmod(0o755)
    assert OwnServer(control).place.home == home
    shutil.rmtree(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_an_ordinary_account_runs_its_own_server_and_root_may_join(control: Path) -> None:
    nobody = place.pwd.getpwnam("nobody")
    control.mkdir()
    os.chown(control, nobody.pw_uid, nobody.pw_gid)

    server = a_server(control)
    server.ensure_running("leadmgmt")

    assert Path(f"/proc/{postmaster(server)}").stat().st_uid == nobody.pw_uid
    assert server.leave()
    mine = [file for file in control.iterdir() if file.stat().st_uid == 0]
    assert mine == [], "root left files that the owner cannot use"


def test_without_any_postgresql_one_sentence_says_what_to_do(control: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_machine", lambda: iter([]))
    monkeypatch.setattr(binaries, "_wheel", lambda: iter([]))
    with pytest.raises(Unusable, match=r"install PostgreSQL .* set DATABASE_URL, or run `make embedded`"):
        a_server(control).ensure_running("leadmgmt")


def test_data_of_another_version_is_not_touched(control: Path) -> None:
    server = a_server(control)
    server.place.data.mkdir()
    (server.place.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(Unusable, match="PostgreSQL 9"):
        server.ensure_running("leadmgmt")


def test_an_interrupted_first_start_leaves_nothing_half_made(control: Path) -> None:
    user = a_user(control, 0)
    server = a_server(control)
    wait_until(lambda: list(server.place.home.glob("data.*")))
    user.kill()
    user.wait()

    server.ensure_running("leadmgmt")

    with server._connect("leadmgmt") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_locks_vanish_with_a_killed_holder(tmp_path: Path) -> None:
    held = (
        "import sys, time; from pathlib import Path; from leadmgmt.database.locks import FileLock;"
        "FileLock(Path(sys.argv[1])).take() and print('held', flush=True); time.sleep(60)"
    )
    # The object must not be collected, as it would be if nothing kept it.
    held = held.replace("FileLock(Path(sys.argv[1])).take()", "(lock := FileLock(Path(sys.argv[1]))).take()")
    holder = subprocess.Popen(
        [sys.executable, "-c", held, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    mine = FileLock(tmp_path / "lock")
    assert mine.take(wait=False) is False

    holder.kill()
    holder.wait()

    assert mine.take(wait=False) is True
