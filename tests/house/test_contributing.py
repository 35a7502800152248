"""CONTRIBUTING.md can't lie: its paths are there, and its recipes work as written, in a copy."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest
from conftest import keep_one_article

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
FOLDERS = ("actions", "benchmarks", "bot", "data", "docs", "tests")
NOT_THERE = {"data/conversations.yml", "tests/x.py"}  # may be there; an editor makes it
ASK_FOR_PAGES = """
from bot.editor.app import create_app
from bot.editor.shared.pages import MENU, templates
from bot.runtime.settings import Settings
from fastapi.testclient import TestClient
from tests.support.routes import list_routes

app = create_app(Settings(secret="of a test"), None, None)
print(*[route.path for route in list_routes(app.routes) if route.path == "/sources"])
answer = TestClient(app, follow_redirects=False).get("/sources")
print(answer.status_code, answer.headers["location"])
print(("Sources", "/editor/sources", "reader") in MENU)
print(templates.get_template("sources.html").name)
"""


def section(title):
    """The part of the page below a heading."""
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)[1]


def blocks(title, kind):
    """The codes of this kind in a recipe."""
    return re.findall(rf" *```{kind}\n(.*?) *```", section(title), re.DOTALL)


def block(title, kind):
    """The first code of this kind in a recipe, without the indentation of its list."""
    return textwrap.dedent(blocks(title, kind)[0])


def replace_once(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1, f"{path.name} holds {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new))


def run(command, folder, **environment):
    """What a command prints that runs the code of `folder`."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT}", **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def code(tmp_path):
    """A copy of the code that a recipe may change."""
    for folder in ("actions", "bot"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    return tmp_path


def test_every_path_that_the_page_names_is_there():
    named = {
        path
        for path in re.findall(r"`([\w./-]+)`", PAGE)
        if path.split("/")[0] in FOLDERS and "/" in path
    } - NOT_THERE
    assert len(named) > 40
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_room_is_listed():
    rooms = {
        f"bot/{path.name}/"
        for path in (ROOT / "bot").iterdir()
        if path.is_dir() and path.name != "__pycache__"
    }
    rows = set(re.findall(r"^\| `(bot/[\w/]+)` \|", section("Where a thing goes"), re.MULTILINE))
    assert rows == rooms


def test_no_word_stands_twice():
    words = [
        word.strip()
        for cell in re.findall(r"^\| ([a-z][^|]*) \|", section("Words"), re.MULTILINE)
        for word in cell.split(",")
        if word != "word"
    ]
    assert len(words) > 50 and len(words) == len(set(words))


def test_the_changelog_and_the_installed_package_have_the_version_of_pyproject():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    newest = re.search(r"^## (?:Unreleased: )?([\d.]+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert newest[1] == version
    assert importlib.metadata.version("pamphlet") == version


def test_every_recipe_is_there():
    titles = re.findall(r"^## (Add .*)$", PAGE, re.MULTILINE)
    assert set(titles) == {
        f"Add a {thing}" for thing in ("question", "setting", "desk page", "reply kind", "channel")
    }


def test_a_question_is_added_as_written(data):
    keep_one_article(data, "myoclonus")
    readme = (ROOT / "README.md").read_text()
    example = re.search(r"(    questions:\n.*?\n)\n(    ## .*?\n.*?\n)\n", readme, re.DOTALL)
    front, below = (textwrap.dedent(part) for part in example.groups())
    replace_once(data / "articles/myoclonus.md", "\nquestions:\n", f"\n{front}")
    with (data / "articles/myoclonus.md").open("a") as file:
        file.write(f"\n{below}")
    asked, said = (textwrap.dedent(each) for each in blocks("Add a question", "yaml"))
    with (data / "phrases/myoclonus.yml").open("a") as file:
        file.write(asked)
    with (data / "evidence/myoclonus.yml").open("a") as file:
        file.write(textwrap.indent(said, "  "))
    run(["-m", "bot", "check"], ROOT, DATA=str(data))


def test_a_setting_is_added_as_written(code):
    added = block("Add a setting", "python")
    name, default = re.match(r"(\w+): int = _setting\((\d+)", added).groups()
    anchor = '    port: int = _setting(8000, "port on which the gateway listens")\n'
    path = code / "bot/runtime/settings.py"
    replace_once(path, anchor, anchor + textwrap.indent(added, "    "))
    assert f"{name.upper()}={default}" in run(["-m", "bot", "settings"], code)
    given = {name.upper(): "3"}
    assert f"{name.upper()}=3" in run(["-m", "bot", "settings"], code, **given)


def test_a_desk_page_is_added_as_written(code):
    folder = code / "bot/editor/insights"
    (folder / "source_pages.py").write_text(block("Add a desk page", "python"))
    (folder / "templates/sources.html").write_text(block("Add a desk page", "html"))
    app = code / "bot/editor/app.py"
    replace_once(app, "    search_pages,\n)", "    search_pages,\n    source_pages,\n)")
    replace_once(
        app, "    number_pages.router,\n", "    number_pages.router,\n    source_pages.router,\n"
    )
    line = '    ("Numbers", "/editor/numbers", "reader"),\n'
    replace_once(
        code / "bot/editor/shared/pages.py",
        line,
        line + line.replace("Numbers", "Sources").replace("numbers", "sources"),
    )
    path, guard, menu, template = run(["-c", ASK_FOR_PAGES], code).splitlines()
    assert path == "/sources"
    assert guard.startswith("303 /editor/sign-in?next=")  # as for everybody who isn't signed in
    assert menu == "True"
    assert template == "sources.html"
