"""git as the content's history uses it: never with hooks, never with a question, and never for
longer than it may."""

import contextlib
import logging
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.runtime.settings import Settings

logger = logging.getLogger(__name__)
type Done = subprocess.CompletedProcess[str]
SECONDS = 20  # that git may take
REMOTE_SECONDS = 60  # that it may take where it asks another machine
TIMED_OUT = 124  # the code of a command that was ended for its time
# GIT_ASKPASS is empty, so that no window asks either; ssh has no terminal to ask on
SET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
    "LC_ALL": "C.UTF-8",
}
SET_TO = ("core.hooksPath=/dev/null", "commit.gpgSign=false", "safe.directory=*")
IN_ADDRESS = re.compile(r"(?<=://)[^/@\s']+@")  # a name, and perhaps a password or token


class Named(Protocol):
    """Whoever has a name and perhaps an email: an Author, or a person of the desk."""

    @property
    def name(self) -> str: ...

    @property
    def email(self) -> str | None: ...


@dataclass(frozen=True)
class Author:
    """In whose name a change is committed."""

    name: str
    email: str | None = None


@dataclass(frozen=True)
class Repository:
    """Where the content's repository is: its work tree, and git's own folder."""

    top: Path
    folder: Path


def find_repository(config: Settings) -> Repository | None:
    """The Repository that holds the content; None where git sees none."""
    done = run_git(config, "rev-parse", "--show-toplevel", "--absolute-git-dir", quiet=True)
    if done.returncode:
        return None
    top, folder = done.stdout.splitlines()
    return Repository(Path(top).resolve(), Path(folder))


def run_git(
    config: Settings,
    *arguments: str,
    author: Author | None = None,
    committer: Author | None = None,
    folder: str | None = None,
    index: Path | None = None,
    quiet: bool = False,
) -> Done:
    """What git did; what it refused is logged. Neither its hooks nor this machine's settings have
    a say in what is committed. `committer`: who commits, where that is not the author; `index`: a
    file in place of the repository's own."""
    clean = _environment(author, committer)
    if index:
        clean["GIT_INDEX_FILE"] = str(index)
    if "check-ignore" not in arguments:  # which takes none
        clean["GIT_LITERAL_PATHSPECS"] = "1"  # a name stands for no other files by its signs
    command = _command(arguments)
    try:
        done = subprocess.run(
            command,
            cwd=folder or config.path("data"),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            env=clean,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        done = subprocess.CompletedProcess(command, 127, "", type(error).__name__)
    if done.returncode and not quiet:
        _log_refusal(arguments, done.stderr)
    return done


def ask_remote(config: Settings, *arguments: str) -> Done:
    """What git did that asks another machine, with all that it said as `stdout`: TIMED_OUT past
    REMOTE_SECONDS. Nobody is asked for a password, and what it has started ends with it."""
    command = _command(arguments)
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            cwd=config.path("data"),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # no terminal to ask on; and a group that ends as a whole
            env=_environment(),
        )
        try:
            code = process.wait(REMOTE_SECONDS)
        except subprocess.TimeoutExpired:
            code = TIMED_OUT
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        said.seek(0)
        text = said.read().decode(errors="replace")
    if code:
        _log_refusal(arguments, text)
    return subprocess.CompletedProcess(command, code, text, "")


def _command(arguments: tuple[str, ...]) -> list[str]:
    return ["git", *(word for each in SET_TO for word in ("-c", each)), *arguments]


def _environment(author: Author | None = None, committer: Author | None = None) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    who: Mapping[str, Author | None] = {"AUTHOR": author, "COMMITTER": committer or author}
    for role, named in who.items():
        if named:
            clean |= {f"GIT_{role}_NAME": named.name, f"GIT_{role}_EMAIL": named.email or ""}
    return {**clean, **SET}


def _log_refusal(arguments: tuple[str, ...], said: str) -> None:
    """Log what git said, without what stands before the name of a machine in an address."""
    logger.error(
        "git said of %s: %s",
        IN_ADDRESS.sub("", " ".join(arguments)[:200]),
        IN_ADDRESS.sub("", said.strip())[-300:],
    )
