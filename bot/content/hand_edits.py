"""What was edited outside the desk, by hand or by a program, and is in no commit yet: shown with
what it was, committed in the name of whom it was, or put back."""

import datetime
import hashlib
import pwd
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.content import history, tree_change
from bot.content.git_commands import Named, find_repository, run_git
from bot.runtime.settings import Settings

FOLDER = "put_back"  # below var: what stood in the files that were put back
GONE = "gone"  # the version of a file that was taken away


class Changed(RuntimeError):
    """A file was edited again, or is in a commit, since the person looked; nothing was changed."""


@dataclass(frozen=True)
class HandEdit:
    """A file, by its name below DATA, with its text in the last commit and now. `version` names
    what it holds now; `at`, `owner`: when it was changed and whose file it is, None and "" where it
    is gone."""

    name: str
    before: str
    after: str
    version: str
    at: datetime.datetime | None
    owner: str


def list_hand_edits(config: Settings) -> list[HandEdit]:
    """Every HandEdit; what was saved at the desk and waits for git is none."""
    found, data = [], config.path("data")
    names = history.list_outside(config)
    with tree_change.exported(config, "HEAD", _in_repository(config, names)) as old:
        for name, inside in zip(names, _in_repository(config, names), strict=True):
            at, owner = _read_owner(data / name)
            before, after = _read(old / inside), _read(data / name)
            found.append(HandEdit(name, before, after, _version(data / name), at, owner))
    return found


def keep_hand_edits(
    config: Settings, seen: Mapping[str, str], author: Named, why: str, by: Named
) -> None:
    """Commit files as they stand, in the name of whom it was; `seen`: {name: its version}; `by`:
    who says whose it was. Raises Changed, and history.Stuck."""
    with history.one_at_a_time(config):
        _want_same(config, seen)
        history.commit_as(config, list(seen), author, why, by)


def put_back(config: Settings, seen: Mapping[str, str]) -> Path:
    """Make files as they are in the last commit; the folder in which what stood there is kept.
    Raises Changed, and history.Stuck."""
    data = config.path("data")
    now = datetime.datetime.now(datetime.UTC)
    kept = config.path("var") / FOLDER / f"{now:%Y%m%d-%H%M%S-%f}"
    with history.one_at_a_time(config):
        _want_same(config, seen)
        history.commit_saved(config)  # which the last commit must hold
        for name in seen:
            if (data / name).is_file():
                (kept / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(data / name, kept / name)
        inside = _in_repository(config, list(seen))
        with tree_change.exported(config, "HEAD", inside) as old:
            for name, place in zip(seen, inside, strict=True):
                tree_change.put_file(data / name, old / place)
        # what somebody had staged of them
        run_git(config, "reset", "--quiet", "--", *seen, quiet=True)
    return kept


def _want_same(config: Settings, seen: Mapping[str, str]) -> None:
    """Raise Changed where a file is no longer as it was seen, or its edit is in a commit."""
    listed, data = set(history.list_outside(config)), config.path("data")
    if any(name not in listed or _version(data / name) != seen[name] for name in seen):
        raise Changed()


def _in_repository(config: Settings, names: list[str]) -> list[str]:
    """The names of files below DATA as the repository has them."""
    repository, data = find_repository(config), config.path("data").resolve()
    return [
        (data / name).relative_to(repository.top if repository else data).as_posix()
        for name in names
    ]


def _version(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else GONE


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _read_owner(path: Path) -> tuple[datetime.datetime | None, str]:
    """When a file was changed, and the name of its owner, as this machine knows it."""
    try:
        found = path.stat()
    except OSError:
        return None, ""
    at = datetime.datetime.fromtimestamp(found.st_mtime, datetime.UTC)
    try:
        account = pwd.getpwuid(found.st_uid)
    except KeyError:  # nobody of this machine, as in a volume
        return at, ""
    return at, account.pw_gecos.partition(",")[0].strip() or account.pw_name
