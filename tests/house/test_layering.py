"""Which room may import which; docs/design.md draws it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# A room imports its own modules and rooms of the floors above it, so there is no circle.
FLOORS = [
    {"bot.domain"},
    {"bot.runtime", "bot.language", "bot.privacy", "bot.store"},
    {"bot.safety"},
    {"bot.content"},
    {"bot.rasa", "bot.releases"},
    {"actions", "bot.conversation", "bot.operations"},
    {"bot.channels"},
    {"bot.web"},
    {"bot.editor.shared"},
    {"bot.editor.access", "bot.editor.importing", "bot.editor.stories", "bot.editor.trial"},
    {"bot.editor.articles", "bot.editor.insights", "bot.editor.tables"},
    {"bot.editor.versions"},
    {"bot.editor.publishing", "bot.editor.review"},
    {"bot.editor.app"},
    {"bot.cli"},
    {"bot.__main__"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# beside that: visitors' pages, the desk and Rasa's process don't know each other
APART = {
    "bot.editor": ("bot.web", "bot.conversation", "bot.rasa", "actions"),
    "bot.web": ("bot.rasa", "actions"),
    "bot.conversation": ("bot.rasa", "actions"),
    "actions": ("bot.rasa", "bot.store"),
}
CORE = "domain runtime language privacy store safety content releases conversation".split()
SERVERS = {"fastapi", "starlette", "uvicorn", "sanic", "jinja2"}
FILES = sorted([*ROOT.glob("bot/**/*.py"), *ROOT.glob("actions/**/*.py")])


def name_of(path):
    """The dotted name of a module or package."""
    return str(path.relative_to(ROOT).with_suffix("")).replace("/", ".").removesuffix(".__init__")


def room_of(module):
    """The room of a module, or None for what is not ours."""
    inside = (room for room in FLOOR if module == room or module.startswith(f"{room}."))
    return max(inside, key=len, default=None)


def imports_of(path):
    """The modules that a file names in its imports, wherever they stand."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_room_imports_only_rooms_of_the_floors_above(path):
    module = name_of(path)
    if module in ("bot", "bot.editor"):
        return
    room = room_of(module)
    assert room, f"{module} is in no room: name it in FLOORS"
    rooms = {found for name in imports_of(path) if (found := room_of(name))} - {room}
    assert not {other for other in rooms if FLOOR[other] >= FLOOR[room]}, f"of {module}"
    for part, others in APART.items():
        if module.startswith(part):
            assert not {other for other in rooms if other.startswith(others)}, f"of {module}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_its_own_room_imports_rasa(path):
    if "rasa" not in path.parts:
        assert not [name for name in imports_of(path) if name.split(".")[0] == "rasa"]


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.parts[len(ROOT.parts) + 1] in CORE], ids=name_of
)
def test_no_server_and_no_page_is_known_to_the_core(path):
    assert not SERVERS & {name.split(".")[0] for name in imports_of(path)}


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.name == "__init__.py"], ids=name_of
)
def test_a_package_says_only_what_it_is(path):
    (docstring,) = ast.parse(path.read_text()).body
    assert isinstance(docstring, ast.Expr) and isinstance(docstring.value, ast.Constant)


def test_the_core_imports_alone_and_does_no_work():
    modules = [
        name_of(path)
        for path in FILES
        if room_of(name_of(path)) in ("bot.language", "bot.safety", "bot.content")
        and path.stem != "net_training"
    ]
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not {"spacy", "onnxruntime", "rasa", "sqlalchemy"} & set(done.stdout.split())


def test_the_command_line_starts_without_loading_the_gateway():
    code = "import bot.cli.main, sys; print('fastapi' in sys.modules, 'spacy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]


def test_tests_and_benchmarks_share_their_support_and_do_not_import_each_other():
    """Only the tests of the benches themselves import a bench."""
    for path in ROOT.glob("benchmarks/*.py"):
        tests = [name for name in imports_of(path) if name.split(".")[0] == "tests"]
        assert all(name.startswith("tests.support.") for name in tests), f"{path.name}: {tests}"
    for path in ROOT.glob("tests/**/*.py"):
        if path.parent != ROOT / "tests/benchmarks":
            benches = [name for name in imports_of(path) if name.split(".")[0] == "benchmarks"]
            assert not benches, f"{path.relative_to(ROOT)}: {benches}"
