"""A private process's end with the gateway that started it."""

import ctypes
import os
import signal
import sys
import threading

DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux's prctl


def end_with_parent() -> None:
    """From now on this process ends with its parent, even when that was killed, and on Linux even
    where this one hangs.

    Standard input, a pipe from the parent, tells a process that runs; the kernel ends one that is
    stopped."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)
    threading.Thread(target=_read_to_the_end, daemon=True).start()


def _read_to_the_end() -> None:
    try:
        while os.read(0, 1):
            pass
    finally:  # a pipe that can't be read any more tells of no parent either
        os._exit(0)
