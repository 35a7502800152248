"""A draft beside what is proposed for it: sides, phrases, its term, what visitors asked in vain,
a message that is tried; saved together, and made an article with nothing lost."""

import html
import re
import time

import pytest
import yaml

from bot.content import articles, facets, phrases, site_content, terms
from bot.domain.reply_kinds import ReplyKind
from bot.editor.shared import content_files
from tests.editor.test_imports import paragraph, word
from tests.support.visitor_history import add_turn

REFERENCES = [("References", "Heading2"), "1. Ann A. Moving toes. 2019. https://example.org/toes"]
TOES = [
    ("Painful legs", "Heading1"),
    ("What is it?", "Heading2"),
    "Painful legs, also called moving toes or leg twitches, are rare. The toes move alone. [1]",
    ("Causes", "Heading2"),
    "Painful legs (PLMT) may follow a hurt nerve. [1]",
    ("Warm baths", "Heading2"),
    "A warm bath helps some people for an hour. [1]",
    *REFERENCES,
]


def write_word(parts):
    """The bytes of a Word file with these paragraphs, each a text or (text, style)."""
    listed = [(part, None) if isinstance(part, str) else part for part in parts]
    return word("".join(paragraph(text, style) for text, style in listed))


def bring_in(visit, data, name="file.docx"):
    """The path of the draft that the desk makes of a file."""
    sent = visit.client.post(
        "/editor/articles/new", data={"csrf": visit.token()}, files={"file": (name, data)}
    )
    assert sent.status_code == 303, sent.text
    return sent.headers["location"].removeprefix("/editor")


def form_of(page):
    """What the draft's page would send as it stands: {name: value}."""
    page = (
        page.partition('name="base"')[0].rpartition("<form ")[2]
        + page.partition('name="base"')[1]
        + page.partition('name="base"')[2]
    )
    found = {"base": ""}
    for field in re.findall(r"<input[^>]*>", page):
        named = re.search(r'name="([^"]*)"', field)
        value = re.search(r'value="([^"]*)"', field)
        is_off = 'type="checkbox"' in field and " checked" not in field
        if named and named[1] != "csrf" and not is_off:
            found[named[1]] = html.unescape(value[1]) if value else ""
    for name, said in re.findall(r'<textarea name="([^"]*)"[^>]*>([^<]*)</textarea>', page):
        found[name] = html.unescape(said)
    for name, options in re.findall(r'<select name="([^"]*)"[^>]*>(.*?)</select>', page, re.DOTALL):
        first = re.search(r"<option(?: value=\"([^\"]*)\")?[^>]*>([^<]*)", options)
        found[name] = html.unescape(first[2] if first[1] is None else first[1])
    return found


def read_part(visit, path):
    """A part of a page that comes once the texts are compared."""
    end = time.monotonic() + 60
    while "load delay:2s" in (part := html.unescape(visit.get(path).text)):
        assert time.monotonic() < end, part
        time.sleep(0.2)
    return part


@pytest.fixture
def ada(desk):
    return desk.enter("Ada", "editor")


def test_each_section_says_its_side_and_why_and_how_visitors_are_understood(desk, ada):
    at = bring_in(ada, write_word(TOES))
    page = html.unescape(ada.get(at).text)
    assert "Its heading says “Causes”." in page
    common = facets.read_facets(desk.config.path("data"))["causes"]
    named = next(phrase for phrase in common if facets.TERM in phrase)
    assert named.replace(facets.TERM, "painful legs") in page
    assert "A side of its own" in page or "a side of its own" in page
    wanted = phrases.FEWEST - 1  # the heading is the first
    assert f"it wants {wanted} more" in page


def test_a_chosen_side_and_own_phrases_are_saved_together(desk, ada):
    at = bring_in(ada, write_word(TOES))
    form = form_of(ada.get(at).text)
    own = "do warm baths help painful legs\nis a bath good for it\nhot baths\nbathing"
    form |= {"facet.causes": "triggers", "phrases.warm_baths": own}
    form |= {"phrase.warm_baths.0": "does a bath stop it", "title": "Painful legs, moving toes"}
    assert ada.post(at, **form).status_code == 303
    path = content_files.draft_path(desk.config, at.rpartition("/")[2])
    front = yaml.safe_load(articles.split_front_matter(path.read_text())[0])
    assert front["questions"]["causes"]["facet"] == "triggers"
    assert front["title"] == "Painful legs, moving toes"
    taught = phrases.read_file(content_files.phrases_path(desk.config, path.stem, draft=True))
    assert taught.questions["warm_baths"].train == (*own.splitlines(), "does a bath stop it")
    assert "it has enough" in ada.get(at).text


def test_a_new_term_goes_into_the_terms_list_with_the_names_that_the_text_gives(desk, ada):
    before = (desk.config.path("data") / "terms.yml").read_text()
    at = bring_in(ada, write_word(TOES))
    page = html.unescape(ada.get(at).text)
    assert "The terms list doesn’t have it yet" in page
    assert "“leg twitches”, too, which names myoclonus" in page
    form = form_of(ada.get(at).text)
    assert {form["other.0"], form["other.1"]} == {"moving toes", "PLMT"}
    assert ada.post(at, **form | {"others": "moving toes syndrome"}).status_code == 303
    after = (desk.config.path("data") / "terms.yml").read_text()
    line = "  painful legs: [moving toes, PLMT, moving toes syndrome]\n"
    assert after.replace(line, "") == before and line in after
    assert terms.read_terms(desk.config.path("data"))[2] == []
    assert "It is in the terms list" in ada.get(at).text


def test_a_name_of_another_term_is_refused_and_what_was_written_stays(desk, ada):
    at = bring_in(ada, write_word(TOES))
    form = form_of(ada.get(at).text) | {"others": "tremors", "phrases.warm_baths": "hot baths"}
    answer = ada.post(at, **form)
    assert answer.status_code == 422
    assert "“tremors” names tremor in the terms list" in html.unescape(answer.text)
    assert "hot baths" in answer.text
    assert "painful legs:" not in (desk.config.path("data") / "terms.yml").read_text()


def test_two_editors_who_write_phrases_of_one_draft_both_keep_theirs(desk, git, ada):
    at = bring_in(ada, write_word([*TOES[:5], ("Cold baths", "Heading2"), "Some. [1]", *TOES[5:]]))
    bob = desk.enter("Bob", "editor")
    form = form_of(ada.get(at).text)
    assert bob.post(at, **form, **{"phrase.cold_baths.0": "do cold baths do"}).status_code == 303
    saved = ada.post(at, **form | {"phrase.warm_baths.0": "do warm baths do"})
    assert saved.status_code == 303, saved.text
    path = content_files.phrases_path(desk.config, at.rpartition("/")[2], draft=True)
    own = phrases.read_file(path).questions
    assert "do cold baths do" in own["cold_baths"].train
    assert "do warm baths do" in own["warm_baths"].train


def test_a_term_that_another_article_has_is_said_and_makes_no_article(desk, ada):
    text = "Hiccups\n\nWhy\n\nThey come and go.\n"
    sent = ada.post("/articles/new", text=text, url="https://example.org/hiccups")
    at = sent.headers["location"].removeprefix("/editor")
    assert "is an article about hiccups already" in ada.get(at).text
    refused = ada.post(f"{at}/make-article", **form_of(ada.get(at).text) | {"evidence": "none"})
    assert refused.status_code == 422 and "put these sections into it" in refused.text


def test_what_is_sent_with_make_it_an_article_is_saved_and_its_phrases_go_along(desk, git, ada):
    at = bring_in(ada, write_word(TOES))
    form = form_of(ada.get(at).text)
    form |= {"evidence": "none", "phrases.warm_baths": "\n".join(f"bath {n}" for n in "abcd")}
    answer = ada.post(f"{at}/make-article", **form)
    assert answer.status_code == 303, re.findall("<li>(.*?)</li>", answer.text)
    data, id = desk.config.path("data"), at.rpartition("/")[2]
    assert site_content.check_content(data) == []
    article = site_content.load_content(data).articles[id]
    taught = {question.name: question.train for question in article.questions}
    assert taught[f"{id}.warm_baths"] == ("bath a", "bath b", "bath c", "bath d")
    assert taught[f"{id}.causes"] == ()
    assert list(data.glob(".drafts/*")) == []
    assert article.sources[0].url == "https://example.org/toes"


def test_what_visitors_asked_in_vain_stands_beside_the_draft(desk, ada):
    asked = {
        "what causes painful legs": "It now answers",
        "do warm baths help against painful legs": "These may teach its own questions",
        "can i fly a plane with painful legs": "It may still not answer",
    }
    for text in asked:
        add_turn(desk.engine, text, ReplyKind.NOT_COVERED)
    add_turn(desk.engine, "what causes hiccups in winter", ReplyKind.NOT_COVERED)
    part = read_part(ada, f"{bring_in(ada, write_word(TOES))}/asked-in-vain")
    for text, title in asked.items():
        said = part.partition(title)[2].partition("<h3>")[0]
        assert f"“{text}”" in said, (text, part)
    assert "hiccups" not in part


def test_a_message_is_tried_on_a_draft(ada):
    at = bring_in(ada, write_word(TOES))
    part = read_part(ada, f"{at}/tried-message?text=why do people get painful legs")
    assert "What causes painful legs?" in part and "may follow a hurt nerve" in part


def test_two_sides_that_are_one_are_a_fault_of_their_field(desk, ada):
    at = bring_in(ada, write_word(TOES))
    form = form_of(ada.get(at).text) | {"facet.warm_baths": "causes", "evidence": "none"}
    refused = ada.post(f"{at}/make-article", **form)
    assert refused.status_code == 422
    assert "“warm_baths” and “causes” are both the causes of painful legs" in html.unescape(
        refused.text
    )
    assert re.search(r'href="#field-facet\.\w+">Side of the subject</a>', refused.text)


def test_a_reader_sees_a_draft_and_changes_nothing(desk, ada):
    at = bring_in(ada, write_word(TOES))
    rea = desk.enter("Rea", "reader")
    form = form_of(ada.get(at).text)
    assert rea.get(at).status_code == 200
    assert rea.post(at, **form).status_code == 403
    assert rea.post(f"{at}/make-article", **form).status_code == 403


def test_what_is_sent_with_write_it_is_saved_and_the_question_is_begun(desk, ada):
    at = bring_in(ada, write_word(TOES))
    form = form_of(ada.get(at).text) | {"new": "Cold baths?", "title": "Legs that hurt"}
    form |= {"phrases.warm_baths": "hot baths", "others": "moving toes syndrome"}
    answer = ada.post(at, **form)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/editor{at}/cold_baths"
    page = ada.get(at).text
    assert 'value="Legs that hurt"' in page and "hot baths" in page
    assert "moving toes syndrome" in (desk.config.path("data") / "terms.yml").read_text()


def test_what_can_name_no_question_is_refused_and_what_was_written_stays(ada):
    at = bring_in(ada, write_word(TOES))
    for name in ("2 sides", "причины", "article info"):
        form = form_of(ada.get(at).text) | {"new": name, "title": "Legs that hurt"}
        answer = ada.post(at, **form)
        assert answer.status_code == 422
        assert f"“{name}” can't name a question" in html.unescape(answer.text)
        assert 'value="Legs that hurt"' in answer.text and f'value="{name}"' in answer.text
        assert 'value="Legs that hurt"' not in ada.get(at).text


def test_what_is_no_article_yet_is_saved_all_the_same_and_the_page_says_so(desk, ada):
    at = bring_in(ada, write_word(TOES))
    form = form_of(ada.get(at).text) | {"title": "Legs that hurt", "new": "Cold baths"}
    answer = ada.post(f"{at}/make-article", **form)
    assert answer.status_code == 422 and "What you wrote is saved in the draft" in answer.text
    assert "data-unsaved" not in answer.text
    path = content_files.draft_path(desk.config, at.rpartition("/")[2])
    assert "title: Legs that hurt" in path.read_text()
    refused = ada.post(at, **form | {"others": "tremors"})
    assert refused.status_code == 422 and "data-unsaved" in refused.text
