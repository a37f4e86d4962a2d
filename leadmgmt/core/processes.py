"""What every process of ours does about its parent."""

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int, by: int = signal.SIGTERM) -> None:
    """Have the kernel send this process ``by`` when its parent dies, however that happens (Linux).

    ``parent`` is the parent's pid as known before the fork: a parent already dead counts too.
    """
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:
        os.kill(os.getpid(), by)
