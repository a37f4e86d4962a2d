"""Keeps the own server running while anybody uses it, then stops it: ``python -m leadmgmt.database.keeper FOLDER``."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from leadmgmt.database.locks import FileLock
from leadmgmt.database.place import PORT, Place, identity, locate
from leadmgmt.database.problems import Unusable
from leadmgmt.database.server import runnable, surroundings

LOOK_SECONDS = 0.2
# Commands often follow each other: a stop and a start between them would only cost time.
LINGER_SECONDS = 3.0
PR_SET_PDEATHSIG = 1


def keep(place: Place) -> None:
    """Run the server until its last user is gone; start it again if it dies."""
    alone = FileLock(place.control / "users")
    hurry = place.control / "hurry"
    hurry.unlink(missing_ok=True)
    server = start(place)
    failures, unused_since = 0, 0.0
    while True:
        if server.poll() is not None:
            failures += 1
            if failures > 20:
                raise Unusable("The server dies again and again")
            time.sleep(min(5.0, 0.1 * 2**failures))
            server = start(place)
        if not alone.take(wait=False):
            unused_since = 0.0
        else:
            unused_since = unused_since or time.monotonic()
            if hurry.exists() or time.monotonic() - unused_since > LINGER_SECONDS:
                # Still alone: whoever comes now waits until the server has stopped, and starts it anew.
                stop(server)
                return
            alone.release()
        time.sleep(LOOK_SECONDS)


def start(place: Place) -> subprocess.Popen[bytes]:
    """Start the server as our child, in the account and with the settings it shall have."""
    clear_stale(place)
    programs = runnable(place)
    command = [str(programs.folder / "postgres"), "-D", str(place.data)]
    for name, value in settings(place).items():
        command += ["-c", f"{name}={value}"]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, env=surroundings(), preexec_fn=end_with_keeper, **identity(place.account)
    )


def settings(place: Place) -> dict[str, str]:
    """Given on the command line, so that they also hold for a cluster that was made earlier or has moved."""
    chosen = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": str(place.sockets),
        "max_connections": "200",
        "shared_buffers": "256MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        "max_wal_size": "2GB",
        "random_page_cost": "1.1",
        "jit": "off",
        "timezone": "UTC",
    }
    if os.environ.get("LEADMGMT_CLUSTER_DISPOSABLE") == "1":
        # For tests only: what a crash may lose is thrown away afterwards anyhow.
        chosen |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    return chosen


def end_with_keeper() -> None:
    """Have the kernel ask the server for a fast shutdown should the keeper be killed. Runs in the child."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def clear_stale(place: Place) -> None:
    """Remove a postmaster.pid that names another program, as after kill -9 or in a restarted container.

    A server of ours whose keeper was killed is just shutting down: wait for it.
    """
    file = place.data / "postmaster.pid"
    until = time.monotonic() + 60
    while file.exists() and time.monotonic() < until:
        first = file.read_text().partition("\n")[0].strip()
        if not _is_server(first, place):
            file.unlink(missing_ok=True)
            return
        time.sleep(0.1)


def _is_server(pid: str, place: Place) -> bool:
    try:
        words = Path(f"/proc/{int(pid)}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return False
    return os.fsencode(place.data) in words


def stop(server: subprocess.Popen[bytes]) -> None:
    """Fast shutdown: open transactions are rolled back, everything committed is on disk."""
    server.send_signal(signal.SIGINT)
    try:
        server.wait(60)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)
        server.wait(30)


def main() -> None:
    """Keep the cluster named on the command line, unless somebody does already."""
    # Ctrl-C in a terminal is meant for the users; the keeper ends when they do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    place = locate(Path(sys.argv[1]))
    only = FileLock(place.control / "keeper")
    if not only.take(wait=False):
        return
    try:
        keep(place)
    except Unusable as error:
        sys.exit(f"Unusable: {error}")


if __name__ == "__main__":
    main()
