"""The content's files taken from one commit to another, whole or not at all, also where the process
is killed meanwhile: what was begun stands in `var/tree_change.json` until it has ended.

Whoever takes the lock of the content (bot/content/history.py) brings it to its end first."""

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from bot.content import articles
from bot.content.git_commands import Repository, find_repository, run_git
from bot.runtime.settings import Settings

NO_FILES = ("120000", "160000")  # modes of a link, and of another repository
COMMIT = re.compile(r"[0-9a-f]{40,64}")


class Failed(RuntimeError):
    """git could not go over to the other commit; everything is as it was."""


def change_tree(config: Settings, before: str, after: str) -> None:
    """Take branch, index and files from commit `before` to `after`, which follows it. A file that
    is not as `before` has it stays as it is. Raises Failed. Called with the content's lock."""
    kept = _kept(config)
    articles.save_text(kept, json.dumps({"before": before, "after": after}))
    index = ("read-tree", "-i", "-m")
    if run_git(config, *index, before, after).returncode:
        kept.unlink()
        raise Failed("the index could not be written")
    if run_git(config, "update-ref", "HEAD", after, before).returncode:
        run_git(config, *index, after, before)
        kept.unlink()
        raise Failed("the branch could not be moved")
    finish_change(config)


def finish_change(config: Settings) -> None:
    """Bring to its end what `change_tree` began: forward where the branch was moved already, else
    back. Called with the content's lock."""
    kept, found = _kept(config), read_unfinished(config)
    repository = find_repository(config) if found else None
    if not found or not repository:
        return
    before, after = found
    if run_git(config, "rev-parse", "HEAD").stdout.strip() != before:
        _change_files(config, repository, before, after)
    elif run_git(config, "read-tree", "-i", "-m", after, before).returncode:
        return  # a lock is in the way: the next one tries again
    kept.unlink()


def read_unfinished(config: Settings) -> tuple[str, str] | None:
    """(before, after) of a change that was begun and has not ended; None where there is none."""
    try:
        found = json.loads(_kept(config).read_text(encoding="utf-8"))
        before, after = found["before"], found["after"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    is_right = all(isinstance(each, str) and COMMIT.fullmatch(each) for each in (before, after))
    return (before, after) if is_right else None


def list_differing(config: Settings, before: str, after: str) -> dict[str, str]:
    """{file below the top of the repository: its mode in the second} of what differs between two
    commits or trees; the mode of one that is gone is "000000"."""
    arguments = ("diff-tree", "-r", "-z", "--no-renames", "--raw", before, after)
    words = run_git(config, *arguments).stdout.split("\0")
    return {name: row.split()[1] for row, name in zip(words[::2], words[1::2], strict=False)}


@contextlib.contextmanager
def exported(config: Settings, tree: str, names: Iterable[str] | None = None) -> Iterator[Path]:
    """A folder with the files of a commit or tree (those of `names` alone, as the repository has
    them), while the block runs. A link in it is a plain file; of a commit that isn't there, none
    are."""
    with tempfile.TemporaryDirectory() as beside:
        folder, index = Path(beside, "files"), Path(beside, "index")
        folder.mkdir()
        plain = ("-c", "core.symlinks=false")
        wanted = ("--all",) if names is None else ("--", *names)
        done = run_git(config, "read-tree", tree, index=index, quiet=True)
        repository = find_repository(config)
        if repository and not done.returncode and wanted != ("--",):
            to = ("checkout-index", "--quiet", "--force", f"--prefix={folder}/")
            top = str(repository.top)
            # a name that the tree has not is no fault here: it is gone in it
            run_git(config, *plain, *to, *wanted, index=index, folder=top, quiet=True)
        yield folder


def put_file(target: Path, source: Path) -> None:
    """Make `target` as `source`, whole or not at all; take it away where there is no `source`."""
    if not source.is_file():
        target.unlink(missing_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(source.read_bytes())
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, 0o755 if os.access(source, os.X_OK) else 0o644)
        os.replace(beside, target)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _change_files(config: Settings, repository: Repository, before: str, after: str) -> None:
    """Write what differs between two commits, but for files that are not as the first has them."""
    names = list(list_differing(config, before, after))
    with exported(config, before, names) as old, exported(config, after, names) as new:
        # what goes makes room for what comes: a folder may take the place of a file
        for name in sorted(names, key=lambda name: (new / name).is_file()):
            target = repository.top / name
            if _is_same(target, old / name):
                put_file(target, new / name)
                _remove_empty(target.parent, repository.top)


def _remove_empty(folder: Path, top: Path) -> None:
    """Take away a folder below `top` that holds nothing any more, and those around it."""
    with contextlib.suppress(OSError):
        while folder != top:
            folder.rmdir()
            folder = folder.parent


def _is_same(one: Path, other: Path) -> bool:
    """Whether two files hold the same, or neither is there."""
    there, wanted = one.is_file(), other.is_file()
    return there == wanted and (not there or one.read_bytes() == other.read_bytes())


def _kept(config: Settings) -> Path:
    return config.path("var") / "tree_change.json"
