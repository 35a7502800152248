"""The content's files as editors change them: read, saved with a commit in their name, and merged
with what others saved. Where git can't take it, saving works, and bot/content/history.py keeps
it."""

import hashlib
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.content import articles, history, phrases, sign_offs
from bot.content.git_commands import Named
from bot.domain.faults import Fault
from bot.editor.shared import article_document
from bot.runtime.settings import Settings

TABLES = (
    "terms.yml",
    "talk.yml",
    "safety.yml",
    "texts.yml",
    "stories.yml",
    "conversations.yml",
)
DRAFTS = ".drafts"
SECONDS = 20
KEPT_DAYS = 14
LARGEST = 2_000_000
OUTSIDE = (
    " It had been edited outside the desk before: that edit is in the history, too, in nobody’s "
    "name (Publish, Edited outside the desk)."
)


class NoFile(LookupError):
    """There is no such file of content."""


class Conflict(RuntimeError):
    """Somebody else changed the same lines since the editor opened the file. `text`: both versions,
    with marks between them (None where they could not be merged); `theirs`: the file as it is now.
    Nothing was saved."""

    def __init__(self, text: str | None, theirs: str) -> None:
        super().__init__("somebody else changed the same lines")
        self.text, self.theirs = text, theirs


@dataclass(frozen=True)
class Edit:
    """A file's new text, which was made of `base` (None: of the file as it is)."""

    path: Path
    text: str
    base: str | None = None


@dataclass(frozen=True)
class Saved:
    """`text` as it is in the (first) file now; `merged`: with what somebody else had saved
    meanwhile; `commit`: its hash, or None; `outside`: a sentence, where a file had been edited
    outside the desk, else ""."""

    text: str
    merged: bool
    commit: str | None
    outside: str = ""


def article_path(config: Settings, id: str) -> Path:
    """The file of an article, whether or not it is there; raises NoFile for what can't name one."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,79}", id or ""):
        raise NoFile(id)
    return _inside(config, config.path("data") / "articles" / f"{id}.md")


def ledger_path(config: Settings, id: str, draft: bool = False) -> Path:
    """The file that holds the evidence of an article, or of the draft of one, whether or not it is
    there; raises NoFile."""
    article_path(config, id)
    folder = config.path("data") / (DRAFTS if draft else "evidence")
    return _inside(config, folder / f"{id}.yml")


def phrases_path(config: Settings, id: str, draft: bool = False) -> Path:
    """The file of the phrases of an article, or of the draft of one, whether or not it is there;
    raises NoFile."""
    article_path(config, id)
    data = config.path("data")
    path = data / DRAFTS / f"{id}.phrases.yml" if draft else phrases.path_of(data, id)
    return _inside(config, path)


def reviews_path(config: Settings, id: str) -> Path:
    """The file of an article's sign-offs, whether or not it is there; raises NoFile."""
    article_path(config, id)
    return _inside(config, sign_offs.path_of(config.path("data"), id))


def draft_path(config: Settings, id: str) -> Path:
    """The file of a draft of a whole article: beside the articles, where no release takes it
    from."""
    article_path(config, id)
    return _inside(config, config.path("data") / DRAFTS / f"{id}.md")


def notes_path(config: Settings, id: str) -> Path:
    """The file that says, a line each, what the editor of a draft must see to."""
    return draft_path(config, id).with_suffix(".txt")


def table_path(config: Settings, name: str) -> Path:
    """The file of a table: one of TABLES; raises NoFile."""
    if name not in TABLES:
        raise NoFile(name)
    return _inside(config, config.path("data") / name)


def read_file(path: Path) -> str:
    """The text of a file; "" where there is none yet. Raises article_document.Unreadable for what
    is no
    text."""
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else ""
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        said = "this is not UTF-8 text; save the file as UTF-8"
        raise article_document.Unreadable([Fault(str(path), line, (), said)]) from None


def text_revision(text: str) -> str:
    """What names a text's version: 12 hex digits of its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def save_file(
    config: Settings,
    path: Path,
    text: str,
    person: Named,
    why: str,
    base: str | None = None,
    check: Callable[[str], Sequence[Fault]] = lambda text: [],
) -> Saved:
    """Save one file as `save_files` does; `check(text)` lists the faults that forbid it."""
    return save_files(
        config, [Edit(path, text, base)], person, why, lambda texts: check(texts[path])
    )


def save_files(
    config: Settings,
    edits: Sequence[Edit],
    person: Named,
    why: str,
    check: Callable[[Mapping[Path, str]], Sequence[Fault]] = lambda texts: [],
) -> Saved:
    """Save what `person` made of files, whole or not at all, with one commit in that name; what
    others saved meanwhile is kept.

    `check(texts)` lists the faults that forbid it. Raises articles.ContentError with them, and
    Conflict; nothing is saved then."""
    wanted = {edit.path: _fit(edit.path, edit.text) for edit in edits}
    with history.one_at_a_time(config):
        merged = False
        now = {edit.path: read_file(edit.path) for edit in edits}
        for edit in edits:
            mine, theirs = wanted[edit.path], now[edit.path]
            if edit.base not in (None, theirs) and mine != theirs:
                wanted[edit.path] = merge_texts(mine, edit.base or "", theirs)
                merged = True
        faults = check(wanted)
        if faults:
            raise articles.ContentError(faults)
        changed = {path: text for path, text in wanted.items() if text != now[path]}
        outside = [path for path in changed if history.record_outside(config, path)]
        commit = _write(config, changed, person, why) if changed else None
        return Saved(next(iter(wanted.values())), merged, commit, OUTSIDE if outside else "")


def create_files(config: Settings, files: Mapping[Path, str], person: Named, why: str) -> bool:
    """Save new files as `save_files` does; whether there was none of these names yet, and they're
    saved."""
    wanted = {path: _fit(path, text) for path, text in files.items()}
    with history.one_at_a_time(config):
        if any(path.exists() for path in wanted):
            return False
        _write(config, wanted, person, why)
    return True


def _fit(path: Path, text: str) -> str:
    """The text as our files have it; raises articles.ContentError where it's too large."""
    text = tidy_text(text)
    if len(text) > LARGEST:
        said = f"it would be larger than {LARGEST // 1_000_000} MB; leave something out"
        raise articles.ContentError([Fault(str(path), 1, (), said)])
    return text


def _write(config: Settings, files: Mapping[Path, str], person: Named, why: str) -> str | None:
    """Write files and put them into the history; the commit's hash, or None. Where one can't be
    written, those before it are as they were."""
    written: dict[Path, str | None] = {}
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            before = read_file(path) if path.is_file() else None
            articles.save_text(path, text)
            written[path] = before
    except OSError:
        for path, before in written.items():
            path.unlink() if before is None else articles.save_text(path, before)
        raise
    return history.record_change(config, files, person, why)


def keep_opened(config: Settings, text: str) -> str:
    """Keep a text that an editor opens, so that what is saved can be merged with it; its
    revision."""
    folder, name = config.path("var") / "opened", text_revision(text)
    folder.mkdir(parents=True, exist_ok=True)
    old = time.time() - KEPT_DAYS * 24 * 3600
    for path in folder.iterdir():
        if path.stat().st_mtime < old:
            path.unlink(missing_ok=True)
    articles.save_text(folder / name, text)
    return name


def read_kept(config: Settings, name: str) -> str | None:
    """The text that was kept under a revision; None where it isn't any more."""
    path = config.path("var") / "opened" / name
    return (
        path.read_text(encoding="utf-8")
        if re.fullmatch(r"[0-9a-f]{12}", name) and path.is_file()
        else None
    )


def read_opened(config: Settings, path: Path, name: str) -> str | None:
    """The text of a file as an editor opened it, by its revision: as it still is, as it was kept,
    or out of its history; None where it is nowhere any more."""
    now = read_file(path)
    if text_revision(now) == name:
        return now
    text = read_kept(config, name)
    if text is not None:
        return text
    return next(
        (
            old
            for change in history.read_changes(config, path)
            if text_revision(old := history.read_revision(config, path, change.commit)) == name
        ),
        None,
    )


def remove_files(config: Settings, paths: Iterable[Path], person: Named, why: str) -> None:
    """Take files away, with one commit in the person's name; one that isn't there is none."""
    with history.one_at_a_time(config):
        there = list(filter(Path.is_file, paths))
        for path in there:
            history.record_outside(config, path)
        for path in there:
            path.unlink(missing_ok=True)
        if there:
            history.record_change(config, dict.fromkeys(there), person, why)


def tidy_text(text: str) -> str:
    """A text from a form as our files have it: line ends and the last line."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip() + "\n"


def merge_texts(mine: str, base: str, theirs: str) -> str:
    """The text with both changes in it; raises Conflict where they touch the same lines."""
    if not shutil.which("git"):
        raise Conflict(None, theirs)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("mine", mine), ("base", base), ("theirs", theirs)):
            Path(folder, name).write_text(text, encoding="utf-8")
        done = subprocess.run(
            [
                "git",
                "merge-file",
                "-p",
                "-L",
                "your version",
                "-L",
                "before",
                "-L",
                "the other editor's version",
                "mine",
                "base",
                "theirs",
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    if done.returncode:
        raise Conflict(done.stdout if 0 < done.returncode < 128 else None, theirs)
    return done.stdout


def _inside(config: Settings, path: Path) -> Path:
    """`path`, or NoFile where a link leads it out of the content folder."""
    if not path.resolve().is_relative_to(config.path("data").resolve()):
        raise NoFile(path.name)
    return path
