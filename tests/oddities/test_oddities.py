"""What real life sends: each row of the YAML files beside this one, through the doors that visitors
and operators use. A new report is one new row; README.md says how it is written."""

import dataclasses
import html
import os
import shutil
import subprocess
import sys
from pathlib import Path

import conftest
import httpx
import pytest
import yaml

from bot.content import articles, phrases
from bot.editor.shared import content_files as kept
from bot.runtime import settings
from tests.channels.conftest import APPS
from tests.editor.conftest import running
from tests.oddities import files, messages

HOME = Path(__file__).parent
# outcomes that many rows share; any other is a part of what is shown
OUTCOMES = {
    "the answer": "Can myoclonus be prevented?",
    "a greeting": "What would you like to know about",
    "only text": "I can only read text here",
    "the danger's numbers": "116 123",
    "stopped": "Write START to go on",
}
NOTHING = "nothing"
EDITED = "articles/restless_legs.md"  # what editors write wrong in the rows of content.yml
DEAD = "select id, reason from outbox where dead_at is not null"
KEYS = set(
    "row app steps say send together press to gets lacks platform_answers type kind page".split()
    + "set run ends change add before line_end".split()
    + "file word footnotes parts html text letters bytes zip times count".split()
    + "sheets merged links formats hidden_rows hidden_sheets".split()
)
OTHERS = ("typed", "settings", "pages", "content", "imports")  # kinds that are no messaging app's


def rows(*kinds):
    """The rows of these files, each a parameter with its file and name."""
    return [
        pytest.param(row, id=f"{row.get('app', kind)}: {row['row']}")
        for kind in kinds
        for row in yaml.safe_load((HOME / f"{kind}.yml").read_text("utf-8"))
    ]


def listed(given):
    return given if isinstance(given, list) else [given]


def check(shown, row):
    """Fail where a text lacks what a row (or step) wants, or has what it must not."""
    for wanted in listed(row.get("gets", [])):
        assert OUTCOMES.get(wanted, wanted) in shown, (wanted, shown)
    for unwanted in listed(row.get("lacks", [])):
        assert OUTCOMES.get(unwanted, unwanted) not in shown, (unwanted, shown)


APP_KINDS = sorted(path.stem for path in HOME.glob("*.yml") if path.stem not in OTHERS)
people = iter(range(870_001, 890_000))


@pytest.mark.parametrize("row", rows(*APP_KINDS))
def test_what_messaging_apps_send_gets_what_its_row_says(place, row):
    app, person = APPS[row["app"]], next(people)
    for step in row.get("steps", [row]):
        take(place, app, person, step)


def take(place, app, person, step):
    """One step of a row: what a platform calls us with, and what its visitor gets."""
    if "say" in step:
        call, to = app.write(person, step["say"]), person
    elif "press" in step:
        shown = place.platform.to(app.NAME, person)[-1]
        call, to = app.press(person, shown, step["press"]), person
    else:
        call, to = messages.call_of(app, person, messages.fill(step["send"], person))
    to = messages.fill(step.get("to", to), person)
    answers = list(step.get("platform_answers", []))

    def answer_once(name, request):
        ours = name in (app.NAME, "meta") and str(person).encode() in request.body
        if not ours or not answers:
            return None
        given = answers.pop(0)
        return given["status"], {}, given["body"]

    place.platform.faults.append(answer_once)
    before, dead = len(place.platform.to(app.NAME, to)), place.service.rows(DEAD)
    place.call(app, call)
    for other in step.get("together", []):
        place.call(app, messages.call_of(app, person, messages.fill(other, person))[0])
    place.settle()
    place.platform.faults.remove(answer_once)
    sent = place.platform.to(app.NAME, to)[before:]
    assert not answers, "the platform was not asked again"
    assert place.service.rows(DEAD) == dead, place.platform.refused
    if step["gets"] == NOTHING:
        assert not sent, sent
    else:
        assert sent, "silence"
        check("\n".join(one.text for one in sent), step)


@pytest.mark.parametrize("row", rows("typed"))
def test_what_visitors_type_is_read_as_the_eye_reads_it(place, row):
    response = place.service.post(place.service.open(), {"id": "1", "text": row["type"]})
    replies = response.json().get("replies") or [response.json()["error"]]
    check("\n".join(str(reply) for reply in replies), row)
    if "kind" in row:
        assert replies[0].get("kind") in listed(row["kind"]), replies[0]


@pytest.mark.parametrize("row", rows("pages"))
def test_an_articles_page_shows_what_its_row_says(place, row):
    check(httpx.get(place.service.url + row["page"]).text, row)


@pytest.mark.parametrize("row", rows("settings"))
def test_a_setting_is_taken_or_refused_with_a_sentence(tmp_path, row):
    given = {
        name: str(value).replace("<folder>", str(tmp_path)) for name, value in row["set"].items()
    }
    ended = subprocess.run(
        [sys.executable, "-m", "bot", *row["run"].split()],
        cwd=conftest.ROOT,
        env={**os.environ, "SECRET": "oddities", **given},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == row.get("ends", 0), ended.stderr
    shown = (ended.stdout + ended.stderr).replace(str(tmp_path), "<folder>")
    assert "Traceback" not in shown
    check(shown, row)


@pytest.fixture(scope="module")
def one_article(tmp_path_factory):
    """The folder of a copy of the content, of one article."""
    data = Path(
        shutil.copytree(conftest.ROOT / "data", tmp_path_factory.mktemp("content") / "data")
    )
    conftest.keep_one_article(data)
    return data


@pytest.mark.parametrize("row", rows("content"))
def test_what_editors_write_is_read_or_named_as_a_fault(one_article, row):
    path = one_article / row.get("file", EDITED)
    text = written = path.read_text("utf-8")
    for old, new in row.get("change", {}).items():
        assert old in text
        text = text.replace(old, new, 1)
    text = row.get("before", "") + text + row.get("add", "")
    path.write_bytes(text.replace("\n", row.get("line_end", "\n")).encode())
    listed, faults = articles.read_articles(one_article)
    faults += phrases.read_all(one_article, listed)[1]
    path.write_text(written, "utf-8")
    if row["gets"] == NOTHING:
        assert not faults
    else:
        check("\n".join(map(str, faults)), row)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A desk with content of its own, at which an editor is signed in: (desk, her browser)."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copytree(conftest.ROOT / "data", folder / "data", ignore=shutil.ignore_patterns(".*"))
    config = dataclasses.replace(
        settings.read_settings({}),
        database_url=f"sqlite:///{folder}/desk.db",
        data=str(folder / "data"),
        var=str(folder),
        secret="a secret of the tests",
    )
    with running(config) as made:
        yield made, made.enter("Ada", "editor")


@pytest.mark.parametrize("row", rows("imports"))
def test_what_editors_import_is_kept_or_said_to_be_left_out(desk, row):
    desk, ada = desk
    sent = ada.client.post(
        "/editor/articles/new",
        data={"csrf": ada.token()},
        files={"file": (row["file"], files.bytes_of(row))},
    )
    shown = sent.text
    if sent.status_code == 303:
        at = sent.headers["location"]
        draft = kept.draft_path(desk.config, at.rpartition("/")[2])
        shown = ada.client.get(at).text + kept.read_file(draft)
        ada.post(f"{at.removeprefix('/editor')}/remove-draft")
    check(html.unescape(shown), row)


def test_every_row_has_a_name_of_its_own_and_says_nothing_that_is_not_read():
    found = rows(*APP_KINDS, *OTHERS)
    names = [param.id for param in found]
    assert sorted(names) == sorted(set(names))
    for param in found:
        for step in param.values[0].get("steps", param.values):
            assert set(step) <= KEYS, (param.id, set(step) - KEYS)
