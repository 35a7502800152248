"""A fault in what editors write: where it is, and what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

# The keys that lead to a value in its file, as ("sources", 3, "url") in an article: by these the
# desk finds the field in which it is mended. Of an article's section: ("questions", its id, "text",
# the line of that text). An item of a list is named by its place, from 0, or by its name.
type Field = tuple[object, ...]
type Location = tuple[str, int, Field]  # as a Fault begins
type Locate = Callable[..., Location]  # at(*keys): where the value of these keys stands in YAML


@dataclass(frozen=True)
class Fault:
    """What is wrong in a field of a file, and what to write instead.

    `text` is for everybody, and names no file and no key; `in_file` says what is written in the
    file, for who has it open. Printed as `path:line: text; in_file`; where it is in no line of a
    file (`line` None), as `text`. `field` is () where it is in no one of them."""

    path: str
    line: int | None
    field: Field
    text: str
    in_file: str = ""

    def __str__(self) -> str:
        said = f"{self.text}; {self.in_file}" if self.in_file else self.text
        return said if self.line is None else f"{self.path}:{self.line}: {said}"

    def as_dict(self) -> dict[str, Any]:
        """The fault as JSON holds it, for `from_dict`."""
        keys = [key if isinstance(key, str | int) else str(key) for key in self.field]
        return {**asdict(self), "field": keys}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Fault:
        """The fault that `as_dict` gave."""
        return cls(**{**kept, "field": tuple(kept["field"])})

    @classmethod
    def from_sentence(cls, text: str) -> Fault:
        """What is wrong in no line of a file."""
        return cls("", None, (), text)

    @property
    def file(self) -> str:
        """The name of the file, without its folders."""
        return self.path.rpartition("/")[2]


def make_locate(path: str | Path, lines: Mapping[Field, int]) -> Locate:
    """at(*keys): the Location of the value of these keys, by the lines on which keys stand; on the
    line of what holds it, where there is none."""

    def at(*keys: object) -> Location:
        wholes = (keys[:end] for end in range(len(keys), 0, -1))
        return str(path), next((lines[whole] for whole in wholes if whole in lines), 1), keys

    return at
