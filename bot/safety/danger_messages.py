"""The messages that the net is taught with: `danger/<kind>.yml`, one file a kind, which editors
read and add to, and ordinary.yml; docs/safety.md explains their notation."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.domain.faults import Fault

SIDES = {"dangers": True, "lookalikes": False}
ORDINARY = "ordinary"  # the file of messages that lean on no kind of danger


@dataclass(frozen=True)
class Message:
    """A message as somebody wrote it: whether it tells of a danger, of which kind ("": an ordinary
    one, of none), and in which round (`by`) it was written."""

    text: str
    danger: bool
    kind: str
    by: str


def read_danger_messages(folder: Path, kinds: Collection[str]) -> tuple[list[Message], list[Fault]]:
    """The messages in `folder`/danger, and every fault; `kinds` are those that safety.yml lists.

    A folder without messages is none: a site may do without a net."""
    found: list[Message] = []
    faults: list[Fault] = []
    first: dict[str, tuple[Path, int, Message]] = {}
    for path in sorted((Path(folder) / "danger").glob("*.yml")):
        if path.stem not in (*kinds, ORDINARY):
            said = (
                f"'{path.stem}' is no kind of danger; name the file after one of "
                f"{', '.join(kinds)}, or add the kind to 'kinds' in safety.yml"
            )
            faults.append(Fault(str(path), 1, (), said))
            continue
        entries, wrong = _read_file(path)
        faults += wrong
        for line, message in entries:
            if path.stem == ORDINARY and message.danger:
                said = (
                    f"'{message.text[:60]}' is a danger among ordinary messages; put it into the "
                    f"file of its kind"
                )
                faults.append(Fault(str(path), line, (), said))
            before = first.setdefault(_plain(message.text), (path, line, message))
            if before[2] is message:
                found.append(message)
            else:
                faults.append(Fault(str(path), line, (), _say_doubled(message, *before)))
    return found, faults


def _say_doubled(message: Message, other_path: Path, other_line: int, other: Message) -> str:
    here, there = f"'{message.text[:60]}'", f"{other_path.name}:{other_line}"
    if message.danger != other.danger:
        return (
            f"{here} is a danger and a look-alike ({there}); decide what it is, and take the other "
            f"out"
        )
    return f"{here} stands at {there} already; take one of them out"


def _plain(text: str) -> str:
    """What makes two messages the same: their words."""
    return " ".join(re.findall(r"\w+", text.casefold())) or text.strip()


def _read_file(path: Path) -> tuple[list[tuple[int, Message]], list[Fault]]:
    """([(line, Message)], faults) of one file."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return [], [Fault(str(path), 1, (), f"can't be read ({error}); save it as UTF-8 text")]
    entries, faults = _parse(text, "" if path.stem == ORDINARY else path.stem)
    return list(entries), [Fault(str(path), line, (), said) for line, said in faults]


@functools.lru_cache(maxsize=64)  # editors' pages check all content at every change of one file
def _parse(
    text: str, kind: str
) -> tuple[tuple[tuple[int, Message], ...], tuple[tuple[int, str], ...]]:
    try:
        node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it can't be read"
        return (), (
            (
                mark.line + 1 if mark else 1,
                f"not YAML ({problem}); put the message in quotes, and check the indentation",
            ),
        )
    if node is None:
        return (), ()
    if not isinstance(node, yaml.SequenceNode):
        return (), ((1, "must hold groups; begin each with '- by: who wrote it'"),)
    found: list[tuple[int, Message]] = []
    faults: list[tuple[int, str]] = []
    for group in node.value:
        entries, wrong = _read_group(group, kind)
        found += entries
        faults += wrong
    return tuple(found), tuple(faults)


def _read_group(
    group: yaml.Node, kind: str
) -> tuple[list[tuple[int, Message]], list[tuple[int, str]]]:
    line = group.start_mark.line + 1
    if not isinstance(group, yaml.MappingNode):
        return [], [(line, "is no group; begin it with '- by: who wrote it'")]
    parts = {key.value: (key, value) for key, value in group.value}
    by = parts.pop("by", None)
    if by is None or not isinstance(by[1], yaml.ScalarNode) or not by[1].value.strip():
        return [], [(line, "the group doesn't say who wrote it; begin it with 'by: round-43'")]
    found: list[tuple[int, Message]] = []
    faults: list[tuple[int, str]] = []
    for name, (key, value) in parts.items():
        if name not in SIDES or not isinstance(value, yaml.SequenceNode):
            faults.append(
                (
                    key.start_mark.line + 1,
                    f"'{name}' is not understood; write 'dangers:' or 'lookalikes:' and below it "
                    f"one '- message' a line",
                )
            )
            continue
        for item in value.value:
            at = item.start_mark.line + 1
            if not isinstance(item, yaml.ScalarNode) or not item.value.strip():
                faults.append((at, "is no message; write one in quotes"))
            else:
                found.append((at, Message(item.value, SIDES[name], kind, by[1].value)))
    return found, faults
