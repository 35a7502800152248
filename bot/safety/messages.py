"""The messages that the net is taught with: `danger/<kind>.yml`, one file a kind, which editors
read and add to, and ordinary.yml; docs/safety.md explains their notation."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

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


def read(folder: Path, kinds) -> tuple[list[Message], list[str]]:
    """The messages in `folder`/danger, and every fault as `path:line: what is wrong and what to
    do`; `kinds` are those that safety.yml lists.

    A folder without messages is none: a site may do without a net."""
    found, faults, first = [], [], {}
    for path in sorted((Path(folder) / "danger").glob("*.yml")):
        if path.stem not in (*kinds, ORDINARY):
            faults.append(
                f"{path}:1: '{path.stem}' is no kind of danger; name the file after one of "
                f"{', '.join(kinds)}, or add the kind to 'kinds' in safety.yml"
            )
            continue
        entries, wrong = _read_file(path)
        faults += wrong
        for line, message in entries:
            if path.stem == ORDINARY and message.danger:
                faults.append(
                    f"{path}:{line}: '{message.text[:60]}' is a danger among ordinary messages; "
                    f"put it into the file of its kind"
                )
            before = first.setdefault(_plain(message.text), (path, line, message))
            if before[2] is message:
                found.append(message)
            else:
                faults.append(_say_doubled(path, line, message, *before))
    return found, faults


def _say_doubled(path, line, message, other_path, other_line, other):
    here, there = f"{path}:{line}: '{message.text[:60]}'", f"{other_path.name}:{other_line}"
    if message.danger != other.danger:
        return (
            f"{here} is a danger and a look-alike ({there}); decide what it is, and take the other "
            f"out"
        )
    return f"{here} stands at {there} already; take one of them out"


def _plain(text):
    """What makes two messages the same: their words."""
    return " ".join(re.findall(r"\w+", text.casefold())) or text.strip()


def _read_file(path):
    """([(line, Message)], faults) of one file."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return [], [f"{path}:1: can't be read ({error}); save it as UTF-8 text"]
    entries, faults = _parse(text, "" if path.stem == ORDINARY else path.stem)
    return list(entries), [f"{path}:{line}: {fault}" for line, fault in faults]


@functools.lru_cache(maxsize=64)  # editors' pages check all content at every change of one file
def _parse(text, kind):
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
    found, faults = [], []
    for group in node.value:
        entries, wrong = _read_group(group, kind)
        found += entries
        faults += wrong
    return tuple(found), tuple(faults)


def _read_group(group, kind):
    line = group.start_mark.line + 1
    if not isinstance(group, yaml.MappingNode):
        return [], [(line, "is no group; begin it with '- by: who wrote it'")]
    parts = {key.value: (key, value) for key, value in group.value}
    by = parts.pop("by", None)
    if by is None or not isinstance(by[1], yaml.ScalarNode) or not by[1].value.strip():
        return [], [(line, "the group doesn't say who wrote it; begin it with 'by: round-43'")]
    found, faults = [], []
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
