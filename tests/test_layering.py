"""Who may import whom; docs/design.md draws it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# a part of the project: the parts that it may import
MAY_IMPORT = {
    "bot.settings": {"bot.countries"},
    "bot.countries": set(),
    "bot.wording": set(),
    "bot.encoder": set(),
    "bot.safety": {"bot.countries", "bot.encoder"},
    "bot.replies": {"bot.evidence"},
    "bot.personal": set(),
    "bot.sections": set(),
    "bot.names": set(),
    "bot.logs": set(),
    "bot.parent": set(),
    "bot.spelling": set(),
    "bot.masking": {"bot.names"},
    "bot.reply_model": set(),
    "bot.trial": {"bot.replies", "bot.reply_model"},
    "bot.articles": {"bot.reply_model", "bot.wording"},
    "bot.history": {"bot.articles"},
    "bot.terms": {"bot.articles"},
    "bot.evidence": {"bot.articles"},
    "bot.evidence_report": {"bot.evidence", "bot.wording"},
    "bot.links": {"bot.articles"},
    "bot.asked": {"bot.articles"},
    "bot.content": {
        "bot.articles",
        "bot.asked",
        "bot.evidence",
        "bot.replies",
        "bot.safety",
        "bot.terms",
        "bot.trial",
        "bot.wording",
    },
    "bot.stories": {"bot.articles", "bot.content", "bot.replies"},
    "bot.store": {"bot.settings", "bot.store"},
    "bot.compare": {"bot.content", "bot.release", "bot.settings", "bot.store"},
    "bot.publishing": {
        "bot.articles",
        "bot.compare",
        "bot.history",
        "bot.release",
        "bot.settings",
        "bot.store",
    },
    "bot.depot": set(),
    "bot.release": {
        "bot.articles",
        "bot.content",
        "bot.depot",
        "bot.history",
        "bot.safety",
        "bot.store",
        "bot.settings",
        "bot.trial",
    },
    "bot.rasa": {
        "bot.articles",
        "bot.content",
        "bot.encoder",
        "bot.logs",
        "bot.parent",
        "bot.safety",
        "bot.spelling",
        "bot.terms",
        "bot.rasa",
    },
    "actions": {
        "bot.content",
        "bot.personal",
        "bot.release",
        "bot.replies",
        "bot.sections",
        "bot.settings",
    },
    "bot.gateway": {
        "bot.articles",
        "bot.content",
        "bot.countries",
        "bot.encoder",
        "bot.gateway",
        "bot.gateway.channels",
        "bot.links",
        "bot.logs",
        "bot.masking",
        "bot.publishing",
        "bot.release",
        "bot.replies",
        "bot.reply_model",
        "bot.safety",
        "bot.settings",
        "bot.store",
        "bot.stories",
    },
    "bot.editor": {
        "bot.articles",
        "bot.compare",
        "bot.content",
        "bot.editor",
        "bot.encoder",
        "bot.evidence",
        "bot.gateway.channels",
        "bot.history",
        "bot.links",
        "bot.masking",
        "bot.publishing",
        "bot.release",
        "bot.replies",
        "bot.safety",
        "bot.settings",
        "bot.store",
        "bot.stories",
        "bot.terms",
        "bot.wording",
    },
    "bot.gateway.channels": {
        "bot.countries",
        "bot.gateway",
        "bot.logs",
        "bot.replies",
        "bot.safety",
        "bot.settings",
        "bot.store",
    },
    "bot.console": {"bot.settings"},
    "bot.backup": {"bot.release"},
    "bot.doctor": {
        "bot.encoder",
        "bot.rasa",
        "bot.release",
        "bot.safety",
        "bot.settings",
        "bot.store",
    },
    "bot.__main__": {
        "bot.articles",
        "bot.backup",
        "bot.evidence",
        "bot.evidence_report",
        "bot.links",
        "bot.compare",
        "bot.console",
        "bot.content",
        "bot.doctor",
        "bot.editor",
        "bot.encoder",
        "bot.gateway",
        "bot.gateway.channels",
        "bot.history",
        "bot.publishing",
        "bot.release",
        "bot.settings",
        "bot.store",
        "bot.wording",
    },
}
CORE = (
    "bot.articles",
    "bot.content",
    "bot.countries",
    "bot.encoder",
    "bot.evidence",
    "bot.logs",
    "bot.parent",
    "bot.rasa.compatibility",
    "bot.replies",
    "bot.safety",
    "bot.spelling",
    "bot.terms",
    "bot.wording",
)
FILES = sorted([*ROOT.glob("bot/**/*.py"), *ROOT.glob("actions/*.py")])


def part_of(module):
    """The part of MAY_IMPORT to which a module belongs, or None."""
    return max(
        (part for part in MAY_IMPORT if module == part or module.startswith(part + ".")),
        key=len,
        default=None,
    )


def imports_of(path):
    """The modules that a file names in its imports, wherever they stand."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_what_its_part_may(path):
    module = str(path.relative_to(ROOT).with_suffix("")).replace("/", ".").removesuffix(".__init__")
    if module == "bot":
        return
    part = part_of(module)
    assert part, f"{module} belongs to no part: say in MAY_IMPORT what it may import"
    wrong = {part_of(name) for name in imports_of(path)} - {None, part} - MAY_IMPORT[part]
    assert not wrong, f"{module} imports {wrong}"


@pytest.mark.parametrize(
    "path",
    [p for p in FILES if "rasa" not in p.parts],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_only_its_own_folder_imports_rasa(path):
    assert not [name for name in imports_of(path) if name.split(".")[0] == "rasa"]


def test_the_core_imports_alone_and_does_no_work():
    code = f"import {', '.join(CORE)}, sys; print('spacy' in sys.modules, 'onnxruntime' in sys.modules, 'rasa' in sys.modules)"  # noqa: E501
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False", "False", "False"]


def test_the_command_line_starts_without_loading_the_gateway():
    code = "import bot.__main__, sys; print('fastapi' in sys.modules, 'spacy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]
