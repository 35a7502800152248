"""Bounded processes (bot/editor/importing/bounded_process.py) that begin warm: forks of a process
that has imported all that their jobs need, which alone takes a second each."""

import contextlib
import io
import multiprocessing
import subprocess
import sys
from types import SimpleNamespace

from bot.editor.importing import bounded_process

NEEDED = (
    "bot.editor.importing.imports",
    "bot.editor.importing.question_lists",
    "bot.editor.importing.word_files",
    "bot.editor.tables.table_files",
    "lxml.html",
    "mammoth",
    "openpyxl",
    "spacy",
    "trafilatura",
)


def begin_warm(monkeypatch):
    """Let bounded processes begin as forks: they have the limits, the input and the output of those
    that tests/editor/test_bounded.py begins as the desk does."""
    names = ("PIPE", "DEVNULL", "TimeoutExpired", "CompletedProcess")
    kept = {name: getattr(subprocess, name) for name in names}
    monkeypatch.setattr(bounded_process, "subprocess", SimpleNamespace(run=_run, **kept))


def _run(command, *, input, timeout, **_):
    """As subprocess.run, of the bounded process alone."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(list(NEEDED))
    reading, writing = forks.Pipe(duplex=False)
    process = forks.Process(target=_work, args=(input, writing))
    process.start()
    writing.close()
    output = b""
    with reading:
        ended = not reading.poll(timeout)
        with contextlib.suppress(EOFError):  # it was ended by its limits
            output = b"" if ended else reading.recv_bytes()
    if ended:
        process.kill()
    process.join()
    code = process.exitcode
    process.close()
    if ended:
        raise subprocess.TimeoutExpired(command, timeout)
    return subprocess.CompletedProcess(command, code, output)


def _work(input, writing):
    printed = io.StringIO()
    sys.stdin = io.TextIOWrapper(io.BytesIO(input))
    with contextlib.redirect_stdout(printed):
        code = bounded_process.main()
    writing.send_bytes(printed.getvalue().encode())
    sys.exit(code)
