"""Hashes of the code and of what it reads, for whatever was found out with it and is kept: as long
as the hash is the same, it still holds.

No list of files is kept by hand: what counts is either whole folders, or all that a program
imports. Each hash is computed once a process (0.1 s, 2026-11-29)."""

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from bot.runtime import settings

ROOT = settings.ROOT
# data: the code reads data/masking.yml from here, wherever a site's own content is
FOLDERS = ("actions", "bot", "data", "requirements")
PACKAGES = ROOT / "requirements" / "app.txt"  # the version of every package that serves


@functools.cache
def hash_project() -> str:
    """A hash of all that may alter an answer and is in no release: our code, the lists that it
    reads, the versions of its packages, and how Rasa is configured."""
    files = [path for folder in FOLDERS for path in _files_in(ROOT / folder)]
    return hash_files([*files, *ROOT.glob("*.yml")], ROOT)


@functools.cache
def hash_programs(*modules: str) -> str:
    """A hash of the code that these modules of ours (of a package: all of its modules) import,
    directly or through others, and of the versions of the packages that serve."""
    found: set[Path] = set()
    waiting = [path for module in modules for path in _files_of(module)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += [file for name in _imports_of(path) if (file := _file_of(name))]
    return hash_files([*found, PACKAGES], ROOT)


def hash_files(paths: Iterable[Path], root: Path) -> str:
    """A hash of the files' content and of their names within `root`; their order doesn't count."""
    total = hashlib.sha256()
    for path in sorted(set(paths)):
        name = path.relative_to(root).as_posix().encode()
        total.update(name + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def _files_in(folder: Path) -> Iterator[Path]:
    """All files below a folder, but for hidden ones and what Python made of them."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part[0] == "." or part == "__pycache__" for part in parts):
            yield path


def _files_of(module: str) -> list[Path]:
    folder = ROOT / module.replace(".", "/")
    return [*folder.rglob("*.py")] if folder.is_dir() else [folder.with_suffix(".py")]


def _file_of(name: str) -> Path | None:
    """The file of a module of ours, None for any other name."""
    path = ROOT / name.replace(".", "/")
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def _imports_of(path: Path) -> Iterator[str]:
    """Whatever a file imports, wherever in it, with the packages that it lies in."""
    for node in _statements(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every statement below a node; a quarter of the time of ast.walk, which reads expressions,
    too."""
    for block in ("body", "orelse", "finalbody", "handlers", "cases"):
        for statement in getattr(node, block, ()):
            yield statement
            yield from _statements(statement)
