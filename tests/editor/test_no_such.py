"""Whatever stands in an address of the desk: a page, or the sentence that there is none."""

import re

import pytest

from bot.editor.app import create_app
from tests.support.routes import list_routes

NAMES = ("no_such", "999999999999999999999999", "-1", "%FF%FE", "x" * 300, "a%00b", "..%2F..", "é")


def paths():
    """Every address of the desk with a number or name in it: (method, path)."""
    routes = create_app(None, None, None).routes
    found = [route for route in list_routes(routes) if "{" in route.path]
    assert len(found) > 30
    return sorted({(min(route.methods - {"HEAD"}), route.path) for route in found})


def filled(path, name):
    """A route's path with a name in place of its last part, and one that there is before it."""
    parts = re.findall(r"\{\w+(?::\w+)?\}", path)
    known = {
        **dict.fromkeys(("{id}", "{article}", "{draft}"), "myoclonus"),
        "{name}": "terms",
        "{kind}": "stories",
        "{question}": "causes",
    }
    for part in parts[:-1]:
        path = path.replace(part, known.get(part, name), 1)
    return path.replace(parts[-1], name)


@pytest.fixture(scope="module")
def admin(request, tmp_path_factory):
    """A browser of an admin at a desk that all of these tests share."""
    import dataclasses
    import shutil

    from editor import conftest

    from bot.runtime import settings

    folder = tmp_path_factory.mktemp("no_such")
    shutil.copytree(conftest.ROOT / "data", folder / "data", ignore=shutil.ignore_patterns(".*"))
    config = dataclasses.replace(
        settings.read_settings({}),
        database_url=f"sqlite:///{folder}/desk.db",
        data=str(folder / "data"),
        var=str(folder),
        secret="a secret of the tests",
    )
    with conftest.running(config) as desk:
        yield desk.enter("Ada", "admin")


@pytest.mark.parametrize(("method", "path"), paths())
def test_no_name_or_number_in_an_address_makes_a_fault(admin, method, path):
    token = admin.token()
    for name in NAMES:
        address = filled(path, name)
        answer = (
            admin.get(address)
            if method == "GET"
            else admin.post(address, token, **{"ask": "x", "base": "0", "number": "1"})
        )
        assert answer.status_code < 500, (address, answer.text)


@pytest.mark.parametrize(
    "path",
    [
        "/articles/myoclonus/no_such_question/its-evidence",
        "/articles/no_such",
        "/drafts/9223372036854775808",
        "/reports/99999999999999999999",
        "/publish/9223372036854775808",
        "/publish/9223372036854775808/events",
        "/conversations/no_such",
        "/stories/stories/no_such",
    ],
)
def test_what_is_not_there_is_no_page(admin, path):
    assert admin.get(path).status_code == 404


def test_a_file_whose_name_is_no_text_is_named_and_breaks_no_page(desk):
    folder = bytes(desk.config.path("data"))
    (desk.config.path("data") / "articles").mkdir(exist_ok=True)
    with open(folder + b"/articles/odd\xff.md", "w") as file:
        file.write("odd")
    ada = desk.enter("Ada", "admin")
    for path in ("/publish", "/publish/changes", "/articles", "/review", "/tables/terms"):
        answer = ada.get(path)
        assert answer.status_code == 200, (path, answer.text)


def test_an_invitation_whose_address_is_guessed_comes_with_a_warning(desk):
    ada = desk.enter("Ada", "admin")
    answer = ada.post("/people", name="Bea", role="editor")
    assert "PUBLIC_URL is not set" in answer.text
