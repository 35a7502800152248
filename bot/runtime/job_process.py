"""The end of a job, a process that works for the gateway and is the first of a group of its own: of
all that it has started as well."""

import os
import signal
import sys
import threading

STOP_SECONDS = 10  # that a job has to clean up


def prepare_to_end() -> None:
    """From now on this process and what it has started end with the process that started it, and
    this one cleans up when it is asked to end: SystemExit is raised in its main thread, which calls
    this."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def end_soon() -> None:
    """End what this process has started, and itself as soon as it has cleaned up."""
    at_the_latest = threading.Timer(STOP_SECONDS, os._exit, (1,))
    at_the_latest.daemon = True
    at_the_latest.start()
    _ask_group()


def _ask_group() -> None:
    """Ask this process and all that it has started to end."""
    if os.getpgrp() == os.getpid():  # else others are in the group, too
        os.killpg(os.getpgrp(), signal.SIGTERM)
    else:
        os.kill(os.getpid(), signal.SIGTERM)


def _end_with_parent() -> None:
    """Wait for the end of standard input, a pipe from who started this: it comes even when that was
    killed."""
    try:
        while os.read(0, 1):
            pass
    finally:
        _ask_group()
        os._exit(1)
