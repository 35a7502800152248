"""A fault in a file that editors write: where it is, and what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

type Location = tuple[str, int]  # a file's path and a line of it, as a Fault begins
type Locate = Callable[..., Location]  # at(*keys): where the value of these keys stands in YAML


@dataclass(frozen=True)
class Fault:
    """What is wrong in a line of a file, and what to write instead.

    Printed as `path:line: text`; where it is in no line of a file (`line` None), as `text`."""

    path: str
    line: int | None
    text: str

    def __str__(self) -> str:
        return self.text if self.line is None else f"{self.path}:{self.line}: {self.text}"

    @classmethod
    def from_sentence(cls, text: str) -> Fault:
        """What is wrong in no line of a file."""
        return cls("", None, text)

    @property
    def file(self) -> str:
        """The name of the file, without its folders."""
        return self.path.rpartition("/")[2]
