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
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.content import articles, tree_change, wording
from bot.content.git_commands import Author, Done, Named, Repository, find_repository, run_git
from bot.runtime.settings import Settings

logger = logging.getLogger(__name__)
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
CRUD = " .,:;<>\"\\'\t\r\n\0"  # what git takes off the ends of a name


class NoCommit(LookupError):
    """There is no such commit in this history."""


class Stuck(RuntimeError):
    """Something is in no commit, and git can't take it; the message says why, and what to do."""


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


DESK = "desk@localhost"  # the address of an account that has none
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
UNSETTLED = (
    "{files} edited outside the desk, and nobody has said whose edit it is. Say it on the page "
    "“Edited outside the desk”, or put it back there; then try again."
)
DETACHED = (
    "The content's repository is on no branch: what is saved is committed, but those commits are "
    "lost once somebody changes to a branch. Ask who runs this site to run `git switch`."
)


@contextlib.contextmanager
def one_at_a_time(config: Settings) -> Iterator[None]:
    """One change of content at a time, whichever process makes it; one that was killed in the
    middle of what it fetched has ended before."""
    folder = config.path("var")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "content.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tree_change.finish_change(config)
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
    who = clean_author(author)
    change = Waiting(named, who.name, who.email or DESK, why or "Changed")
    if _read_waiting(config) or not _commit(config, change):
        folder = _folder(config)
        folder.mkdir(parents=True, exist_ok=True)
        articles.save_text(folder / f"{time.time_ns():020}.json", json.dumps(asdict(change)))
        if not _commit_waiting(config):
            return None
    return run_git(config, "rev-parse", "HEAD").stdout.strip()


def clean_author(author: Named) -> Author:
    """The author as git takes one."""
    name, email = (
        re.sub(r"[<>\n\r\0]", "", said).strip(CRUD) for said in (author.name, author.email or DESK)
    )
    return Author(name or "an editor", email or DESK)


def record_outside(config: Settings, path: Path) -> bool:
    """Commit, before an editor changes a file, what was changed in it outside the desk; whether
    anything was. Called within `one_at_a_time`."""
    if not path.is_file() or not _is_kept(config):
        return False
    name = _below(config, path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:  # no text that could be kept
        if _commit_waiting(config):
            _commit_as_it_stands(config, [name])
        return True
    known = [change.files[name] for _, change in _read_waiting(config) if name in change.files]
    is_outside = text != known[-1] if known else bool(_list_changed(config, name))
    if is_outside:
        record_change(config, {path: text}, OUTSIDE, f"Edited outside the desk: {name}")
    return is_outside


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
    edited outside the desk. Called within `one_at_a_time`.

    Raises Stuck where git can't take it; without git or a repository there is nothing to do."""
    if not shutil.which("git") or not _is_kept(config):
        return []
    _commit_waiting(config)
    names = list_outside(config)
    done = not _read_waiting(config) and (not names or _commit_as_it_stands(config, names))
    if not done or not find_repository(config):
        raise Stuck(_find_trouble(config, has_failed=True) or READ_ONLY)
    return names


def commit_saved(config: Settings) -> None:
    """Commit what was saved at the desk and waits for it; raises Stuck. Called within
    `one_at_a_time`."""
    if not _commit_waiting(config):
        raise Stuck(_find_trouble(config, has_failed=True) or READ_ONLY)


def commit_as(config: Settings, names: Sequence[str], author: Named, why: str, by: Named) -> None:
    """Commit files that were edited outside the desk, as they stand, in the name of whom it was;
    `by`: who says so. Raises Stuck. Called within `one_at_a_time`."""
    commit_saved(config)
    who, says = clean_author(author), clean_author(by)
    if not _commit_as_it_stands(config, names, who, why, says):
        raise Stuck(_find_trouble(config, has_failed=True) or READ_ONLY)


def find_unsettled(config: Settings) -> str | None:
    """Why no other commit can take the place of this one now, as a sentence; None where nothing is
    in its way. Called within `one_at_a_time`."""
    if trouble := _find_trouble(config, has_failed=True):
        return trouble
    if not _commit_waiting(config):
        return READ_ONLY
    names = list_outside(config)
    counted = wording.counted(len(names), "file was", "files were")
    return UNSETTLED.format(files=counted) if names else None


def find_trouble(config: Settings) -> str | None:
    """What keeps changes from the history, and what to do, in words for editors; None where all is
    well. What waits is committed where it can be now."""
    if _read_waiting(config) or tree_change.read_unfinished(config):
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
    return read_log(config, f"-{most}", "--", *map(str, paths))


def read_log(config: Settings, *chosen: str) -> list[Change]:
    """The Changes that `git log` lists for these arguments, newest first; [] where it can't."""
    done = run_git(config, "log", "--format=%H%x1f%at%x1f%an%x1f%s", *chosen, quiet=True)
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
    repository = find_repository(config)
    if (
        not repository
        or run_git(config, "cat-file", "-e", f"{commit}^{{commit}}", quiet=True).returncode
    ):
        raise NoCommit(commit)
    name = path.resolve().relative_to(repository.top).as_posix()
    done = run_git(config, "show", f"{commit}:{name}", quiet=True)
    return done.stdout if done.returncode == 0 else ""


def _find_trouble(config: Settings, has_failed: bool = False) -> str | None:
    """What is wrong with git or the repository as they are now, in words, or None. `has_failed`: a
    commit just has, so that a young lock is in its way, too."""
    if not shutil.which("git"):
        return NO_GIT
    repository = find_repository(config)
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
    if run_git(config, "symbolic-ref", "-q", "HEAD", quiet=True).returncode:
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
    done = run_git(config, "check-ignore", "--", *(f"./{n}" for n in names), quiet=True)
    return [name.removeprefix("./") for name in done.stdout.splitlines()]


def _is_ignored(config: Settings, name: str) -> bool:
    return not run_git(config, "check-ignore", "-q", "--", f"./{name}", quiet=True).returncode


def _commit(config: Settings, change: Waiting) -> bool:
    """Whether a change is in the history: committed as it was saved, whatever stands on disk
    now."""
    repository = find_repository(config)
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
            return run_git(config, *where, *arguments, author=author, folder=beside, quiet=quiet)

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


def _commit_as_it_stands(
    config: Settings,
    names: Sequence[str],
    author: Author = OUTSIDE,
    why: str = "",
    by: Author | None = None,
) -> bool:
    """Whether these files could be committed as they are on disk: in nobody's name, or in that of
    `author`, by whoever says so."""
    repository = find_repository(config)
    if not repository or _find_under_way(repository):  # to stage a conflict would end it
        return False
    why = why or "Edited outside the desk: " + ", ".join(names)
    return not (
        run_git(config, "add", "--", *names).returncode
        or run_git(config, *_commit_of(why, names), author=author, committer=by).returncode
    )


def _commit_of(why: str, names: Iterable[str]) -> tuple[str, ...]:
    return ("commit", "--quiet", "--no-verify", "--only", "-m", why, "--", *names)


def _commit_waiting(config: Settings) -> bool:
    """Commit what waits, oldest first; whether nothing is left. Called within `one_at_a_time`."""
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
    repository = find_repository(config)
    arguments = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--")
    if not repository:
        return []
    done = run_git(config, "--no-optional-locks", *arguments, below)
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
