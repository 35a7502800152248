"""Kinds of reply have one list, bot/domain/reply_kinds.py, from which whatever knows them takes
them."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.domain.reply_kinds import ReplyKind

ROOT = Path(__file__).resolve().parents[2]
REGISTRY = "bot/domain/reply_kinds.py"
KINDS = {kind.value for kind in ReplyKind}
FILES = sorted(
    path
    for folder in ("bot", "actions", "benchmarks")
    for path in ROOT.glob(f"{folder}/**/*.py")
    if str(path.relative_to(ROOT)) != REGISTRY
)
# lists of other things, some of which have the name of a kind
OTHERS = {
    "bot/content/replies.py": "TEXTS",  # names of texts
    "bot/content/fixed_texts.py": "PLACES FILLED",  # the same
    "bot/safety/languages.py": "TEXTS PARTS",
    "bot/safety/emergency_lines.py": "",  # kinds of telephone lines
    "bot/safety/danger_screen.py": "WARNED",  # the same
}
# printed by a copy of the code in which there is one more kind
TELL = """
import json, pathlib
from bot.content import reply_model
from bot.editor.insights import conversation_pages, number_pages
from bot.editor.publishing import publish_pages
from bot.editor.shared import content_cache
from bot.editor.trial import explanation
from bot.conversation import metrics
from bot.domain.reply_kinds import DANGERS, REPEATABLE, ReplyKind, WITHOUT_ANSWER
metrics.count_turn("web", {"kind": ReplyKind("handed_over")}, None, {})
counted = metrics.TURNS.labels("web", "handed_over")._value.get()
reply = reply_model.Reply(id="1", kind="handed_over", text="A person will answer you.")
print(json.dumps({
    "reply": reply.model_dump()["kind"],
    "counted": counted,
    "plotted as": [group for group, kinds in number_pages.GROUPS.items() if "handed_over" in kinds],
    "column": publish_pages.OUTCOMES["handed_over"],
    "title": content_cache.OUTCOMES["handed_over"],
    "explained": explanation._end({"kind": "handed_over"}),
    "said in a story": "handed_over" in REPEATABLE and "handed_over" in conversation_pages.KNOWN,
    "with whom to call": "handed_over" in WITHOUT_ANSWER,
}))
"""
# what stands in the registry, and what takes its place there
NEW = {
    '    EMERGENCY = "emergency"\n': """    HANDED_OVER = "handed_over"
    EMERGENCY = "emergency"
""",
    "    ReplyKind.TALK: ": """    ReplyKind.HANDED_OVER: About(
        Group.DECLINED, "handed to a person", "handed over", "a person answers it"
    ),
    ReplyKind.TALK: """,
}


def constants_of(node):
    """The strings that a list, tuple, set or the keys of a dict are written out of."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return {each.value for each in node.elts if isinstance(each, ast.Constant)}
    if isinstance(node, ast.Dict):
        return {each.value for each in node.keys if isinstance(each, ast.Constant)}
    return set()


def hand_kept(path):
    """(line, kinds) of each list of kinds in a file that is written by hand."""
    tree = ast.parse(path.read_text())
    others = OTHERS.get(str(path.relative_to(ROOT)))
    for statement in tree.body:
        names = {name.id for name in ast.walk(statement) if isinstance(name, ast.Name)}
        if others == "" or others and names & set(others.split()):
            continue
        for node in ast.walk(statement):
            kinds = {value for value in constants_of(node) if value in KINDS}
            if len(kinds) > 1:
                yield node.lineno, sorted(kinds)


def literal_kinds(path):
    """(line, kind) of each string in place of a ReplyKind: as a reply's kind, or beside one."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "kind":
                    yield from of_constant(value)
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(ast.unparse(side).endswith(("['kind']", "outcome")) for side in sides):
                for side in sides:
                    yield from of_constant(side)


def of_constant(node):
    if isinstance(node, ast.Constant) and node.value in KINDS:
        yield node.lineno, node.value


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_but_the_registry_lists_kinds_or_spells_one(path):
    assert not [*hand_kept(path), *literal_kinds(path)], f"take them from {REGISTRY}"


def test_a_new_kind_is_known_everywhere_by_its_entry_in_the_registry(tmp_path):
    for folder in ("bot", "actions"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    registry = tmp_path / REGISTRY
    text = registry.read_text()
    for old, new in NEW.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    registry.write_text(text)
    told = subprocess.run(
        [sys.executable, "-c", TELL],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == {
        "reply": "handed_over",
        "counted": 1.0,
        "plotted as": ["declined"],
        "column": "handed over",
        "title": "handed to a person",
        "explained": "a person answers it",
        "said in a story": True,
        "with whom to call": True,
    }
