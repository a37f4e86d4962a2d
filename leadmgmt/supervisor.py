"""Runs the product's processes in the foreground: starts them, starts them again when they die, stops them in order."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from leadmgmt.core.processes import end_with_parent

LOOK_SECONDS = 0.2
# A process that lived this long was well; the next restart is immediate again.
WELL_SECONDS = 60.0
MOST_PAUSE_SECONDS = 30.0
GRACE_SECONDS = 30.0


class Stopped(Exception):
    """Somebody asked to stop (Ctrl-C, SIGTERM, the terminal closed)."""


class FailedToStart(Exception):
    """A process ended again and again before it was ready; the message names it."""


@dataclass
class Child:
    """One process of ours and how often it has died."""

    name: str
    command: Sequence[str]
    keep_open: tuple[int, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    born: float = 0.0
    deaths: int = 0
    not_before: float = 0.0

    def start(self, at: float) -> None:
        """Start it, in a group of its own (Ctrl-C is for the supervisor alone), bound to the supervisor's life."""
        parent = os.getpid()
        self.born = at
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            env=os.environ | self.environment,
            pass_fds=self.keep_open,
            process_group=0,
            preexec_fn=lambda: end_with_parent(parent),
        )

    @property
    def running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self.process is not None and self.process.poll() is None

    def bury(self, at: float) -> float:
        """Note a death; returns the seconds until it may be started again: 0, 1, 2, 4 … while it keeps dying."""
        self.deaths = 1 if at - self.born > WELL_SECONDS else self.deaths + 1
        pause = 0.0 if self.deaths == 1 else min(MOST_PAUSE_SECONDS, 2.0 ** (self.deaths - 2))
        self.not_before = at + pause
        self._end_group()
        self.process = None
        return pause

    def stop(self) -> None:
        """Ask it to finish."""
        if self.process is not None and self.running:
            self.process.terminate()

    def end(self, seconds: float) -> None:
        """Wait for it, at most ``seconds``, then kill it with whatever it has started."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._end_group()
        self.process.wait()

    def _end_group(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Supervisor:
    """The children, in the order of their start; they are stopped in the same order, the web first."""

    def __init__(self, children: Sequence[Child], say: Callable[[str], None]) -> None:
        self.children = children
        self._say = say
        self._asked = False

    def listen(self) -> None:
        """Take Ctrl-C, SIGTERM and a closed terminal as the wish to stop. A second one changes nothing."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def start(self, ready: Callable[[], bool], *, within: float = 180.0) -> None:
        """Start all and return when ``ready``; raises FailedToStart, or Stopped."""
        began = time.monotonic()
        while not ready():
            self._look(mention=False)
            for child in self.children:
                if child.deaths >= 3:
                    raise FailedToStart(
                        f"the {child.name} process ended {child.deaths} times; its last words are above"
                    )
            if time.monotonic() - began > within:
                raise FailedToStart(f"it did not answer within {within:.0f} seconds")
            self._pause()

    def watch(self) -> None:
        """Keep all running until asked to stop; then raises Stopped."""
        while True:
            self._look(mention=True)
            self._pause()

    def run(self, child: Child) -> int:
        """Run one process to its end, as a step of the start; returns its exit code."""
        child.start(time.monotonic())
        try:
            while child.running:
                self._pause()
        finally:
            child.stop()
            child.end(GRACE_SECONDS)
        return child.process.returncode if child.process else 1

    def stop(self) -> None:
        """Stop all: each is asked at once and has GRACE_SECONDS to finish what it is doing."""
        until = time.monotonic() + GRACE_SECONDS
        for child in self.children:
            child.stop()
        for child in self.children:
            child.end(until - time.monotonic())

    def check(self) -> None:
        """Raise Stopped if somebody has asked."""
        if self._asked:
            raise Stopped

    def _ask(self, number: int, _: object) -> None:
        self._asked = True

    def _pause(self) -> None:
        self.check()
        time.sleep(LOOK_SECONDS)
        self.check()

    def _look(self, *, mention: bool) -> None:
        for child in self.children:
            now = time.monotonic()
            if child.process is not None and not child.running:
                code = child.process.returncode
                pause = child.bury(now)
                if mention:
                    when = f"in {pause:.0f} s" if pause else "now"
                    self._say(f"The {child.name} process ended ({_how(code)}); starting it again {when}.")
            if child.process is None and now >= child.not_before:
                child.start(now)


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
