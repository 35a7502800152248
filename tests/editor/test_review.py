"""Review and conversations: what was asked in vain is found, taught, drafted or set aside; markup
of visitors stays text."""

import time

import pytest
from sqlalchemy import event

from bot.content import phrases
from bot.editor.shared import content_cache
from bot.editor.shared.state import State
from bot.store import conversations
from tests.support.visitor_history import fill

HOSTILE = "<script>alert(1)</script> can it be stopped"


@pytest.fixture
def asked(desk):
    """The desk after 200 messages of visitors, one of them hostile."""
    fill(desk.engine, content_cache.read_articles(State(desk.config, desk.engine)), 200)
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE turns SET text = ?, outcome = 'not_covered' WHERE id = 200", (HOSTILE,)
        )
    return desk


def read_review(visit, query=""):
    for _ in range(600):
        page = visit.get(f"/review{query}").text
        if "is being grouped" not in page:
            return page
        time.sleep(0.1)
    raise AssertionError("the groups never came")


def test_a_wording_is_taught_in_its_article_and_leaves_the_review(asked):
    visit = asked.enter()
    assert "alert(1)" in read_review(visit)
    phrase = "why on earth do my hiccups come at tea time"
    answer = visit.post("/review/teach", text=phrase, question="hiccups.causes")
    assert answer.status_code == 303
    read = phrases.read_file(phrases.path_of(asked.config.path("data"), "hiccups"))
    assert read.faults == () and phrase in read.questions["causes"].train
    common = visit.post("/review/teach", text="causes of hiccups", question="hiccups.causes")
    assert common.status_code == 303  # data/facets.yml says it
    assert phrases.read_file(read.path) == read
    other = visit.post("/review/teach", text=phrase, question="hiccups.treatment_that_is_none")
    assert other.status_code == 422


def test_what_is_set_aside_stays_so_until_it_is_brought_back(asked):
    visit = asked.enter()
    assert "alert(1)" in read_review(visit)
    assert visit.post("/review/aside", text=HOSTILE).status_code == 303
    assert "alert(1)" not in read_review(visit)
    assert "alert(1)" in visit.get("/review/aside").text
    assert visit.post("/review/back", text=HOSTILE).status_code == 303
    assert "alert(1)" in read_review(visit)


def test_two_editors_set_one_wording_aside_at_once(asked):
    ada, bea = asked.enter("Ada"), asked.enter("Bea")
    waits = [bea]

    def come_between(connection, cursor, statement, *_):
        """Bea's form comes whole just before Ada's is written."""
        if "INTO review_acts" in statement and waits:
            assert waits.pop().post("/review/aside", text=HOSTILE).status_code == 303

    event.listen(asked.engine, "before_cursor_execute", come_between)
    try:
        assert ada.post("/review/aside", text=HOSTILE).status_code == 303
    finally:
        event.remove(asked.engine, "before_cursor_execute", come_between)
    assert waits == []
    assert "alert(1)" not in read_review(ada)


def test_a_new_question_begins_as_a_draft_and_says_what_it_lacks(asked):
    visit = asked.enter()
    draft = (
        visit.post("/review/question", text="is chocolate bad for tremor")
        .headers["location"]
        .removeprefix("/editor")
    )
    assert "is chocolate bad for tremor" in visit.get(draft).text
    answer = visit.post(
        draft,
        article="tremor",
        name="chocolate",
        ask="Is chocolate bad?",
        facet="food",
        train="one",
        test="two",
        text="No. [1]",
        then="put",
    )
    assert answer.status_code == 422
    assert "write at least 4" in answer.text and "write at least 4 phrases" in visit.get(draft).text
    assert visit.get("/drafts/999").status_code == 404


@pytest.mark.parametrize("path", ["/review/teach", "/review/aside", "/review/question"])
def test_a_reader_changes_nothing_in_the_review(asked, path):
    assert (
        asked.enter("Rea", "reader").post(path, text="a", question="hiccups.causes").status_code
        == 403
    )


def test_a_visitors_markup_is_text_in_the_review_and_in_its_conversation(asked):
    visit = asked.enter()
    with asked.engine.connect() as connection:
        id = connection.exec_driver_sql("SELECT conversation FROM turns WHERE id = 200").scalar()
    for page in (
        read_review(visit),
        visit.get(f"/conversations/{id}").text,
        visit.get("/conversations?outcome=not_covered").text,
    ):
        assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in visit.get(f"/conversations/{id}").text


def test_conversations_are_found_by_what_happened_in_them(asked):
    visit = asked.enter()
    assert visit.get("/conversations/nobody").status_code == 404
    assert "There is none like this" in visit.get("/conversations?release=none").text
    for found in conversations.list_conversations(
        asked.engine, conversations.Filter(outcome="clarify")
    ):
        assert "clarify" in found["outcomes"]


def test_without_a_session_no_conversation_is_read(asked):
    assert asked.visit().get("/conversations").status_code == 303
    assert asked.visit().get("/review").status_code == 303
