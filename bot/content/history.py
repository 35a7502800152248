"""The history of the content: the git repository around the folder DATA, where each change stands
in the name of who made it.

A change that git can't take is kept in `var/uncommitted` with its text, and committed in the same
name once it can. What was edited outside the desk is never committed in an editor's name."""

import contextlib
import datetime
import fcntl
import json
import logging
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from bot.content import articles
from bot.runtime.settings import Settings

logger = logging.getLogger(__name__)
type Done = subprocess.CompletedProcess[str]
SECONDS = 20  # that git may take
STALE_SECONDS = 10  # after which a lock is no longer that of a git that works
LOCKS = ("index.lock", "HEAD.lock")
UNDER_WAY = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
}
CONTENT = (".md", ".yml", ".jsonl")  # files that are meant to have a history
SET = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
CRUD = " .,:;<>\"\\'\t\r\n\0"  # what git takes off the ends of a name


class NoCommit(LookupError):
    """There is no such commit in this history."""


class Stuck(RuntimeError):
    """Something is in no commit, and git can't take it; the message says why, and what to do."""


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
class Change:
    """One commit of a file."""

    commit: str
    at: datetime.datetime
    editor: str
    why: str


@dataclass(frozen=True)
class Waiting:
    """A change that was saved and is in no commit: its `files` below DATA with their texts (None:
    the file was taken away)."""

    files: dict[str, str | None]
    name: str
    email: str
    why: str


@dataclass(frozen=True)
class Repository:
    """Where the content's repository is: its work tree, and git's own folder."""

    top: Path
    folder: Path


OUTSIDE = Author("edited on the server, outside the desk", "server@localhost")
NO_GIT = (
    "git is not installed on this machine: saving works, but no history is kept, and two editors "
    "of one article can't be merged. Ask who runs this site to install it."
)
NO_REPOSITORY = (
    "The content folder is in no git repository: saving works, but no history is kept. Ask who "
    "runs this site to run `git init` in it."
)
UNREADABLE = (
    "git can't read the content's repository: what is saved gets into no history. Ask who runs "
    "this site to run `git status` there, as the user of this service, and to mend what it says."
)
LOCKED = (
    "git is locked ({lock}): what is saved gets into no history. Another git command is at work, "
    "or was killed. Ask who runs this site to see that none is, and to delete that file."
)
BUSY = (
    "In the content's repository {what} is under way: until it has ended, what is saved gets into "
    "no history. Ask who runs this site to finish it, or to break it off."
)
READ_ONLY = (
    "git can't write into the content's repository: what is saved gets into no history. Ask who "
    "runs this site to see who owns its files, whether the disk is full or can only be read, and "
    "what the log of this service says."
)
IGNORED = (
    "git ignores {names}: what is saved there gets into no history. Ask who runs this site to "
    "take it out of `.gitignore`, and to commit it."
)
LOST = (
    "{name} can't be read: what was saved in it gets into no history. Ask who runs this site to "
    "mend it, or to take it away."
)
DETACHED = (
    "The content's repository is on no branch: what is saved is committed, but those commits are "
    "lost once somebody changes to a branch. Ask who runs this site to run `git switch`."
)


@contextlib.contextmanager
def one_at_a_time(config: Settings) -> Iterator[None]:
    """One change of content at a time, whichever process makes it."""
    folder = config.path("var")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "content.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def record_change(
    config: Settings, files: Mapping[Path, str | None], author: Named, why: str
) -> str | None:
    """Commit the texts of files (None: it is gone) as one change in this author's name, or keep
    them until git can. The commit's hash, or None; what git ignores has no history. Called within
    `one_at_a_time`."""
    named = {_below(config, path): text for path, text in files.items()}
    if not _is_kept(config):
        return None
    named = {name: text for name, text in named.items() if not _is_ignored(config, name)}
    if not named:
        return None
    name, email = (
        re.sub(r"[<>\n\r\0]", "", said).strip(CRUD)
        for said in (author.name, author.email or "desk@localhost")
    )
    change = Waiting(named, name or "an editor", email, why or "Changed")
    if _read_waiting(config) or not _commit(config, change):
        folder = _folder(config)
        folder.mkdir(parents=True, exist_ok=True)
        articles.save_text(folder / f"{time.time_ns():020}.json", json.dumps(asdict(change)))
        if not _commit_waiting(config):
            return None
    return _git(config, "rev-parse", "HEAD").stdout.strip()


def record_outside(config: Settings, path: Path) -> None:
    """Commit, before an editor changes a file, what was changed in it outside the desk. Called
    within `alone`."""
    if not path.is_file() or not _is_kept(config):
        return
    name = _below(config, path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:  # no text that could be kept
        if _commit_waiting(config):
            _commit_as_it_stands(config, [name])
        return
    known = [change.files[name] for _, change in _read_waiting(config) if name in change.files]
    if text != known[-1] if known else _list_changed(config, name):
        record_change(config, {path: text}, OUTSIDE, f"Edited outside the desk: {name}")


def list_outside(config: Settings) -> list[str]:
    """The files below DATA that differ from the last commit and were saved by nobody at the
    desk."""
    waiting = {
        name: text for _, change in _read_waiting(config) for name, text in change.files.items()
    }
    return [
        name
        for name in _list_changed(config, ".")
        if name not in waiting or _read(config.path("data") / name) != waiting[name]
    ]


def commit_waiting(config: Settings) -> list[str]:
    """Commit all of the content that is in no commit, and give the names of the files that were
    edited outside the desk. Called within `alone`.

    Raises Stuck where git can't take it; without git or a repository there is nothing to do."""
    if not shutil.which("git") or not _is_kept(config):
        return []
    _commit_waiting(config)
    names = list_outside(config)
    done = not _read_waiting(config) and (not names or _commit_as_it_stands(config, names))
    if not done or not _find_repository(config):
        raise Stuck(_find_trouble(config, has_failed=True) or READ_ONLY)
    return names


def find_trouble(config: Settings) -> str | None:
    """What keeps changes from the history, and what to do, in words for editors; None where all is
    well. What waits is committed where it can be now."""
    if _read_waiting(config):
        with one_at_a_time(config):
            _commit_waiting(config)
    found, waiting = _find_trouble(config), len(_read_waiting(config))
    if not waiting:
        return found
    one = waiting == 1
    kept = (
        f"{waiting} saved {'change waits' if one else 'changes wait'} for it, and "
        f"{'is' if one else 'are'} committed in the name of who made {'it' if one else 'them'}."
    )
    return f"{found or READ_ONLY} {kept}"


def read_changes(config: Settings, *paths: Path, most: int = 50) -> list[Change]:
    """The Changes of files, newest first; [] where no history is kept."""
    form = "--format=%H%x1f%at%x1f%an%x1f%s"
    done = _git(config, "log", f"-{most}", form, "--", *map(str, paths), quiet=True)
    if done.returncode:
        return []
    lines = [line.split("\x1f", 3) for line in done.stdout.splitlines() if line.count("\x1f") >= 3]
    return [
        Change(commit, datetime.datetime.fromtimestamp(int(at), datetime.UTC), editor, why)
        for commit, at, editor, why in lines
    ]


def read_revision(config: Settings, path: Path, commit: str) -> str:
    """The file's text in a commit; "" where it wasn't there. Raises NoCommit for what is none of
    this history."""
    if not re.fullmatch(r"[0-9a-f]{7,64}", commit):
        raise NoCommit(commit)
    repository = _find_repository(config)
    if (
        not repository
        or _git(config, "cat-file", "-e", f"{commit}^{{commit}}", quiet=True).returncode
    ):
        raise NoCommit(commit)
    name = path.resolve().relative_to(repository.top).as_posix()
    done = _git(config, "show", f"{commit}:{name}", quiet=True)
    return done.stdout if done.returncode == 0 else ""


def _find_trouble(config: Settings, has_failed: bool = False) -> str | None:
    """What is wrong with git or the repository as they are now, in words, or None. `has_failed`: a
    commit just has, so that a young lock is in its way, too."""
    if not shutil.which("git"):
        return NO_GIT
    repository = _find_repository(config)
    if not repository:
        return UNREADABLE if _is_kept(config) else NO_REPOSITORY
    if lock := _find_lock(config, repository, has_failed):
        return LOCKED.format(lock=lock)
    if what := _find_under_way(repository):
        return BUSY.format(what=what)
    if not os.access(repository.folder, os.W_OK):
        return READ_ONLY
    if names := _list_ignored(config):
        more = f" and {len(names) - 3} more files" if len(names) > 3 else ""
        return IGNORED.format(names=", ".join(names[:3]) + more)
    if lost := _list_unreadable(config):
        return LOST.format(name=f"var/uncommitted/{lost[0].name}")
    if _git(config, "symbolic-ref", "-q", "HEAD", quiet=True).returncode:
        return DETACHED
    return None


def _find_under_way(repository: Repository) -> str | None:
    """What git is in the middle of, in words; None where it isn't."""
    return next(
        (what for name, what in UNDER_WAY.items() if (repository.folder / name).exists()), None
    )


def _find_lock(config: Settings, repository: Repository, has_failed: bool) -> str | None:
    """The name of a lock that stays: old, or with changes that wait for it; None without one."""
    waiting = has_failed or bool(_read_waiting(config))
    for name in LOCKS:
        with contextlib.suppress(FileNotFoundError):
            age = time.time() - (repository.folder / name).stat().st_mtime
            if waiting or age > STALE_SECONDS:
                return f".git/{name}"
    return None


def _list_ignored(config: Settings) -> list[str]:
    """The files of content that git ignores."""
    data = config.path("data")
    names = [
        name
        for path in sorted(data.rglob("*"))
        if path.suffix in CONTENT and not (name := _below(config, path)).startswith(".")
    ]
    if not names:
        return []
    done = _git(config, "check-ignore", "--", *(f"./{n}" for n in names), quiet=True)
    return [name.removeprefix("./") for name in done.stdout.splitlines()]


def _is_ignored(config: Settings, name: str) -> bool:
    return not _git(config, "check-ignore", "-q", "--", f"./{name}", quiet=True).returncode


def _commit(config: Settings, change: Waiting) -> bool:
    """Whether a change is in the history: committed as it was saved, whatever stands on disk
    now."""
    repository = _find_repository(config)
    if not repository or _find_under_way(repository):  # to stage it would be in a merge's way
        return False
    data = config.path("data").resolve()
    files = {
        (data / name).relative_to(repository.top).as_posix(): text
        for name, text in change.files.items()
    }
    with tempfile.TemporaryDirectory() as beside:

        def git(*arguments: str, author: Author | None = None, quiet: bool = False) -> Done:
            where = ("--git-dir", str(repository.folder), "--work-tree", beside)
            return _git(config, *where, *arguments, author=author, folder=beside, quiet=quiet)

        if not all(_stage(git, Path(beside), name, text) for name, text in files.items()):
            git("reset", "--quiet", "--", *files, quiet=True)
            return False
        staged = [
            name
            for name in files
            if git("diff", "--cached", "--quiet", "--", name, quiet=True).returncode
        ]
        if not staged:
            return True  # it stands there already
        author = Author(change.name, change.email)
        done = git(*_commit_of(change.why, staged), author=author).returncode == 0
        if not done:  # nor may it stay staged, for somebody else's commit
            git("reset", "--quiet", "--", *staged)
        return done


def _stage(git: Callable[..., Done], beside: Path, name: str, text: str | None) -> bool:
    """Whether git took a file of this text (None: it is gone) from the work tree `beside`."""
    if text is None:
        gone = git("rm", "--cached", "--quiet", "--ignore-unmatch", "--", name)
        return gone.returncode == 0
    path = beside / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return git("add", "--", name).returncode == 0


def _commit_as_it_stands(config: Settings, names: list[str]) -> bool:
    """Whether these files could be committed as they are on disk, in nobody's name."""
    repository = _find_repository(config)
    if not repository or _find_under_way(repository):  # to stage a conflict would end it
        return False
    why = "Edited outside the desk: " + ", ".join(names)
    return not (
        _git(config, "add", "--", *names).returncode
        or _git(config, *_commit_of(why, names), author=OUTSIDE).returncode
    )


def _commit_of(why: str, names: Iterable[str]) -> tuple[str, ...]:
    return ("commit", "--quiet", "--no-verify", "--only", "-m", why, "--", *names)


def _commit_waiting(config: Settings) -> bool:
    """Commit what waits, oldest first; whether nothing is left. Called within `alone`."""
    stuck: set[str] = set()
    for file, change in _read_waiting(config):
        if not stuck & change.files.keys() and _commit(config, change):
            file.unlink()
        else:
            stuck |= change.files.keys()
    return not stuck


def _read_waiting(config: Settings) -> list[tuple[Path, Waiting]]:
    """[(file, Waiting)], oldest first, without what can't be read."""
    read = [(file, _read_change(file)) for file in _list_files(config)]
    return [(file, change) for file, change in read if change]


def _list_unreadable(config: Settings) -> list[Path]:
    """The files of changes that wait and can't be read."""
    return [file for file in _list_files(config) if not _read_change(file) and file.exists()]


def _list_files(config: Settings) -> list[Path]:
    return sorted(_folder(config).glob("[0-9]*.json"))


def _read_change(file: Path) -> Waiting | None:
    """The Waiting that a file holds; None where it can't be read."""
    try:
        return Waiting(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _folder(config: Settings) -> Path:
    return config.path("var") / "uncommitted"


def _list_changed(config: Settings, below: str) -> list[str]:
    """The files of a folder or file below DATA, but hidden ones, that differ from the last
    commit."""
    repository = _find_repository(config)
    arguments = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--")
    if not repository:
        return []
    done = _git(config, "--no-optional-locks", *arguments, below)
    if done.returncode:
        return []
    data = config.path("data").resolve()
    names = [
        (repository.top / line[3:]).relative_to(data).as_posix()
        for line in done.stdout.split("\0")
        if line
    ]
    hidden = [name for name in names if any(part[0] == "." for part in Path(name).parts)]
    return sorted(set(names) - set(hidden)) if below == "." else names


def _below(config: Settings, path: Path) -> str:
    """A file's name below DATA."""
    return path.resolve().relative_to(config.path("data").resolve()).as_posix()


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None


def _is_kept(config: Settings) -> bool:
    """Whether there is a repository around the content, as far as can be seen without git."""
    data = config.path("data").resolve()
    return any((folder / ".git").exists() for folder in (data, *data.parents))


def _find_repository(config: Settings) -> Repository | None:
    """The Repository that holds the content; None where git sees none."""
    done = _git(config, "rev-parse", "--show-toplevel", "--absolute-git-dir", quiet=True)
    if done.returncode:
        return None
    top, folder = done.stdout.splitlines()
    return Repository(Path(top).resolve(), Path(folder))


def _git(
    config: Settings,
    *arguments: str,
    author: Author | None = None,
    folder: str | None = None,
    quiet: bool = False,
) -> Done:
    """What git did; what it refused is logged. Neither its hooks nor this machine's settings have
    a say in what is committed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    if author:
        for role in ("AUTHOR", "COMMITTER"):
            clean |= {f"GIT_{role}_NAME": author.name, f"GIT_{role}_EMAIL": author.email or ""}
    if "check-ignore" not in arguments:  # which takes none
        clean["GIT_LITERAL_PATHSPECS"] = "1"  # a name stands for no other files by its signs
    set_to = ("core.hooksPath=/dev/null", "commit.gpgSign=false", "safe.directory=*")
    command = ["git", *(word for each in set_to for word in ("-c", each)), *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder or config.path("data"),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            env={**clean, **SET},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        done = subprocess.CompletedProcess(command, 127, "", type(error).__name__)
    if done.returncode and not quiet:
        logger.error("git said of %s: %s", " ".join(arguments)[:200], done.stderr.strip()[-300:])
    return done
