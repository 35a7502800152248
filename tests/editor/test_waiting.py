"""What waits in the review: all that got no answer or a vote against it, found by words, page,
channel and day; what the live release answers by now is gone; and the number in the menu."""

import dataclasses
import datetime
import html
import re
import shutil
import time
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import insert, update

from bot.content import phrases
from bot.domain.reply_kinds import ReplyKind
from bot.editor.review import clustering, review_pages, waiting
from bot.editor.shared.state import State
from bot.releases import registry
from bot.runtime import settings
from bot.store import drafts, engine, review
from bot.store.tables import Ticket, Turn
from tests.editor.conftest import ROOT, running
from tests.editor.test_review import read_review
from tests.support.visitor_history import add_turn

FAR = "how tall is the tower of the town hall"  # from all that the articles answer


def settings_of(folder):
    """The settings of a desk with content of its own in a folder."""
    shutil.copytree(ROOT / "data", folder / "data")
    return dataclasses.replace(
        settings.read_settings({}),
        database_url=f"sqlite:///{folder}/desk.db",
        data=str(folder / "data"),
        var=str(folder),
        secret="a secret of the tests",
    )


def card(page, text):
    """What stands on the one card of the review that is about a text."""
    cards = [part.partition("</article>")[0] for part in page.split("<article ")[1:]]
    (found,) = [part for part in cards if f'value="{html.escape(text)}"' in part]
    return found


def texts(page):
    """The wordings of all cards."""
    found = re.findall(r'<input type="hidden" name="text" value="([^"]*)"', page)
    return {html.unescape(text) for text in found}


def wait_for(holds):
    """Wait until something is so, whatever runs behind the pages."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


# (what was asked, how it ended, the vote against that, why it waits)
IN_VAIN = [
    ("can a parrot wear a scarf", ReplyKind.PASSAGE, None, "quoted"),
    ("how tall is the tower", ReplyKind.CLARIFY, None, "asked back"),
    ("do fish sleep in winter", ReplyKind.NOT_COVERED, None, "not covered"),
    ("should i halve my dose of valproate", ReplyKind.PERSONAL_ADVICE, None, "declined"),
    ("who won the cup final", ReplyKind.OUT_OF_SCOPE, None, "declined"),
    ("can i drink wine on clonazepam", ReplyKind.PERSONAL_ADVICE, "inaccurate", "reported"),
    ("good morning to you", ReplyKind.TALK, "other", "not helpful"),
    ("my house is burning down", ReplyKind.EMERGENCY, "unclear", "not helpful"),
    ("why do hiccups begin", ReplyKind.ANSWER, "out_of_date", "reported"),
]


def test_no_vector_of_a_deleted_text_is_kept_where_only_filtered_views_are_read(tmp_path):
    config = settings_of(tmp_path)
    engine.migrate_database(config.database())
    kept = engine.connect_database(config.database())
    desk = State(config, kept)
    garden = review.Filter(words=("garden",))
    add_turn(kept, "is there a zebra in the garden", ReplyKind.NOT_COVERED)
    wait_for(lambda: clustering.read_groups(desk, garden))
    assert list(desk.asked.found) == ["is there a zebra in the garden"]
    with kept.begin() as connection:
        connection.execute(update(Turn).values(text=None))
    wait_for(lambda: not clustering.read_groups(desk, garden).groups)
    waiting.read_counts(desk)  # as every page of the desk does, for its menu
    wait_for(lambda: not desk.waiting.busy)
    assert desk.asked.found == {}
    kept.dispose()


def test_what_got_no_answer_or_a_vote_against_it_waits_with_what_visitors_said(desk):
    for text, outcome, vote, _ in IN_VAIN:
        add_turn(desk.engine, text, outcome, confidence=0.9, vote=vote, say=f"<b>{vote}</b>")
    page = read_review(desk.enter())
    for text, _, vote, why in IN_VAIN:
        shown = card(page, text)
        assert re.search(rf'<span class="tag[^"]*">{why}</span>', shown), text
        assert (f"<q>&lt;b&gt;{vote}&lt;/b&gt;</q>" in shown) == bool(vote), text


def test_what_was_answered_or_talk_does_not_wait(desk):
    add_turn(desk.engine, FAR, ReplyKind.ANSWER, confidence=0.9, question="hiccups.causes")
    add_turn(desk.engine, "thank you so much", ReplyKind.TALK)
    assert "Nothing to review" in read_review(desk.enter())


def test_a_refusal_that_a_visitor_reports_waits_with_what_he_said(served):
    asked = "can i drink wine on clonazepam"
    token = served.service.open(article="myoclonus")
    reply = served.service.ask(asked, token)[0]
    assert reply["kind"] != ReplyKind.ANSWER
    said = {
        "reply": reply["id"],
        "helpful": False,
        "reason": "inaccurate",
        "comment": "My GP lets me",
    }
    key = {"Authorization": f"Bearer {token}"}
    assert httpx.post(f"{served.url}/api/feedback", json=said, headers=key).status_code == 200
    shown = card(read_review(served.enter("Bea"), "?text=clonazepam&why=reported"), asked)
    assert "<q>My GP lets me</q>" in shown


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A desk where four messages wait, each other in words, channel, page and day."""
    with running(settings_of(tmp_path_factory.mktemp("library"))) as made:
        fill_library(made)
        yield made


def fill_library(desk):
    day = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
    late = day + datetime.timedelta(days=5)
    for text, more in {
        "Is there a zebra in the garden": {"page": "hiccups", "received_at": day},
        "which garden has roses": {"channel": "telegram", "received_at": late},
        "100% of my bus was late": {"received_at": late},
        "who painted the ceiling": {"received_at": day, "vote": "other", "question": "tics.causes"},
    }.items():
        add_turn(desk.engine, text, ReplyKind.NOT_COVERED, **more)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("text=GARDEN", {"Is there a zebra in the garden", "which garden has roses"}),
        ("text=garden+zebra", {"Is there a zebra in the garden"}),
        ("text=0%25", {"100% of my bus was late"}),
        ("text=no%00body", set()),
        ("channel=telegram", {"which garden has roses"}),
        ("article=hiccups", {"Is there a zebra in the garden"}),
        ("article=tics", {"who painted the ceiling"}),
        ("why=not+helpful", {"who painted the ceiling"}),
        ("until=2026-11-20", {"Is there a zebra in the garden", "who painted the ceiling"}),
        ("since=2026-11-21", {"which garden has roses", "100% of my bus was late"}),
        ("since=0001-01-01&until=9999-12-31&text=bus", {"100% of my bus was late"}),
        ("since=2026-11-21&text=garden&channel=web", set()),
    ],
)
def test_the_review_is_searched_and_filtered(library, query, found):
    page = read_review(library.enter(), f"?{query}")
    assert texts(page) == found
    assert ("Nothing like this waits" in page) == (not found)


@pytest.mark.parametrize(("why", "vote"), [("reported", "inaccurate"), ("not helpful", "unclear")])
def test_a_vote_is_found_by_its_reason_however_much_was_asked_since(desk, monkeypatch, why, vote):
    monkeypatch.setattr(waiting, "TURNS", 3)
    add_turn(desk.engine, "who painted the ceiling", ReplyKind.TALK, vote=vote)
    for number in range(5):
        add_turn(desk.engine, f"where is bus {number} going", ReplyKind.NOT_COVERED)
    page = read_review(desk.enter(), "?" + urlencode({"why": why}))
    assert texts(page) == {"who painted the ceiling"}


def test_a_wording_that_is_found_by_one_reason_is_shown_with_all_that_became_of_it(desk):
    for outcome, vote in [(ReplyKind.CLARIFY, None), (ReplyKind.TALK, "inaccurate")] * 2:
        add_turn(desk.engine, FAR, outcome, vote=vote)
    add_turn(desk.engine, "who painted the ceiling", ReplyKind.CLARIFY)
    page = read_review(desk.enter(), "?why=reported")
    assert texts(page) == {FAR}
    assert "<strong>4</strong> times" in page
    assert "asked back 2" in page and "reported 2" in page


def test_further_pages_what_waits_and_what_was_done_keep_the_filter(library, monkeypatch):
    ada = library.enter()
    monkeypatch.setattr(review_pages, "GROUPS", 1)
    page = read_review(ada, "?text=garden")
    assert 'href="/editor/review?text=garden&amp;page=2"' in page
    back = re.search(r'name="back" value="([^"]+)"', page)[1]
    (text,) = texts(page)
    done = ada.post("/review/aside", text=text, back=html.unescape(back))
    assert done.headers["location"] == "/editor/review?text=garden"
    ada.post("/review/back", text=text)
    away = ada.post("/review/aside", text="nobody asked this", back="https://example.org/")
    assert away.headers["location"] == "/editor/"
    monkeypatch.setattr(clustering, "read_groups", lambda *asked: None)
    waiting = ada.get("/review?text=garden").text
    assert 'hx-get="/editor/review?text=garden"' in waiting


def test_a_message_has_no_question_near_it_only_once_that_was_looked_up(desk):
    _, turn = add_turn(desk.engine, FAR, ReplyKind.NOT_COVERED)
    ada = desk.enter()
    page = ada.get(f"/review/teach/{turn}").text
    assert "are being looked up" in page and "No question is near it" not in page
    wait_for(lambda: "are being looked up" not in ada.get(f"/review/teach/{turn}").text)
    assert "No question is near it" in ada.get(f"/review/teach/{turn}").text


@pytest.mark.parametrize(
    ("texts", "ticked", "begun"),
    [
        (["hw tall is teh tower"], ["how tall is the tower"], ["how tall is the tower"]),
        (["how tall is [name]'s tower"], [], ["how tall is 's tower"]),
        (["one", "two", "three"], ["two"], ["two", "one", "three"]),
    ],
    ids=["mended", "as it was", "ticked"],
)
def test_a_new_question_begins_with_the_phrases_that_were_mended_or_ticked(
    desk, texts, ticked, begun
):
    answer = desk.enter().post("/review/question", text=texts, phrase=ticked)
    draft = int(answer.headers["location"].rpartition("/")[2])
    _, fields = drafts.read_draft(desk.engine, draft)
    assert fields["train"] == begun


def test_only_what_is_near_is_suggested_and_else_a_question_is_begun(desk):
    read = phrases.read_file(phrases.path_of(desk.config.path("data"), "hiccups"))
    alike = read.questions["causes"].train[0]
    for text, confidence in {FAR: 0.004, alike: 0.004, "is it the wind": 0.81}.items():
        understood = {"ranking": [["tics.causes", confidence]]}
        add_turn(desk.engine, text, ReplyKind.NOT_COVERED, understood=understood)
    page = read_review(desk.enter())
    far, near, sure = (card(page, text) for text in (FAR, alike, "is it the wind"))
    assert "No question is near it" in far and 'data-key="1"' not in far and "0 %" not in far
    assert re.search(r'value="hiccups\.causes" data-key="1".*?near in meaning', near, re.DOTALL)
    assert re.search(r'value="tics\.causes" data-key="1".*?81 % sure', sure, re.DOTALL)


@dataclasses.dataclass
class Bot:
    """Stands in for the live release. `answers`: {(text, page): (question, confidence)}; `runs`:
    whether it does."""

    release: str
    answers: dict = dataclasses.field(default_factory=dict)
    runs: bool = False
    asked: list = dataclasses.field(default_factory=list)

    async def rehearse(self, said, article=None, candidate=None):
        if not self.runs:
            raise registry.NoAnswer("Rasa is not running")
        self.asked.append((*(message["text"] for message in said), article))
        question, confidence = self.answers.get((said[-1]["text"], article), (None, 0.9))
        kind = ReplyKind.ANSWER if question else ReplyKind.NOT_COVERED
        reply = {"kind": kind, "question": question}
        turn = {"replies": [reply], "understood": {"confidence": confidence}}
        return [{**turn, "release": self.release} for _ in said]


@pytest.fixture
def answering(tmp_path):
    """(a desk, the Bot behind it)."""
    config = settings_of(tmp_path)
    bot = Bot(registry.live_release(config))
    with running(config, bot.rehearse) as made:
        yield made, bot


def test_what_the_live_release_answers_by_now_leaves_the_review(answering):
    desk, bot = answering
    vain = ReplyKind.NOT_COVERED
    conversation, _ = add_turn(
        desk.engine, "what is a tic", ReplyKind.ANSWER, confidence=0.9, page="tics"
    )
    add_turn(desk.engine, "and the bus", vain, conversation=conversation)
    add_turn(desk.engine, "who owns the tower", vain)
    down = {"question": "tics.causes", "confidence": 0.9, "vote": "not_what_was_asked"}
    add_turn(desk.engine, "why does snow fall", ReplyKind.ANSWER, **down)
    add_turn(desk.engine, "where do swans go", ReplyKind.ANSWER, **down)
    for page in ("tics", "hiccups"):
        add_turn(desk.engine, "does it rain", vain, page=page)
    add_turn(desk.engine, "when is easter", vain, release=bot.release)
    bot.answers |= {
        ("and the bus", "tics"): ("tics.causes", 0.9),
        ("who owns the tower", None): ("tics.causes", 0.55),
        ("why does snow fall", None): ("tics.causes", 0.9),
        ("where do swans go", None): ("tics.symptoms", 0.9),
        ("does it rain", "tics"): ("tics.causes", 0.9),
        ("when is easter", None): ("tics.causes", 0.9),
    }
    ada = desk.enter()
    waiting = texts(read_review(ada))
    assert len(waiting) == 6 and "and the bus" in waiting
    bot.runs = True
    wait_for(lambda: "is being asked" not in read_review(ada))
    assert texts(read_review(ada)) == {
        "who owns the tower",  # not surely
        "why does snow fall",  # with the answer that was voted down
        "does it rain",  # on one of its pages
        "when is easter",  # which the live release itself left unanswered
    }
    assert ("what is a tic", "and the bus", "tics") in bot.asked
    assert ("when is easter", None) not in bot.asked
    assert len(bot.asked) == len(set(bot.asked)) == 6


def test_a_real_release_empties_the_review(served):
    for text in ("what causes hiccups", FAR):
        add_turn(served.engine, text, ReplyKind.NOT_COVERED, page="hiccups")
    ada = served.enter("Bea")
    read_review(ada, "?since=2026-01-01")
    wait_for(lambda: "what causes hiccups" not in texts(read_review(ada, "?text=what+causes")))
    assert FAR in texts(read_review(ada, "?text=tower"))


def numbers(page):
    return {
        name: int(count) for name, count in re.findall(r'id="waits-(\w+)"[^>]*>(\d+)<span', page)
    }


def test_the_menu_counts_what_waits(desk):
    for text in (FAR, "who painted the ceiling", "Who painted the ceiling?"):
        add_turn(desk.engine, text, ReplyKind.NOT_COVERED)
    with desk.engine.begin() as connection:
        opened = {"opened_at": datetime.datetime.now(datetime.UTC)}
        fault = {"revision": "1", "reason": "inaccurate", **opened}
        rows = [{"question": name, **fault} for name in ("tics.causes", "hiccups.causes")]
        connection.execute(insert(Ticket), rows)
    ada = desk.enter()
    wait_for(lambda: numbers(ada.get("/articles").text) == {"review": 2, "reports": 2})
    given = {"csrf": ada.token(), "text": FAR}
    done = ada.client.post("/editor/review/aside", data=given, headers={"hx-request": "true"})
    assert numbers(done.text) == {"review": 1} and 'hx-swap-oob="true"' in done.text
    assert ada.post("/reports/1/end", how="mended").status_code == 303
    wait_for(lambda: numbers(ada.get("/articles").text) == {"review": 1, "reports": 1})
    ada.post("/review/back", text=FAR)
    wait_for(lambda: numbers(ada.get("/articles").text) == {"review": 2, "reports": 1})


def test_a_message_is_taught_from_its_conversation(desk):
    asked = "why do my [name] hiccups come at tea time"
    conversation, turn = add_turn(desk.engine, asked, ReplyKind.CLARIFY, page="hiccups")
    _, danger = add_turn(
        desk.engine, "i took it all", ReplyKind.EMERGENCY, conversation=conversation
    )
    ada = desk.enter()
    page = ada.get(f"/conversations/{conversation}").text
    assert f'href="/editor/review/teach/{turn}"' in page
    assert f"/review/teach/{danger}" not in page
    form = ada.get(f"/review/teach/{turn}").text
    phrase = "why do my hiccups come at tea time"
    assert f'name="phrase" value="{phrase}"' in form
    assert '<option value="hiccups.causes">' in form
    back = re.search(r'name="back" value="([^"]+)"', form)[1]
    nothing = ada.post("/review/teach", text=asked, phrase=phrase, question="", other="", back=back)
    assert nothing.status_code == 422 and "choose one of the list" in nothing.text
    done = ada.post("/review/teach", text=asked, phrase=phrase, other="hiccups.causes", back=back)
    assert done.headers["location"] == f"/editor/conversations/{conversation}"
    read = phrases.read_file(phrases.path_of(desk.config.path("data"), "hiccups"))
    assert phrase in read.questions["causes"].train
    assert "Nothing to review" in read_review(ada)
    reader = desk.enter("Rea", "reader")
    assert "teach this" not in reader.get(f"/conversations/{conversation}").text
    assert reader.get(f"/review/teach/{turn}").status_code == 403
    assert ada.get("/review/teach/999").status_code == 404
