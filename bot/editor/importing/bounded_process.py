"""Uploaded files and pasted texts are read and checked in a process of its own, bounded in time and
memory, behind visitors' messages: whatever is in one, the gateway only waits.

`run(job, data, ...)` starts `python -m bot.editor.importing.bounded_process`, gives it the bytes on
its standard input, and takes what the job found as JSON. Nothing in a file is fetched, opened or
obeyed."""

import dataclasses
import json
import os
import pkgutil
import resource
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any

from bot.editor.importing.blocks import Refused
from bot.runtime import settings


@dataclass(frozen=True)
class Limits:
    """What one file or text may cost; docs/reliability.md has the same figures."""

    processor: int = 20  # seconds
    wait: int = 90  # seconds from its start to its end, on a machine that visitors use
    turn: int = 60  # seconds until a file that is read ends, and this one's turn comes
    memory: int = 1_500_000_000  # bytes of address space, of which a tenth is ever filled
    answer: int = 40_000_000  # bytes of what was found
    elements: int = 1_000_000  # of XML in a file
    niceness: int = 2  # a visitor's message goes first; at 15 a full machine never let it end


LIMITS = Limits()
REFUSED = 3  # the code with which the process ends that says why on its output
JOBS = {
    "read": "bot.editor.importing.imports:read_job",
    "article": "bot.editor.importing.imports:article_job",
    "table": "bot.editor.tables.table_files:table_job",
    "rows": "bot.editor.tables.table_files:rows_job",
}
SMALLER = {
    "table": "Bring in fewer rows, or shorter cells.",
    "rows": "Make the row's texts shorter.",
}
ONE_AT_A_TIME = threading.Lock()
_inside = False  # whether this is the bounded process


def run_bounded(job: str, data: bytes = b"", **given: object) -> Any:
    """What a job of JOBS found in the bytes, as JSON has it; raises Refused, with a sentence for
    the editor, where it can't be read or costs more than LIMITS."""
    if _inside:
        return _call(job, data, given)
    advice = SMALLER.get(job, "Paste the article's text in parts instead.")
    if not ONE_AT_A_TIME.acquire(timeout=LIMITS.turn):
        raise Refused("Another file is being read. Try again in a minute.")
    try:
        done = _start(job, data, given)
    except subprocess.TimeoutExpired:
        raise Refused(f"It takes too long to read this. {advice}") from None
    finally:
        ONE_AT_A_TIME.release()
    if done.returncode == REFUSED:
        raise Refused(json.loads(done.stdout))
    if done.returncode == -signal.SIGXCPU or done.returncode == -signal.SIGKILL:
        raise Refused(
            f"This is too much: it takes more than {LIMITS.processor} seconds to read. {advice}"
        )
    if done.returncode == TOO_MUCH:
        raise Refused(f"This is too much: reading it takes too much memory. {advice}")
    if done.returncode or len(done.stdout) > LIMITS.answer:
        raise Refused(f"This can't be read. {advice}")
    return json.loads(done.stdout)


TOO_MUCH = 4  # the code with which the process ends where the memory is too small


def _start(job: str, data: bytes, given: dict[str, object]) -> subprocess.CompletedProcess[bytes]:
    head = json.dumps({"job": job, "given": given, "limits": dataclasses.asdict(LIMITS)})
    return subprocess.run(
        [sys.executable, "-m", "bot.editor.importing.bounded_process"],
        input=head.encode() + b"\n" + data,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=settings.ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        timeout=LIMITS.wait,
    )


def _call(job: str, data: bytes, given: dict[str, object]) -> Any:
    return pkgutil.resolve_name(JOBS[job])(data, **given)


def main() -> int:
    """Do the job that standard input names; the code to end with."""
    global _inside
    _inside = True
    head = json.loads(sys.stdin.buffer.readline())
    limits = Limits(**head["limits"])
    os.nice(limits.niceness)
    resource.setrlimit(resource.RLIMIT_CPU, (limits.processor, limits.processor + 1))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        found = json.dumps(_call(head["job"], sys.stdin.buffer.read(), head["given"]))
    except Refused as refused:
        print(json.dumps(str(refused)))
        return REFUSED
    except MemoryError:
        return TOO_MUCH
    print(found)
    return 0


if __name__ == "__main__":
    from bot.editor.importing import bounded_process

    sys.exit(bounded_process.main())
