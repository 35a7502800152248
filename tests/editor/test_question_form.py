"""One form for a question, wherever it begins: a draft of the review, an article, or the draft of
one."""

import html
import re

import pytest
from playwright.sync_api import expect

from bot.store import drafts

FIELDS = {
    "article": "hiccups",
    "name": "fame",
    "ask": "Who had hiccups?",
    "facet": "fame",
    "about": "",
    "heading": "Who had them",
    "text": "Many had them. [1]",
    "train": "who had hiccups\nfamous hiccups\nwho had them long\nstars with hiccups",
    "test": "",
}


def begin(desk, **fields):
    """The path of a draft that somebody began."""
    kept = {**FIELDS, "id": FIELDS["name"], "train": FIELDS["train"].splitlines(), "test": []}
    del kept["name"]
    kept |= fields
    id = drafts.add_draft(desk.engine, kept["article"] or None, kept["ask"], kept, "Ada")
    return f"/drafts/{id}"


def read(page):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def field_names(page):
    """The names of a question's fields on its page."""
    form = page.partition('data-longest="60000"')[2].partition("</form>")[0]
    return set(re.findall(r'<(?:input|textarea|select) name="(\w+)"', form)) - {"csrf", "base"}


@pytest.fixture
def ada(desk):
    return desk.enter("Ada", "editor")


def test_a_question_has_one_form_wherever_it_begins(desk, ada):
    at = ada.post("/review/question", text="does fame bring hiccups").headers["location"]
    pages = [at.removeprefix("/editor"), "/articles/hiccups/fame", "/articles/hiccups/causes"]
    ada.post("/articles/new", text="Yawning\n\nCauses\n\nIt comes.\n", url="https://example.org/y")
    pages.append("/articles/drafts/yawning/causes")
    of_draft, *others = (field_names(ada.get(page).text) for page in pages)
    assert others == [others[0]] * 3 and of_draft == others[0] | {"article", "name"}
    assert "text" in others[0] and "train" in others[0]


def test_a_draft_shows_its_faults_sources_and_answer_as_an_article_does(desk, ada):
    page = read(ada.get(begin(desk)).text)
    assert "no fault" in page and "Reads at school grade" in page
    assert "Many had them." in page and "On the website" in page and "As Telegram" in page
    assert re.search(r"Sources of the article: \d+ \[1\]", page)


def test_what_is_typed_into_a_draft_is_looked_at_and_not_saved(desk, ada):
    at = begin(desk)
    look = ada.post(f"{at}/look-at", **FIELDS | {"text": "Nobody says who."}).text
    assert "names no source" in read(look) and 'href="#field-text"' in look
    assert "Nobody says who." not in ada.get(at).text
    assert "no fault" in read(ada.post(f"{at}/look-at", **FIELDS).text)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"article": ""}, "Choose the article that answers it."),
        ({"name": ""}, "Give it a short name"),
        ({"name": "causes"}, "has a question causes already"),
        ({"name": "article_info"}, "Give it a short name"),
        ({"facet": ""}, "names no side of its subject"),
        ({"train": ""}, "write at least 4"),
        ({"text": "## So"}, "begins with # is a heading"),
    ],
)
def test_what_a_draft_lacks_is_said_while_it_is_typed(desk, ada, fields, said):
    look = read(ada.post(f"{begin(desk)}/look-at", **FIELDS | fields).text)
    assert said in look


def test_a_draft_without_an_article_says_what_comes_once_one_is_chosen(desk, ada):
    page = read(ada.get(begin(desk, article="")).text)
    assert "Choose the article that answers it. Here you then see" in page
    assert "then it says here which phrases are wanted" in page


def test_a_draft_that_is_put_into_its_article_goes_on_to_its_page_there(desk, ada):
    answer = ada.post(begin(desk), then="put", **FIELDS)
    assert answer.status_code == 303, read(answer.text)
    assert answer.headers["location"] == "/editor/articles/hiccups/fame"
    page = ada.get("/articles/hiccups/fame").text
    assert "stands in its article now" in page and "Write or change its evidence" in page
    assert "There is none." in ada.get("/drafts").text


def test_a_new_question_of_an_article_has_no_evidence_and_nothing_to_take_out_yet(desk, ada):
    new, there = (ada.get(f"/articles/hiccups/{id}").text for id in ("fame", "causes"))
    assert "its-evidence" not in new and "Take the question out" not in new
    assert "its-evidence" in there and "Take the question out" in there
    base = re.search(r'name="base" value="([^"]+)"', new)[1]
    refused = ada.post("/articles/hiccups/fame", base=base, ask="Who had hiccups?")
    assert refused.status_code == 422 and "Take the question out" not in refused.text


def test_the_preview_of_a_draft_follows_its_article_in_a_browser(desk, open_tab):
    tab = open_tab("editor", viewport={"width": 1280, "height": 844})
    tab.goto(f"/editor{begin(desk, article='')}")
    look = tab.locator("#look")
    expect(look).to_contain_text("Choose the article")
    tab.get_by_label("Article that answers it").select_option("hiccups")
    expect(look).to_contain_text("On the website")
    tab.get_by_label("Answer", exact=False).last.press("End")
    tab.locator("[name=text]").fill("Nobody says who.")
    expect(look).to_contain_text("names no source")
    sources = look.get_by_text("Sources of the article")
    sources.click()
    tab.locator("[name=text]").fill("Many had them, and more. [1]")
    expect(look).to_contain_text("Many had them, and more.")
    expect(look.locator("details[open] > summary", has_text="Sources")).to_be_visible()
