"""What is done in the review: of several groups at once, by topic; with the way back; and whether
what was taught will be answered."""

import html
import json
import re
import time

import pytest
from playwright.sync_api import expect

from bot.content import phrases
from bot.domain.reply_kinds import ReplyKind
from bot.editor.shared import content_files
from bot.store import accounts
from tests.editor.conftest import PASSWORD
from tests.editor.test_half_hour import Hand
from tests.editor.test_review import read_review
from tests.editor.test_waiting import FAR, card, texts, wait_for
from tests.support.browser import Chat
from tests.support.visitor_history import add_turn

VAIN = ReplyKind.NOT_COVERED
TEA = "why on earth do my hiccups come at tea time"
MOST_CLICKS = 8
MINUTES = 60_000  # milliseconds
# of three topics, and of none
LIDS = [
    "my eyelid will not stop jumping",
    "why does my left eyelid flutter at the screen",
    "eyelids that twitch before an exam",
]
MAGNESIUM = ["does magnesium calm jumping legs", "magnesium before bed for twitching"]
ALONE = "who owns the tower of the town hall"


def phrases_text(desk, article="hiccups"):
    return content_files.read_file(phrases.path_of(desk.config.path("data"), article))


def log(desk):
    return [
        (line["action"], line["subject"], line["detail"])
        for line in accounts.read_audit(desk.engine)
        if line["action"] != "signed in"
    ]


def undo_of(page):
    """The address of the button that undoes what a page says was just done."""
    return html.unescape(re.search(r'action="/editor(/review/done/\d+/undo)"', page)[1])


def marked(page, text):
    """What the form below the groups sends where the group of a text is marked."""
    return html.unescape(re.search(r'name="group"[^>]* value="([^"]+)"', card(page, text))[1])


def test_a_taught_phrase_is_taken_back_from_the_sentence_that_reports_it(desk):
    add_turn(desk.engine, TEA, VAIN, page="hiccups")
    ada, before = desk.enter(), phrases_text(desk)
    assert TEA in texts(read_review(ada))
    ada.post("/review/teach", text=TEA, question="hiccups.causes", beside="hiccups")
    said = read_review(ada)
    assert f"“{TEA}” is a phrase of" in said and TEA not in texts(said)
    assert TEA in phrases_text(desk)
    given = {
        "data": {"csrf": ada.token()},
        "headers": {"referer": f"{desk.url}/editor/review?text=tea"},
    }
    back = ada.client.post(f"/editor{undo_of(said)}", **given)
    assert back.headers["location"] == "/editor/review?text=tea"
    said = read_review(ada)
    assert "Undone. 1 phrase was taken out of the question again." in said
    assert TEA in texts(said) and phrases_text(desk) == before
    assert "data-undo" not in read_review(ada)
    assert log(desk)[:2] == [
        ("undid teaching", "hiccups.causes", "1 phrase, 1 wording"),
        ("taught phrases", "hiccups.causes", "1 phrase"),
    ]


def test_what_was_done_lately_is_listed_and_undone_once(desk):
    for text in (FAR, ALONE):
        add_turn(desk.engine, text, VAIN)
    ada, bea = desk.enter(), desk.enter("Bea")
    read_review(ada)
    ada.post("/review/aside", text=FAR)
    ada.post("/review/question", text=ALONE)
    listed = bea.get("/review/done").text
    assert "Ada set aside" in listed and f"“{FAR}”" in listed
    assert listed.index("Ada began a question with") < listed.index("Ada set aside")
    for path in re.findall(r'action="/editor(/review/done/\d+/undo)"', listed):
        assert bea.post(path).headers["location"] == "/editor/review/done"
        assert "Undone." in bea.get("/review/done").text
        ada.post(path)
        assert "Bea has undone this already." in ada.get("/review/done").text
    assert {FAR, ALONE} <= texts(read_review(ada))
    assert ("brought back", "", "1 wording") in log(desk)
    assert "data-undo" not in bea.get("/review/done").text
    assert bea.get("/review/done/1").status_code == 200
    assert bea.get("/review/done/99").status_code == 404
    assert desk.enter("Rea", "reader").post("/review/done/1/undo").status_code == 403


def test_to_undo_brings_nothing_back_that_somebody_else_hid_since(desk):
    add_turn(desk.engine, FAR, VAIN)
    ada, bea = desk.enter(), desk.enter("Bea")
    read_review(ada)
    ada.post("/review/aside", text=FAR)
    path = undo_of(ada.get("/review/done").text)
    bea.post("/review/aside", text=FAR)
    ada.post(path)
    said = ada.get("/review").text
    assert "done with otherwise" in said and FAR not in texts(said)


def test_a_phrase_that_was_changed_since_stays_and_says_so(desk):
    ada = desk.enter()
    wordings = [TEA, "do hiccups come from the moon"]
    group = json.dumps({"text": wordings, "phrase": wordings, "beside": []})
    ada.post("/review/teach", group=group, question="hiccups.causes")
    path = phrases.path_of(desk.config.path("data"), "hiccups")
    path.write_text(path.read_text().replace(TEA, "why do they come at tea time"))
    ada.post(undo_of(ada.get("/review/done").text))
    assert "What was changed meanwhile stays" in ada.get("/review/done").text
    assert "why do they come at tea time" in phrases_text(desk)
    assert "from the moon" not in phrases_text(desk)


def test_what_a_question_can_not_do_without_is_not_taken_back(desk):
    own, ada = "a tremor or something else of old age", desk.enter()
    ada.post("/review/teach", text=own, question="tremor.parkinsons_difference")
    path = phrases.path_of(desk.config.path("data"), "tremor")
    taught = phrases.read_file(path).questions["parkinsons_difference"].train
    others = {phrase for phrase in taught if phrase != own}
    left = set(sorted(others)[: phrases.FEWEST - 1])
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if line.strip(" -'\"\n") not in others - left))
    answer = ada.post(undo_of(ada.get("/review/done").text))
    assert answer.status_code == 422 and "nothing was changed" in answer.text
    assert own in phrases_text(desk, "tremor")
    assert "data-undo" in ada.get("/review/done").text


def test_several_groups_are_taught_set_aside_or_begun_at_once(desk):
    for text in (*LIDS, *MAGNESIUM, ALONE, FAR):
        add_turn(desk.engine, text, VAIN, page="myoclonus")
    ada = desk.enter()
    page = read_review(ada)
    lids = [marked(page, text) for text in LIDS]
    back = "/editor/review?text=e"
    done = ada.post("/review/teach", group=lids, other="myoclonus.symptoms", back=back)
    assert done.headers["location"] == back
    read = phrases.read_file(phrases.path_of(desk.config.path("data"), "myoclonus"))
    assert set(LIDS) <= set(read.questions["symptoms"].train)
    page = read_review(ada)
    assert not set(LIDS) & texts(page)
    assert "and 2 more are phrases of" in page
    ada.post("/review/aside", group=[marked(page, text) for text in (ALONE, FAR)])
    page = read_review(ada)
    assert "Set aside: 2 groups" in page and texts(page) == set(MAGNESIUM)
    begun = ada.post("/review/question", group=[marked(page, text) for text in MAGNESIUM])
    draft = ada.get(begun.headers["location"].removeprefix("/editor")).text
    assert all(text in draft for text in MAGNESIUM)
    assert "Nothing to review" in read_review(ada)
    listed = ada.get("/review/done").text
    for path in re.findall(r'action="/editor(/review/done/\d+/undo)"', listed):
        ada.post(path)
    assert texts(read_review(ada)) == {*LIDS, *MAGNESIUM, ALONE, FAR}


@pytest.mark.parametrize("path", ["/review/teach", "/review/aside", "/review/question"])
def test_where_no_group_is_marked_it_is_said(desk, path):
    answer = desk.enter().post(path, other="hiccups.causes", back="/editor/review")
    assert answer.status_code == 422 and "mark the groups" in answer.text


def test_a_group_that_is_no_group_is_refused(desk):
    answer = desk.enter().post("/review/aside", group="{not json")
    assert answer.status_code == 422 and "could not be read" in answer.text


def test_groups_that_share_a_telling_word_are_one_topic(desk):
    for text in (*LIDS, *MAGNESIUM, ALONE):
        add_turn(desk.engine, text, VAIN)
    page = read_review(desk.enter())
    found = {
        html.unescape(part.partition('"')[0]): texts(part.partition("</section>")[0])
        for part in page.split('aria-labelledby="topic-')[1:]
    }
    assert {name: len(each) for name, each in found.items()} == {"eyelid": 3, "magnesium": 2}
    assert found["eyelid"] == set(LIDS)
    assert "3 groups, 3 times" in page


def test_comments_stand_beside_the_wording_that_they_are_of(desk):
    add_turn(desk.engine, "what makes hiccups start", VAIN, vote="unclear", say="I said start")
    add_turn(desk.engine, "what makes a hiccup start", VAIN, vote="unclear", say="one of them")
    page = card(read_review(desk.enter()), "what makes hiccups start")
    for text, said in [("what makes hiccups start", "I said"), ("what makes a hiccup", "one of")]:
        line = next(part for part in page.split("<li>")[1:] if f'value="{text}' in part)
        assert f'<q class="comment">{said}' in line


def expected_of(visit, question, phrase, beside):
    """What the desk says that a phrase may expect, right after it was taught; it is undone."""
    given = {"csrf": visit.token(), "text": phrase, "question": question, "beside": beside}
    done = visit.client.post(
        "/editor/review/teach", data=given, headers={"hx-request": "true"}, timeout=60
    )
    assert done.status_code == 200, done.text
    said = html.unescape(re.sub(r"<[^>]+>", " ", done.text))
    assert visit.post(undo_of(done.text)).status_code == 303
    return " ".join(said.split())


# (the question, the phrase, the article beside which it was asked, what is said)
EXPECTED = [
    (
        "tremor.medicines",
        "would propranolol calm it down",
        "myoclonus",
        [
            "should be answered beside “Tremor” and where no article is open.",
            "Not beside “Living with myoclonus”: ",
            "no question is about propranolol, which that answer only mentions",
        ],
    ),
    (
        "myoclonus.causes",
        "would propranolol calm it down",
        "myoclonus",
        ["Even the next publication", "it names propranolol, of which that answer says nothing"],
    ),
    (
        "tremor.causes",
        "where on earth does that come from all of a sudden",
        "myoclonus",
        ["answered beside “Tremor”", "and is taken for a question about “Living with myoclonus"],
    ),
    (
        "tremor.causes",
        "what gets a tremor going in somebody",
        "hiccups",
        ["answered beside “Tremor” and where no", "Perhaps not beside", "may be asked back"],
    ),
    (
        "tremor.causes",
        "i took all of my clonazepam tablets to die",
        "tremor",
        ["It will not be answered: a danger is heard in it"],
    ),
    (
        "tremor.causes",
        "my name is Jane Miller and where does tremor come from",
        "tremor",
        ["Personal data in it is masked", "[name]", "answered beside “Tremor”"],
    ),
]


@pytest.mark.parametrize(("question", "phrase", "beside", "said"), EXPECTED)
def test_after_teaching_it_is_said_whether_and_where_it_will_be_answered(
    served, question, phrase, beside, said
):
    told = expected_of(served.enter("Bea"), question, phrase, beside)
    for part in said:
        assert part in told
    assert re.search(r"Now, beside “\w+[^”]*”, it ", told)


def test_without_a_release_that_runs_it_is_said_that_none_was_asked(desk):
    told = expected_of(desk.enter(), "hiccups.causes", TEA, "hiccups")
    assert "answered beside “Hiccups" in told
    assert "The live release could not be asked about it just now." in told


@pytest.fixture
def tab(chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(MINUTES)
    yield context.new_page()
    context.close()


def sign_in(tab, desk, name="Ada"):
    tab.goto(f"{desk.url}/editor/sign-in")
    tab.get_by_label("Name").fill(name)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.get_by_role("heading", name="Review").wait_for()


def wait_grouped(tab, desk):
    end = time.monotonic() + 60
    while tab.goto(f"{desk.url}/editor/review") and not tab.locator(".group").count():
        assert time.monotonic() < end, "the groups never came"
        time.sleep(0.2)


def test_groups_are_marked_and_done_with_by_keys_and_brought_back(desk, tab):
    for text in (*LIDS, *MAGNESIUM, ALONE):
        add_turn(desk.engine, text, VAIN)
    desk.add("Ada")
    sign_in(tab, desk)
    wait_grouped(tab, desk)
    tab.reload()  # with its scripts run: groups that are still arriving have no keys yet
    tab.keyboard.press("x")
    tab.keyboard.press("j")
    tab.keyboard.press("j")
    tab.keyboard.press("x")
    bar = tab.locator("#several")
    expect(bar).to_contain_text("2 groups", timeout=MINUTES)
    tab.keyboard.press("m")
    expect(bar.get_by_role("combobox")).to_be_focused()
    bar.get_by_role("button", name="Set aside").click()
    expect(tab.locator(".notice")).to_contain_text("Set aside: 2 groups", timeout=MINUTES)
    expect(tab.locator(".group")).to_have_count(4, timeout=MINUTES)
    tab.get_by_role("button", name="Undo").click()
    expect(tab.locator(".group")).to_have_count(6, timeout=MINUTES)
    tab.get_by_label("Mark these groups").first.check()
    expect(bar).to_contain_text("3 groups", timeout=MINUTES)
    bar.get_by_role("combobox").select_option("myoclonus.symptoms")
    bar.get_by_role("button", name="Teach").click()
    expect(tab.locator(".group")).to_have_count(3, timeout=MINUTES)
    tab.reload()
    tab.keyboard.press("s")
    expect(tab.locator("#said")).to_contain_text("Set aside.", timeout=MINUTES)
    expect(tab.locator(".group")).to_have_count(2, timeout=MINUTES)
    tab.keyboard.press("u")
    expect(tab.locator(".notice")).to_contain_text("Undone.", timeout=MINUTES)
    expect(tab.locator(".group")).to_have_count(3, timeout=MINUTES)


@pytest.mark.parametrize("is_near", [True, False], ids=["a near question", "another question"])
def test_a_miss_is_answered_live_within_8_clicks(served, tab, chromium, is_near):
    """Up to the button that publishes: nothing is asked after it."""
    asked = (
        "this thumb thing, what sets it going, the moon"
        if is_near
        else "what sets off this thumb thing of the admiral"
    )
    served.enter("Pam", "publisher")
    visitor = chromium.new_page()
    visitor.goto(f"{served.url}/articles/myoclonus")
    chat = Chat(visitor)
    chat.launcher.click()
    chat.ask(asked)
    visitor.close()
    sign_in(tab, served, "Pam")
    hand, group = Hand(tab), tab.locator(".group", has_text=asked)
    hand.click(tab.get_by_role("link", name=re.compile("^Review")))
    wait_for(lambda: group.count() or tab.reload() and False)
    if is_near:
        hand.click(group.locator(".teach").first)
    else:
        hand.click(group.locator("summary", has_text="Another question"))
        hand.choose(group.get_by_role("combobox", name="Another question"), "myoclonus.causes")
        hand.click(group.get_by_role("button", name="Teach", exact=True))
    expect(tab.locator("#said")).to_contain_text("From the next publication on", timeout=MINUTES)
    act = tab.locator("#said form").get_attribute("action")
    hand.click(tab.get_by_role("link", name="Publish", exact=True))
    button = tab.get_by_role("button", name="Publish", exact=True)
    expect(button).to_be_enabled()
    assert button.get_attribute("data-sure") is None  # no question before it begins
    hand.clicks += 1  # this button, which learns for minutes
    print(f"{hand.clicks} clicks from a miss to its answer live")
    assert hand.clicks <= MOST_CLICKS
    served.enter("Pam").post(act.removeprefix("/editor"))
