"""Publishing from the desk: a job with live progress, red that blocks, a time, a second person, and
the way back."""

import dataclasses
import datetime
import errno
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import uuid

import httpx
import pytest
import yaml
from sqlalchemy import event, update

from bot.content import site_content
from bot.domain.messages import IncomingMessage
from bot.editor.shared import working_copy
from bot.editor.shared.state import State
from bot.releases import publishing, registry, steps, time_left
from bot.runtime import settings
from bot.store import accounts, publications, stored_turns
from bot.store.tables import Publication
from tests.conftest import reword, sign, teach
from tests.editor.conftest import read_log, running


@pytest.fixture
def site(small_site):
    """A Desk of a site of one article, published."""
    with running(settings.read_settings(small_site)) as made:
        yield made


def change(config, old, new):
    reword(config.path("data"), "restless_legs", old, new)


def events(visit, path):
    """The events of a stream until it ends: [(name, data)]."""
    found, name = [], None
    with visit.client.stream("GET", f"/editor{path}", timeout=120) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                found.append((name, line.removeprefix("data: ")))
    return found


def publish(visit, **fields):
    """The address of a publication that was begun."""
    answer = visit.post("/publish", **fields)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].removeprefix("/editor")


def wait(site, id, state):
    end = time.monotonic() + 300
    under_way = {"running", "tested"} - {state}  # what is to go live is tested for a moment before
    while publications.read_publication(site.engine, id).state in under_way:
        assert time.monotonic() < end
        time.sleep(0.2)
    made = publications.read_publication(site.engine, id)
    assert made.state == state, made.faults
    return made


def test_a_changed_answer_is_published_with_live_progress_and_brought_back(site):
    before = registry.live_release(site.config)
    _, token, _ = stored_turns.open_conversation(site.engine, "web", 24)
    accepted = stored_turns.accept_message(
        site.engine, IncomingMessage(token, "m1", 24, "what causes restless legs")
    )
    reply = {"id": uuid.uuid4().hex, "kind": "answer"}
    end = stored_turns.TurnEnd([reply], "answer", {}, understood={})
    stored_turns.finish_turn(site.engine, accepted, end)
    change(
        site.config, "In most people no cause is found.", "In most people nobody knows the cause."
    )
    visit = site.enter("Paula", "publisher")
    assert "articles/restless_legs.md" in visit.get("/publish").text
    assert "nobody" in visit.get("/publish/changes").text
    path = publish(visit, reason="as  the new guideline says")
    assert "You may close this page" in visit.get(path).text
    heard = events(visit, f"{path}/events")
    assert heard[-1][0] == "end" and {name for name, _ in heard[:-1]} == {"progress"}
    done = [json.loads(data)["done"] for _, data in heard[:-1]]
    assert done == sorted(done) and done[-1] == 1
    made = wait(site, int(path.rpartition("/")[2]), "live")
    assert registry.live_release(site.config) == made.release != before
    page = visit.get(path).text
    assert (
        "test phrases of articles" in page
        and "<svg" in page
        and "What causes restless legs?" in page
    )
    after = r"went live after (\d+ min )?\d+ s"
    assert "Why: as the new guideline says" in page and re.search(after, page)
    listed = visit.get("/publish").text
    assert "as the new guideline says" in listed and re.search(after, listed)
    plain = {words for name, words in vars(steps).items() if name.isupper()}
    assert {line["step"] for line in made.log} <= plain
    log = [tuple(entry.values())[2:] for entry in read_log(site.engine)[:2]]
    number = f"publication {made.id}"
    assert log == [
        ("Paula", "went live", number, made.release),
        ("Paula", "began to publish", number, "as the new guideline says"),
    ]
    # a visitor's words are kept in one place alone
    assert "what causes restless legs" not in json.dumps(made.comparison)
    assert visit.post("/publish/rollback", release_id=before).status_code == 303
    assert registry.live_release(site.config) == before
    assert "brought back" in visit.get("/publish").text


def test_a_fault_blocks_and_is_named(site):
    before = registry.live_release(site.config)
    change(site.config, "facet: causes", "facet:")
    visit = site.enter("Paula", "publisher")
    path = publish(visit)
    assert events(visit, f"{path}/events")[-1] == ("end", "failed")
    newest = read_log(site.engine)[0]
    assert (newest["person"], newest["action"]) == ("Paula", "failed")
    assert re.fullmatch(r"\d+ faults?", newest["detail"])  # which, the page says
    page = visit.get(path).text
    assert (
        "names no side of its subject; choose one" in page
        and "/editor/articles/restless_legs/causes#field-facet" in page
        and "restless_legs.md" not in page
        and str(site.config.path("data").parent.parent)
        not in page.replace(str(site.config.path("data")), "")
    )
    assert registry.live_release(site.config) == before


def test_a_story_that_goes_otherwise_blocks_and_is_named(site):
    before = registry.live_release(site.config)
    conversations = {
        "conversations": [
            {
                "conversation": "what sets them off",
                "turns": [
                    {"ask": "what causes restless legs", "question": "restless_legs.causes"},
                    {"ask": "and hello", "question": "restless_legs.inherited"},
                ],
            }
        ]
    }
    (site.config.path("data") / "conversations.yml").write_text(
        yaml.safe_dump(conversations, sort_keys=False)
    )
    visit = site.enter("Paula", "publisher")
    path = publish(visit)
    assert events(visit, f"{path}/events")[-1] == ("end", "failed")
    faults = publications.read_publication(site.engine, int(path.rpartition("/")[2])).faults
    assert (
        len(faults) == 1
        and "“what sets them off”, message 2 (and hello)" in faults[0]
        and "restless_legs.inherited is told" in faults[0]
    )
    assert (
        "what sets them off" in visit.get(path).text
        and registry.live_release(site.config) == before
    )
    newest = read_log(site.engine)[0]
    assert (newest["action"], newest["detail"]) == ("failed", "1 fault"), "a visitor's words"


def test_one_is_made_at_a_time_and_a_broken_one_does_not_block_for_ever(site):
    visit = site.enter("Paula", "publisher")
    first = publications.begin_publication(site.engine, "publish", "Somebody")
    assert visit.post("/publish").status_code == 409
    with site.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE publications SET beat_at = '2020-01-01 00:00:00'")
    assert "broken off" in visit.get(f"/publish/{first}").text
    change(site.config, "In most people no cause is found", "In most people nobody knows the cause")
    second = publish(visit)
    wait(site, int(second.rpartition("/")[2]), "live")
    assert publications.read_publication(site.engine, first).state == "failed"
    failures = accounts.read_audit(site.engine, wanted=accounts.AuditFilter(action="failed"))
    assert [(line["person"], line["subject"]) for line in failures] == [
        ("Somebody", f"publication {first}")
    ]


def test_what_failed_can_be_tried_again_by_who_may_and_for_the_same_moment(desk, monkeypatch):
    begun = []
    monkeypatch.setattr(
        publishing, "begin_publication", lambda *given: begun.append(given[2:]) or 1
    )
    tomorrow = datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0)
    tomorrow += datetime.timedelta(days=1)
    failed = publications.begin_publication(
        desk.engine, "publish", "Paula", tomorrow, "the new leaflet"
    )
    publications.end_publication(desk.engine, failed, "failed", faults=[publishing.NO_ANSWER])
    page = desk.enter("Paula", "publisher").get(f"/publish/{failed}").text
    assert "may be very busy" in page and "Try again</button>" in page
    moment = page.split('name="live_at" value="')[1].split('"')[0]
    reason = page.split('name="reason" value="')[1].split('"')[0]
    publish(desk.enter("Paula"), live_at=moment, reason=reason)
    assert begun == [("publish", "Paula", tomorrow, "the new leaflet")]
    assert "Try again</button>" not in desk.enter("Ed").get(f"/publish/{failed}").text


def test_what_failed_after_its_moment_is_tried_again_without_it(desk, monkeypatch):
    begun = []
    monkeypatch.setattr(
        publishing, "begin_publication", lambda *given: begun.append(given[2:]) or 1
    )
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    failed = publications.begin_publication(
        desk.engine, "publish", "Paula", yesterday, "the new leaflet"
    )
    publications.end_publication(desk.engine, failed, "failed", faults=[publishing.NO_ANSWER])
    paula = desk.enter("Paula", "publisher")
    page = paula.get(f"/publish/{failed}").text
    form = page.partition('action="/editor/publish">')[2].partition("</form>")[0]
    assert "Try again</button>" in form
    publish(paula, **dict(re.findall(r'name="(live_at|reason)" value="([^"]*)"', form)))
    assert begun == [("publish", "Paula", None, "the new leaflet")]


def test_an_editor_is_told_whom_to_ask_and_may_prepare(desk):
    for name, role in (("Paula", "publisher"), ("Root", "admin"), ("Gone", "publisher")):
        desk.add(name, role)
    accounts.dismiss_person(desk.engine, accounts.find_person(desk.engine, "Gone").id)
    accounts.add_person(desk.engine, "Only invited", "publisher")
    page = desk.enter("Ed").get("/publish").text
    assert "To publish takes the role publisher; yours is editor. Ask Paula or Root." in page
    assert "Only prepare it, to try</button>" in page and 'value="publish"' not in page
    read = desk.enter("Rea", "reader").get("/publish").text
    assert "yours is reader. Ask Paula or Root." in read and "to try</button>" not in read
    publisher = desk.enter("Paula").get("/publish").text
    assert "To publish takes the role" not in publisher and 'value="publish"' in publisher


def test_where_nobody_may_publish_an_editor_is_sent_to_who_runs_the_site(desk):
    page = desk.enter("Ed").get("/publish").text
    assert "Nobody here has it yet: ask who runs this site." in page


def begin_steps(site, id, *named, seconds=0):
    """Note steps of a publication, begun so many seconds ago."""
    for step in named:
        publications.note_progress(site.engine, id, step, 0.5)
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)
    with site.engine.begin() as connection:
        kept = connection.exec_driver_sql(f"SELECT log FROM publications WHERE id = {id}").scalar()
        log = json.loads(kept)
        for line in log[-len(named) :]:
            line["at"] = then.isoformat(timespec="seconds")
        connection.exec_driver_sql(
            "UPDATE publications SET log = ? WHERE id = ?", (json.dumps(log), id)
        )


def make_earlier(site, learning, seconds):
    """A publication that was tested `seconds` after it had begun to learn, or not to, and two more
    after the button."""
    id = publications.begin_publication(site.engine, "publish", "Paula")
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds + 2)
    with site.engine.begin() as connection:
        connection.execute(update(Publication).where(Publication.id == id).values(began_at=then))
    begin_steps(site, id, steps.CHECKING, seconds=seconds + 2)
    begin_steps(site, id, *([steps.LEARNING] if learning else []), steps.DANGERS, seconds=seconds)
    publications.end_publication(site.engine, id, "live", last_step=steps.DONE)


def test_the_time_that_is_left_is_that_of_earlier_ones_which_learned_as_much(desk):
    for seconds in (90, 60, 62):
        make_earlier(desk, True, seconds)
    make_earlier(desk, False, 20)
    visit = desk.enter("Paula", "publisher")
    made = publications.begin_publication(desk.engine, "publish", "Paula")
    begin_steps(desk, made, steps.CHECKING)
    assert "time left:" not in visit.get(f"/publish/{made}").text  # which of both isn't known yet
    begin_steps(desk, made, steps.LEARNING, seconds=20)
    assert "time left: about 40 s" in visit.get(f"/publish/{made}").text
    assert "time left: about 40 s" in visit.get("/publish").text
    publications.end_publication(desk.engine, made, "failed")
    made = publications.begin_publication(desk.engine, "publish", "Paula")
    begin_steps(desk, made, steps.DANGERS)
    assert "time left: about 20 s" in visit.get(f"/publish/{made}").text
    begin_steps(desk, made, steps.SEALING)  # at which no earlier one is known to have been
    assert "time left:" not in visit.get(f"/publish/{made}").text


def test_the_page_says_beforehand_what_kind_of_change_it_is_and_how_long_that_takes(site):
    visit = site.enter("Paula", "publisher")
    assert "It takes" not in visit.get("/publish").text  # nothing changes
    change(site.config, "In most people no cause is found.", "In most people nobody knows why.")
    page = visit.get("/publish").text
    assert "Answers and texts alone change" in page and "known once one was made" in page
    for seconds in (18, 19, 40):
        make_earlier(site, False, seconds)
    make_earlier(site, True, 118)
    assert "It takes about 20 s, as the last ones took." in visit.get("/publish").text
    own = site.config.path("data") / "phrases/restless_legs.yml"
    known = "    - what causes restless legs\n"
    own.write_text(own.read_text().replace(known, f"{known}    - whence these legs\n", 1))
    page = visit.get("/publish").text
    assert "the questions are learned anew" in page
    assert "It takes about 2 minutes, as the last ones took." in page
    article = site.config.path("data") / "articles/restless_legs.md"
    article.write_text(article.read_text().replace("title:", "titel:", 1))
    page = visit.get("/publish").text  # which of both is not known where the content has faults
    assert "learned anew" not in page and "Answers and texts alone" not in page


@pytest.mark.parametrize(
    ("name", "old", "new", "learns"),
    [
        ("", "no cause is found.", "nobody knows why.", False),
        ("", "no cause is found.", "not even asthma is found.", True),
        ("articles/restless_legs.md", "facet: causes", "facet: risk_factors", True),
        ("phrases/restless_legs.yml", "    - what causes", "    - whence\n    - what causes", True),
        ("texts.yml", "This is general", "All of this is general", False),
        ("talk.yml", "    - good morning", "    - a fine morning\n    - good morning", True),
        ("talk.yml", "greeting:", "# said first\ngreeting:", False),
        ("terms.yml", "asthma:", "asthma2: []\n  asthma:", True),
        ("facets.yml", "causes:", "causes:  # why", False),
        ("stories.yml", "stories:", "# told\nstories:", True),
    ],
)
def test_what_is_said_beforehand_is_what_a_training_decides(site, name, old, new, learns):
    live, path = registry.live_release(site.config), site.config.path("data") / name
    if name:
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))
    else:  # an answer, with its evidence
        change(site.config, f"In most people {old}", f"In most people {new}")
    before = registry.taught_digest(registry.read_content(site.config, live))
    now = registry.taught_digest(site_content.load_content(site.config.path("data")))
    assert (now != before) == learns
    changed = [name for name, _, _ in publishing.content_changes(site.config)]
    assert working_copy.has_to_learn(State(site.config, None), live, changed) == learns


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-8, "longer than the last times"),
        (-3, "a few seconds"),
        (3, "a few seconds"),
        (38, "about 40 s"),
        (94, "about 90 s"),
        (150, "about 2 minutes"),
    ],
)
def test_the_time_that_is_left_in_words(seconds, words):
    assert time_left.describe_seconds(seconds) == words


def test_what_lists_publications_loads_no_reports_and_what_has_ended_no_list(desk):
    made = publications.begin_publication(desk.engine, "publish", "Paula")
    report = {"total": 1, "right": 1, "offered": 0, "wrong": 0, "missed": []}
    comparison = {"asked": 0, "gained": [], "lost": [], "changed": [], "rewritten": {}}
    publications.end_publication(desk.engine, made, "failed", report=report, comparison=comparison)
    visit, said = desk.enter("Paula", "publisher"), []
    event.listen(desk.engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    assert f"/editor/publish/{made}" in visit.get("/publish").text
    lists = [each for each in said if "FROM publications" in each and "LIMIT" in each]
    assert len(lists) == 1 and "publications.log" in lists[0]
    assert "publications.report" not in lists[0] and "publications.comparison" not in lists[0]
    said.clear()
    assert "The tests" in visit.get(f"/publish/{made}").text
    assert events(visit, f"/publish/{made}/events")[-1] == ("end", "failed")
    assert not [each for each in said if "FROM publications" in each and "LIMIT" in each]
    (listed,) = publications.list_publications(desk.engine)
    assert (listed.report, listed.comparison) == (None, None)


def job_processes(candidates):
    """The commands of the processes that make a candidate in this folder."""
    listed = subprocess.run(["ps", "-axww", "-o", "args="], capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if f"{candidates}/" in line]


@pytest.mark.parametrize("at", [{steps.LEARNING}, {steps.PHRASES, steps.STORIES}])
def test_a_publication_is_stopped_and_its_processes_end(site, at):
    before = registry.live_release(site.config)
    teach(site.config.path("data"), "blarg my zonkers please")
    editor, visit = site.enter("Ed", "editor"), site.enter("Paula", "publisher")
    path = publish(visit)
    id, end = int(path.rpartition("/")[2]), time.monotonic() + 120
    while publications.read_publication(site.engine, id).step not in at:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert editor.post(f"{path}/stop").status_code == 403
    assert "Stop</button>" not in editor.get(path).text
    assert "Stop</button>" in visit.get(path).text
    assert visit.post(f"{path}/stop").status_code == 303
    page = visit.get(path).text
    assert "nothing has changed for visitors" in page and "Try again</button>" in page
    candidates = site.config.path("models") / "candidates"
    while list(candidates.iterdir()) or job_processes(candidates):
        assert time.monotonic() < end, (list(candidates.iterdir()), job_processes(candidates))
        time.sleep(0.2)
    assert publications.read_publication(site.engine, id).state == "stopped"
    assert registry.live_release(site.config) == before
    assert read_log(site.engine)[0]["action"] == "stopped"
    assert visit.post(f"{path}/stop").status_code == 303
    assert "had ended already" in visit.get(path).text
    assert publications.find_running(site.engine) is None


def test_what_is_stopped_while_its_end_is_being_written_stays_stopped(desk):
    made = publications.begin_publication(desk.engine, "publish", "Paula")
    paula, to_stop = desk.enter("Paula", "publisher"), [made]

    def stop_before(connection, cursor, statement, *_):
        if statement.startswith("UPDATE publications") and to_stop:
            assert paula.post(f"/publish/{to_stop.pop()}/stop").status_code == 303

    event.listen(desk.engine, "before_cursor_execute", stop_before)
    assert not publications.end_publication(
        desk.engine, made, "tested", "20260101-000000-a", last_step=steps.DONE
    )
    assert not to_stop
    kept = publications.read_publication(desk.engine, made)
    assert (kept.state, kept.release, kept.log) == ("stopped", None, [])
    assert publications.waiting_publications(desk.engine) == []
    with pytest.raises(publications.NoPublication):
        publications.end_publication(desk.engine, 999, "tested")


def test_an_editor_stops_what_editors_may_begin(desk):
    made = publications.begin_publication(desk.engine, "try", "Somebody")
    ed = desk.enter("Ed")
    assert ed.post(f"/publish/{made}/stop").status_code == 303
    assert publications.read_publication(desk.engine, made).state == "stopped"
    # what its process finds out meanwhile changes nothing any more
    assert not publications.end_publication(desk.engine, made, "tried", "20260101-000000-a")
    assert publications.read_publication(desk.engine, made).state == "stopped"
    assert ed.post("/publish/999/stop").status_code == 404


def test_what_the_tests_counted_adds_up_and_talk_stands_apart(desk):
    report = {
        "total": 10,
        "right": 5,
        "offered": 2,
        "wrong": 1,
        "missed": [
            *[[f"offered {n}", "hiccups.causes", "nlu_fallback", 0.4] for n in range(2)],
            *[[f"declined {n}", "hiccups.causes", "not_covered", 0.9] for n in range(2)],
            ["wrong", "hiccups.causes", "hiccups.what_is", 0.9],
            *[[f"talk {n}", "greet", "nlu_fallback", 0.4] for n in range(3)],
        ],
    }
    made = publications.begin_publication(desk.engine, "publish", "Paula")
    publications.end_publication(desk.engine, made, "failed", report=report)
    page = re.sub(r"<[^>]+>", "", desk.enter("Ed").get(f"/publish/{made}").text)
    assert "Of 10 test phrases of articles 5 are answered rightly" in page
    assert "2 are asked back with the right question offered" in page
    assert "2 are asked back without it or declined" in page
    assert "1 get another question’s answer" in page
    assert "5 phrases that ended otherwise" in page
    assert "3 phrases of talk that ended otherwise" in page


def test_an_editor_may_prepare_and_not_publish_and_a_reader_neither(site):
    before = registry.live_release(site.config)
    editor, reader = site.enter("Ed", "editor"), site.enter("Rea", "reader")
    assert (
        editor.post("/publish").status_code == 403
        and reader.post("/publish", goal="try").status_code == 403
    )
    assert editor.post("/publish/rollback", release_id=before).status_code == 403
    path = publish(editor, goal="try")
    made = wait(site, int(path.rpartition("/")[2]), "tried")
    assert made.release and registry.live_release(site.config) == before
    assert httpx.get(f"{site.url}/editor/publish").status_code == 303


@pytest.fixture(scope="module")
def trained(small_release, tmp_path_factory):
    """The folder of a candidate of the small site's content: made once, to be copied."""
    folder = tmp_path_factory.mktemp("trained") / "site"
    shutil.copytree(small_release, folder, symlinks=True)
    config = settings.read_settings(
        {"DATA": f"{folder}/data", "MODELS": f"{folder}/models", "SECRET": "small"}
    )
    return registry.folder_of(config, registry.train_candidate(config, lambda step, done: None))


def make_tested(site, person, trained=None, live_at=None, report=None):
    """A publication that is tested and waits, of a candidate that is there: a copy of `trained`, or
    one that is trained now."""
    id = publications.begin_publication(site.engine, "publish", person, live_at)
    if trained:
        candidate = trained.name
        shutil.copytree(trained, site.config.path("models") / "candidates" / candidate)
    else:
        candidate = registry.train_candidate(site.config, lambda step, done: None)
    comparison = {
        "live": registry.live_release(site.config),
        "asked": 0,
        "gained": [],
        "lost": [],
        "changed": [],
        "rewritten": {},
    }
    publications.end_publication(
        site.engine, id, "tested", candidate, report=report, comparison=comparison
    )
    return id, candidate


def test_a_scheduled_publication_waits_for_its_time_and_can_be_withdrawn(site, trained):
    now = datetime.datetime.now(datetime.UTC)
    id, candidate = make_tested(site, "Paula", trained, now + datetime.timedelta(hours=1))
    publishing.advance_publications(site.config, site.engine)
    assert registry.live_release(site.config) != candidate
    with site.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE publications SET live_at = '2020-01-01 00:00:00'")
    publishing.advance_publications(site.config, site.engine)
    assert (
        registry.live_release(site.config) == candidate
        and publications.read_publication(site.engine, id).state == "live"
    )
    visit = site.enter("Paula", "publisher")
    assert visit.post("/publish", live_at="2020-01-01T00:00").status_code == 422
    change(site.config, "In most people no cause is found", "In most people nobody knows the cause")
    late, other = make_tested(site, "Paula", live_at=now + datetime.timedelta(days=1))
    assert visit.post(f"/publish/{late}/withdrawal").status_code == 303
    assert (
        publications.read_publication(site.engine, late).state == "withdrawn"
        and registry.live_release(site.config) == candidate
    )


def end_process(*_):
    """In place of a function: the process ends there."""
    raise SystemExit


@pytest.mark.parametrize(
    ("module", "function", "is_live"),
    [(registry, "publish_release", False), (publications, "move_publication", True)],
)
def test_where_the_process_ends_while_a_release_goes_live_the_next_look_ends_it(
    site, monkeypatch, module, function, is_live, trained
):
    id, candidate = make_tested(site, "Paula", trained)
    with monkeypatch.context() as ending, pytest.raises(SystemExit):
        ending.setattr(module, function, end_process)
        publishing.advance_publications(site.config, site.engine)
    assert (registry.live_release(site.config) == candidate) is is_live
    visit = site.enter("Paula", "publisher")
    assert "went live" not in visit.get(f"/publish/{id}").text
    publishing.advance_publications(site.config, site.engine)
    assert registry.live_release(site.config) == candidate
    assert "went live" in visit.get(f"/publish/{id}").text
    assert read_log(site.engine)[0]["action"] == "went live"


def test_what_goes_live_just_now_is_not_withdrawn_any_more(site, monkeypatch, trained):
    id, candidate = make_tested(site, "Paula", trained)
    visit, answers, publish_release = (
        site.enter("Paula", "publisher"),
        [],
        registry.publish_release,
    )
    withdrawing = threading.Thread(
        target=lambda: answers.append(visit.post(f"/publish/{id}/withdrawal").status_code)
    )

    def publish_meanwhile(config, release):
        withdrawing.start()
        withdrawing.join(1)  # it would have ended if it did not wait
        publish_release(config, release)

    monkeypatch.setattr(registry, "publish_release", publish_meanwhile)
    publishing.advance_publications(site.config, site.engine)
    withdrawing.join()
    assert registry.live_release(site.config) == candidate and answers == [404]
    assert publications.read_publication(site.engine, id).state == "live"


def test_a_host_without_the_candidate_leaves_it_to_the_one_that_has_it_for_a_while(
    site, tmp_path, trained
):
    shutil.copytree(site.config.path("models"), tmp_path / "other", symlinks=True)
    other = dataclasses.replace(site.config, models=str(tmp_path / "other"))
    id, candidate = make_tested(site, "Paula", trained)
    publishing.advance_publications(other, site.engine)
    assert publications.read_publication(site.engine, id).state == "tested"
    publishing.advance_publications(site.config, site.engine)
    assert registry.live_release(site.config) == candidate
    assert publications.read_publication(site.engine, id).state == "live"


def test_a_candidate_that_no_host_has_any_more_fails_and_is_named(site, trained):
    id, candidate = make_tested(site, "Paula", trained)
    shutil.rmtree(registry.folder_of(site.config, candidate))
    with site.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE publications SET began_at = '2020-01-01 00:00:00'")
        connection.exec_driver_sql("UPDATE publications SET ended_at = '2020-01-01 01:00:00'")
    publishing.advance_publications(site.config, site.engine)
    made = publications.read_publication(site.engine, id)
    assert made.state == "failed" and f"no release or candidate '{candidate}'" in made.faults[0]


def test_what_another_host_withdraws_just_then_does_not_stay_live(site, monkeypatch, trained):
    id, candidate = make_tested(site, "Paula", trained)
    before, publish_release = registry.live_release(site.config), registry.publish_release
    made_live = []

    def publish_meanwhile(config, release):
        if not made_live:
            publications.move_publication(site.engine, id, "tested", "withdrawn")
        made_live.append(release)
        publish_release(config, release)

    monkeypatch.setattr(registry, "publish_release", publish_meanwhile)
    publishing.advance_publications(site.config, site.engine)
    assert made_live == [candidate, before]
    assert registry.live_release(site.config) == before
    assert publications.read_publication(site.engine, id).state == "withdrawn"


def test_a_publication_is_shown_while_its_release_moves_to_where_it_is_live(
    site, monkeypatch, trained
):
    report = {
        "total": 1,
        "right": 0,
        "offered": 1,
        "wrong": 0,
        "missed": [["a phrase", "restless_legs.causes", "nlu_fallback", 0.4]],
    }
    id, candidate = make_tested(site, "Paula", trained, report=report)
    find = registry.folder_of

    def find_too_early(config, id):
        folder = find(config, id)
        if id == candidate and registry.live_release(site.config) != candidate:
            monkeypatch.setattr(registry, "folder_of", find)
            publishing.advance_publications(site.config, site.engine)
        return folder

    monkeypatch.setattr(registry, "folder_of", find_too_early)
    page = site.enter("Paula", "publisher").get(f"/publish/{id}")
    assert page.status_code == 200 and "1 phrase that ended otherwise" in page.text
    assert registry.live_release(site.config) == candidate


def test_where_a_second_person_must_approve_nobody_approves_their_own(small_site, trained):
    with running(settings.read_settings({**small_site, "APPROVAL": "second"})) as site:
        paula, quinn = site.enter("Paula", "publisher"), site.enter("Quinn", "publisher")
        id, candidate = make_tested(site, "Paula", trained)
        publishing.advance_publications(site.config, site.engine)
        assert (
            registry.live_release(site.config) != candidate
            and "waits for approval" in quinn.get(f"/publish/{id}").text
        )
        assert paula.post(f"/publish/{id}/approval").status_code == 403
        assert site.enter("Ed", "editor").post(f"/publish/{id}/approval").status_code == 403
        assert quinn.post(f"/publish/{id}/approval").status_code == 303
        assert registry.live_release(site.config) == candidate
        assert publications.read_publication(site.engine, id).approved_by == "Quinn"


def test_what_is_scheduled_at_the_desk_waits_for_both_its_approval_and_its_time(small_site):
    with running(settings.read_settings({**small_site, "APPROVAL": "second"})) as site:
        paula, quinn, before = (
            site.enter("Paula", "publisher"),
            site.enter("Quinn", "publisher"),
            registry.live_release(site.config),
        )
        change(
            site.config, "In most people no cause is found", "In most people nobody knows the cause"
        )
        tomorrow = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
        path = publish(paula, live_at=f"{tomorrow:%Y-%m-%dT%H:%M}")
        id = int(path.rpartition("/")[2])
        made = wait(site, id, "tested")
        assert (
            f"To go live {tomorrow:%Y-%m-%d %H:%M} UTC" in quinn.get(path).text
            and "Approve" in quinn.get(path).text
        )
        assert "Approve" not in paula.get(path).text
        assert quinn.post(f"{path}/approval").status_code == 303
        publishing.advance_publications(site.config, site.engine)
        assert (
            registry.live_release(site.config) == before and "goes live at" in paula.get(path).text
        )
        with site.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE publications SET live_at = '2020-01-01 00:00:00'")
        publishing.advance_publications(site.config, site.engine)
        assert (
            registry.live_release(site.config) == made.release
            and "approved by Quinn" in paula.get("/publish").text
        )
        log = [(entry["person"], entry["action"]) for entry in read_log(site.engine)]
        assert log[:3] == [
            ("Paula", "went live"),
            ("Quinn", "approved"),
            ("Paula", "began to publish"),
        ]


def test_what_was_compared_with_an_older_release_does_not_go_live(site, trained):
    first, _ = make_tested(site, "Paula", trained)
    change(site.config, "In most people no cause is found", "In most people nobody knows the cause")
    registry.publish_release(
        site.config, registry.train_candidate(site.config, lambda step, done: None)
    )
    newer = registry.live_release(site.config)
    publishing.advance_publications(site.config, site.engine)
    assert (
        registry.live_release(site.config) == newer
        and "Another release" in publications.read_publication(site.engine, first).faults[0]
    )
    newest = read_log(site.engine)[0]
    assert (newest["action"], newest["subject"]) == ("failed", f"publication {first}")


def test_a_candidate_that_can_not_answer_a_question_does_not_go_live_and_names_it(
    small_site, monkeypatch
):
    config, broken = settings.read_settings(small_site), "20990101-000000-abcdef01"
    before, candidates = registry.live_release(config), config.path("models") / "candidates"
    folder = shutil.copytree(registry.folder_of(config, before), candidates / broken)
    kept = json.loads((folder / "content.json").read_text())
    kept["texts"]["disclaimer"] = ""  # what no check passes any more
    (folder / "content.json").write_text(json.dumps(kept))
    monkeypatch.setenv("SECRET", "small")
    sign(folder)
    done = subprocess.run(
        [sys.executable, "-m", "bot", "publish", "--release", broken],
        cwd=settings.ROOT,
        env={**os.environ, **small_site},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and registry.live_release(config) == before
    assert "restless_legs.causes can't be answered: an answer comes with" in done.stderr


def test_a_release_that_can_not_be_brought_back_is_not_noted_as_live(site, monkeypatch):
    live = registry.live_release(site.config)
    earlier = registry.folder_of(site.config, live).with_name("20200101-000000-abcdef01")
    shutil.copytree(registry.folder_of(site.config, live), earlier)
    monkeypatch.setenv("SECRET", "small")
    sign(earlier, id=earlier.name)
    paula = site.enter("Paula", "publisher")

    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(registry.articles, "save_text", refuse)
        answer = paula.post("/publish/rollback", release_id=earlier.name)
    assert answer.status_code == 409 and "No space left" in answer.text
    newest = publications.list_publications(site.engine)[0]
    assert (newest.state, newest.release) == ("failed", earlier.name)
    assert read_log(site.engine)[0]["action"] != "rolled back"
    assert paula.post("/publish/rollback", release_id=earlier.name).status_code == 303


@pytest.mark.parametrize("id", ["../../etc", "nosuch", "20200101-000000-abcdef01", ""])
def test_only_a_release_is_brought_back(site, id):
    before = registry.live_release(site.config)
    assert site.enter("Paula", "publisher").post(
        "/publish/rollback", release_id=id
    ).status_code in (409, 422)
    assert registry.live_release(site.config) == before
