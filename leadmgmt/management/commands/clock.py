"""Run the clock."""

import os
import select
import signal
import time
from typing import Any

from django.core.management.base import BaseCommand

from leadmgmt.clockwork import Clock


class Command(BaseCommand):
    """Every second, does what is due. Start one per host: only one of them acts, another takes over when it ends."""

    help = "Runs timed work when it is due (manage.py start does this too)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until Ctrl-C or SIGTERM."""
        read, write = os.pipe()
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write)
        stopped: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _: stopped.append(received))
        clock, born = Clock(), time.monotonic()
        while not stopped:
            clock.tick(time.monotonic() - born)
            # On the next full second, whatever the work took.
            select.select([read], [], [], 1.0 - (time.monotonic() - born) % 1.0)
        clock.close()
