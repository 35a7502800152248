"""The guide at the desk, the help beside each page, and the first steps of who is new."""

import html
import re

import pytest
from playwright.sync_api import expect

from bot.domain.reply_kinds import ReplyKind
from bot.editor.shared import content_cache, first_steps, guide, page_help, pages
from bot.editor.shared.state import State
from bot.runtime import settings
from bot.store import publications
from tests.support.visitor_history import add_turn, fill

OTHERS = {"drafts": "/drafts", "account": "/account", "search": "/search"}  # outside the menu


@pytest.fixture
def asked(desk):
    """A desk with messages of visitors."""
    fill(desk.engine, content_cache.read_articles(State(desk.config, desk.engine)), 300)
    return desk


def names_on(page):
    """What can be pressed, chosen, filled in or read as a heading on a page, by its words."""
    main = page.partition('<main id="main"')[2]
    own = re.sub(r'(?s)<details class="help.*?</form></div></details>', "", main)
    shown = re.findall(r"(?s)<(a|button|summary|label|h1|h2|h3|th|option)\b[^>]*>(.*?)</\1>", own)
    found = set()
    for _, inner in shown:
        text = re.sub(r"(?s)<(kbd|small|select|textarea)\b.*?</\1>", "", inner)
        found.add(" ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split()))
    return found


def read_help(page):
    """The help on a page; None where it has none."""
    found = re.search(r'(?s)<details class="help.*?<p>(.*?)</p>', page)
    return found and found[1]


def test_every_page_of_the_menu_has_its_help():
    rooms = {pages._room_of(at) for _, at, _ in pages.MENU}
    assert rooms - page_help.HELP.keys() == set()
    assert page_help.HELP.keys() - rooms == OTHERS.keys()


@pytest.mark.parametrize("room", page_help.HELP)
def test_a_help_is_short_and_its_section_is_in_the_guide(room):
    help = page_help.HELP[room]
    sentences = re.findall(r"[.!?](?= |$)", help.text)
    assert 2 <= len(sentences) <= 5, help.text
    assert len(help.text.split()) <= 80
    assert help.section in {section.title for section in guide.read_guide()}


def test_no_help_names_a_page_or_button_that_is_not_there(asked):
    ada = asked.enter("Ada", "admin")
    for text in ("one", "two"):
        add_turn(asked.engine, f"{text} that no article answers", ReplyKind.NOT_COVERED)
    wait_grouped(ada)
    paths = {pages._room_of(at): at.removeprefix("/editor") for _, at, _ in pages.MENU} | OTHERS
    menu = {title for title, _, _ in pages.MENU}
    for room, help in page_help.HELP.items():
        page = ada.get(paths[room]).text
        assert read_help(page) == str(help.html)
        named = set(page_help.NAME.findall(help.text))
        assert named - names_on(page) - menu == set(), room


def wait_grouped(visit):
    while "is being grouped" in visit.get("/review").text:
        pass


def test_pages_below_a_page_have_its_help_and_pages_for_signing_in_have_none(desk):
    ada = desk.enter("Ada", "editor")
    for path in ("/articles/new", "/articles/hiccups", "/articles/hiccups/causes"):
        assert read_help(ada.get(path).text) == str(page_help.HELP["articles"].html)
    assert read_help(desk.visit().get("/sign-in").text) is None


def test_the_guide_is_served_whole_with_its_sections_pictures_and_links(desk):
    rea = desk.enter("Rea", "reader")
    page = rea.get("/guide").text
    for section in guide.read_guide()[1:]:
        assert f'<h2 id="{section.anchor}"' in page
    for help in page_help.HELP.values():
        assert help.section == guide.read_guide()[0].title or f'id="{help.anchor}"' in page
    (image,) = re.findall(r'<img src="/editor(/[^"]+)"', page)
    assert rea.get(image).headers["content-type"] == "image/png"
    links = re.findall(r'<a href="([^"]+)"', page.partition('<div class="guide">')[2])
    assert [link for link in links if link.endswith(".md") or ".md#" in link] == []
    assert "<table>" in page and "<script>alert" not in page


def test_the_guide_is_read_in_ten_minutes():
    # at 250 words a minute, which grown-ups read
    assert len((settings.ROOT / guide.FILE).read_text().split()) <= 2_500


def test_a_question_mark_opens_the_help_and_closes_it_but_for_who_types(desk, open_tab):
    tab = open_tab("editor", viewport={"width": 1280, "height": 844})
    tab.goto("/editor/articles")
    help = tab.locator("#help")
    words = help.get_by_text("All answers stand in articles.")
    expect(words).to_be_hidden()
    tab.keyboard.press("?")
    expect(words).to_be_visible()
    tab.keyboard.press("?")
    expect(words).to_be_hidden()
    tab.locator("#desk-search").focus()
    tab.keyboard.press("?")
    expect(words).to_be_hidden()
    assert tab.locator("#desk-search").input_value() == "?"
    help.locator("summary").click()
    help.get_by_role("link", name="Read more in the guide").click()
    expect(tab.get_by_role("heading", name="Articles", exact=True)).to_be_in_viewport()


def steps_of(visit, path="/review"):
    """{title: whether it is ticked} of the first steps on a page; None where there are none."""
    page = visit.get(path).text
    if 'class="card first-steps"' not in page:
        return None
    found = re.findall(
        r'(?s)<li( class="done")?>(?:<span.*?</span>)?<a href="[^"]+">([^<]+)<', page
    )
    titles = {step.title for step in first_steps.STEPS}
    return {html.unescape(title): bool(done) for done, title in found if title in titles}


def test_who_is_new_finds_first_steps_by_what_they_may_do(desk):
    mine = {role: steps_of(desk.enter(role, role)) for role in ("reader", "editor", "publisher")}
    assert list(mine["reader"]) == ["Ask the bot something", "Read what a change does"]
    assert "Change an answer" in mine["editor"] and "Bring it to visitors" not in mine["editor"]
    assert "Bring it to visitors" in mine["publisher"]
    signs = steps_of(desk.enter("Bo", "clinician"), "/reviews")
    assert "Sign an answer" in signs and "Teach a phrase" not in signs
    assert not any(done for steps in (*mine.values(), signs) for done in steps.values())


def test_a_step_is_ticked_by_what_was_done_and_by_nothing_else(desk, git):
    ada = desk.enter("Ada", "editor")
    for path in ("/try", "/articles", "/publish"):
        ada.get(path)
    assert not any(steps_of(ada).values())
    ada.post("/review/teach", text="whence my hics", question="hiccups.causes")
    assert [title for title, done in steps_of(ada).items() if done] == ["Teach a phrase"]
    page = html.unescape(ada.get("/articles/hiccups/causes").text)
    base = re.search(r'name="base" value="([^"]+)"', page)[1]
    fields = dict(re.findall(r'<input name="(\w+)"[^>]* value="([^"]*)"', page))
    for name in ("text", "train", "test"):
        fields[name] = re.search(rf'(?s)<textarea name="{name}"[^>]*>(.*?)</textarea>', page)[1]
    at = "/articles/hiccups/causes"
    assert ada.post(at, base=base, then="save", **fields).status_code == 303
    assert not steps_of(ada)["Change an answer"]  # nothing was changed
    fields["ask"] = "Whence do hiccups come?"
    assert ada.post(at, base=base, then="save", **fields).status_code == 303
    assert steps_of(ada)["Change an answer"]
    assert not any(steps_of(desk.enter("Bea", "editor")).values())


def test_a_comparison_that_was_read_is_ticked_and_noted_once(desk):
    ada = desk.enter("Pia", "publisher")
    made = publications.begin_publication(desk.engine, "publish", "Ada")
    report = {"right": 1, "offered": 0, "wrong": 0, "total": 1, "missed": []}
    found = {"asked": 0, "gained": [], "lost": [], "changed": [], "rewritten": {}}
    publications.end_publication(
        desk.engine, made, "withdrawn", "20260102-000000-0a1b2c3d", [], report, found
    )
    for _ in range(2):
        assert ada.get(f"/publish/{made}").status_code == 200
    assert steps_of(ada)["Read what a change does"]
    assert ada.get(f"/audit?action={first_steps.COMPARED}").text.count("<td>Pia</td>") == 1


def test_the_first_steps_are_put_away_and_brought_back_also_by_a_reader(desk):
    rea = desk.enter("Rea", "reader")
    answer = rea.post("/account/first-steps", then="away")
    assert answer.status_code == 303 and answer.headers["location"] == "/editor/"
    assert steps_of(rea) is None
    assert steps_of(desk.enter("Bea", "reader")) is not None
    assert "Show the first steps" in rea.get("/articles").text
    rea.post("/account/first-steps", then="back")
    assert steps_of(rea) is not None
    assert steps_of(rea, "/articles") is None  # on the first page alone


def test_the_first_steps_say_what_teaching_publishing_and_reviewing_are(desk):
    page = desk.enter("Ada", "editor").get("/review").text
    for word in ("Teaching", "Publishing", "Reviewing"):
        assert f"<strong>{word}</strong>" in page
