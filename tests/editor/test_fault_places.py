"""Every fault that the desk's forms can cause: its page says the field's own label, a sentence and
a link to the field, and names no file and no key of one."""

import html as entities
import re
from dataclasses import dataclass

import pytest
from lxml import html

from bot.domain.faults import Fault
from bot.editor.shared import content_files, fault_places
from bot.store import drafts
from tests.editor.test_article_pages import base_of, form, import_text
from tests.editor.test_evidence_pages import form_of, place_of
from tests.editor.test_stories import send

ARTICLE, QUESTION = "/articles/hiccups", "/articles/hiccups/causes"
EVIDENCE, SAYS = (
    "/articles/hiccups/what_is/its-evidence",
    "A hiccup is a sudden squeeze of the diaphragm that nobody means to make.",
)
# a file's name, a key with its value, words of a file between marks of code
OF_FILES = re.compile(r"\.(?:yml|md|txt)\b|\bdata/|`|\b[a-z]+_[a-z_]+:|^[a-z_]+: ")


@dataclass(frozen=True)
class Read:
    """A fault as it is read: the label of its link, its sentence, and where the link leads; `name`:
    of the field on this page, "" where it leads to another."""

    label: str
    text: str
    link: str
    name: str


def read_faults(answer):
    """The faults of a page's summary. Each says no word of files; each that leads to a field of the
    page leads to one that is marked as wrong, has the label, and the sentence beside it."""
    page = html.fromstring(answer.text)
    found = []
    for item in page.xpath("(//ul[@class='faults'])[1]/li"):
        (link,) = item.xpath(".//a") or [None]
        label = link.text_content() if link is not None else ""
        text = item.text_content().removeprefix(f"{label}: ").strip()
        assert not OF_FILES.search(text) and not OF_FILES.search(label), (label, text)
        leads_to = link.get("href") if link is not None else ""
        name = leads_to.removeprefix("#field-") if leads_to.startswith("#field-") else ""
        if name:
            look_at_field(page, name, label, text)
        found.append(Read(label, text, leads_to, name))
    return found


def look_at_field(page, name, label, text):
    """What a field must have that a fault leads to."""
    (field,) = page.xpath("//*[@id=$id]", id=f"field-{name}")
    if field.tag == "button":
        return
    assert field.get("aria-invalid") == "true", name
    (beside,) = page.xpath("//*[@id=$id]", id=field.get("aria-describedby"))
    assert text in " ".join(beside.text_content().split()), (text, beside.text_content())
    around = next(field.iterancestors("label"), None)
    own = " ".join((around.text or "").split()) if around is not None else ""
    own = own or " ".join("".join(around.itertext()).split())
    bare = re.sub(r"^(?:\[\d+\]|Row \d+,|Message \d+,) ", "", label.partition(", line ")[0])
    is_offer = name.startswith("offer.")  # whose label is that of all three
    assert is_offer or own.lower().startswith(bare.lower()) or name == "file", (own, bare)


def refused(answer, name, said):
    """Whether a form came back with this sentence at this field."""
    assert answer.status_code == 422, answer.text
    faults = read_faults(answer)
    assert any(each.name == name and said in each.text for each in faults), faults
    return True


@pytest.mark.parametrize(
    ("fields", "name", "said"),
    [
        ({"title": ""}, "title", "The title is missing"),
        ({"title": "You should stop taking it"}, "title", "decides about a medicine"),
        ({"title": "A {brace}"}, "title", "holds a brace"),
        ({"about": ""}, "about", "The condition that the article is about is missing"),
        ({"about": "nosuch"}, "about", "“nosuch” is not a term of the terms list"),
        ({"written_by": ""}, "written_by", "Nobody is named who wrote the article"),
        ({"written_on": "lately"}, "written_on", "must be one that exists"),
        ({"written_on": "2999-01-01"}, "written_on", "is in the future"),
        ({"review_every": "yearly"}, "review_every", "must be a number of days"),
        ({"evidence": "perhaps"}, "evidence", "choose one of the two"),
        ({"url": "https://a b.example"}, "url", "holds a blank"),
        ({"source.1.title": ""}, "source.1.title", "Source 1 needs a title"),
        ({"source.1.url": ""}, "source.1.url", "Source 1 needs an address"),
        ({"source.1.url": "javascript:x"}, "source.1.url", "which opens no page"),
        ({"source.1.date": "lately"}, "source.1.date", "The date of source 1"),
        ({"source.1.changed": "x"}, "source.1.changed", "on which source 1 changed"),
        ({"source.1.withdrawn": "x"}, "source.1.withdrawn", "on which source 1 was withdrawn"),
    ],
)
def test_a_fault_of_an_articles_particulars_stands_at_its_field(desk, fields, name, said):
    ada = desk.enter("Ada", "editor")
    sent = {**form_of(ada.get(ARTICLE).text), **fields}
    assert refused(ada.post(ARTICLE, **sent), name, said)


def test_a_source_that_is_taken_out_leads_to_the_answers_that_cite_it(desk):
    ada = desk.enter("Ada", "editor")
    sent = form_of(ada.get(ARTICLE).text)
    gone = {name: "" for name in sent if name.startswith("source.1.")}
    faults = read_faults(answer := ada.post(ARTICLE, **{**sent, **gone}))
    assert answer.status_code == 422
    theirs = [each for each in faults if each.link.startswith(f"/editor{ARTICLE}/what_is#")]
    assert theirs and all("source [1] is not listed" in each.text.lower() for each in theirs)
    assert theirs[0].label.startswith("Hiccups, what is: Answer, line ")
    there = html.fromstring(ada.get(theirs[0].link.removeprefix("/editor")).text)
    assert there.xpath("//textarea[@id='field-text']")


def test_an_article_without_sources_is_told_where_to_name_one(desk):
    ada = desk.enter("Ada", "editor")
    sent = form_of(ada.get(ARTICLE).text)
    gone = {name: "" for name in sent if name.startswith("source.")}
    assert refused(ada.post(ARTICLE, **{**sent, **gone}), "source.1.title", "names no source")


@pytest.mark.parametrize(
    ("fields", "name", "said"),
    [
        ({"ask": ""}, "ask", "has no wording"),
        ({"ask": "Why? {so}"}, "ask", "holds a brace"),
        ({"heading": "Why {so}"}, "heading", "holds a brace"),
        ({"facet": ""}, "facet", "names no side of its subject"),
        ({"facet": "definition"}, "facet", "give one another side of the subject"),
        ({"facet": "treatments"}, "facet", "give one another side of the subject"),
        ({"about": "nosuch"}, "about", "not a term of the terms list"),
        ({"text": ""}, "text", "The section has no text"),
        ({"text": "Nobody knows."}, "text", "names no source"),
        ({"text": "Nobody knows. [99]"}, "text", "Source [99] is not listed"),
        ({"text": "One. [1]\n\nA <b>bold</b> word. [1]"}, "text", "Holds HTML"),
        ({"text": "Yes. It is so. [1]"}, "text", "The lead says"),
        ({"text": "It is so. " * 50 + "[1]"}, "text", "The lead has"),
        ({"text": "One. [1]\n\n## More\n\nTwo. [1]"}, "text", "begins with # is a heading"),
        ({"text": "One. [1]\n\n## More {#more}\n\nTwo. [1]"}, "text", "begins with # is a heading"),
        ({"text": "One. [1]\n\n# More"}, "text", "begins with # is a heading"),
        ({"facet": "fame", "train": "why"}, "train", "write at least 4"),
        ({"train": "..."}, "train", "The phrase is empty"),
        ({"train": "why " * 100}, "train", "keep it under 300"),
        ({"train": "what are hiccups"}, "train", "stands in hiccups.what_is too"),
        ({"test": "good morning"}, "test", "stands in greeting of the talk too"),
        ({"test": "causes of hiccups"}, "test", "is taught for every article already"),
    ],
)
def test_a_fault_of_a_question_stands_at_its_field(desk, fields, name, said):
    ada = desk.enter("Ada", "editor")
    base = base_of(ada.get(QUESTION).text)
    assert refused(ada.post(QUESTION, base=base, **form(desk, **fields)), name, said)
    look = ada.post(f"{QUESTION}/look-at", **form(desk, **fields)).text
    listed = entities.unescape(look.partition("</ul>")[0])
    assert (
        said in listed
        and f'href="#field-{name}"' in listed
        and not OF_FILES.search(html.fromstring(listed).text_content().replace("\n", " "))
    )


@pytest.mark.parametrize(
    ("fields", "name", "said"),
    [
        ({"article": ""}, "article", "Choose the article"),
        ({"name": "Side effects"}, "name", "Give it a short name"),
        ({"name": "causes"}, "name", "has a question causes already"),
        ({"ask": ""}, "ask", "has no wording"),
        ({"facet": ""}, "facet", "names no side of its subject"),
        ({"text": "## So"}, "text", "begins with # is a heading"),
        ({"text": "So."}, "text", "names no source"),
        ({"train": ""}, "train", "write at least 4"),
        ({"test": "good morning"}, "test", "stands in greeting of the talk too"),
    ],
)
def test_a_fault_of_a_draft_stands_at_its_field(desk, fields, name, said):
    ada = desk.enter("Ada", "editor")
    whole = {
        "article": "hiccups",
        "name": "fame",
        "ask": "Who had hiccups?",
        "facet": "fame",
        "heading": "Who had them",
        "text": "Many had them. [1]",
        "train": "who had hiccups\nfamous hiccups\nwho had them long\nstars with hiccups",
    }
    kept = {**dict.fromkeys(("about", "test"), ""), **whole, "id": "fame", "train": [], "test": []}
    id = drafts.add_draft(desk.engine, "hiccups", "Who?", kept, "Ada")
    answer = ada.post(f"/drafts/{id}", then="put", **{**whole, **fields})
    assert refused(answer, name, said)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("{n}.0.verdict", "by_several", "by_several with one source only"),
        ("{n}.0.verdict", "not found", "“not found” is no verdict"),
        ("{n}.0.where", "", "The place is missing"),
        ("{n}.0.states", "", "What the source says is missing"),
        ("reading.1.on", "lately", "has no date of reading"),
        ("reading.1.date", "last spring", "The date must be that of the version read"),
        ("reading.1.read", "in a dream", "Source 1 was never read"),
    ],
)
def test_a_fault_of_evidence_stands_at_its_field(desk, field, value, said):
    ada = desk.enter("Ada", "editor")
    fields = form_of(ada.get(EVIDENCE).text)
    name = field.format(n=place_of(fields, SAYS))
    assert refused(ada.post(EVIDENCE, **{**fields, name: value}), name, said)


@pytest.mark.parametrize(
    ("changes", "name", "said"),
    [
        ({"name": ""}, "name", "Give it a name"),
        ({"name": "x" * 121}, "name", "121 characters; at most 120"),
        ({"says_0": "x" * 501}, "says.0", "501 characters; at most 500"),
        ({"gets_0": ""}, "gets.0", "Choose what the bot answers"),
        ({"gets_0": "Why is the sky blue?"}, "gets.0", "No question is worded"),
        ({"offer_0": "thanks"}, "offer.0", "can’t be offered"),
        ({"page": "nosuch"}, "page", "none of the articles"),
        ({"gets_0": "thanks", "says_0": ""}, "says.0", "Write what the visitor says"),
    ],
)
def test_a_fault_of_a_test_conversation_stands_at_its_field(desk, changes, name, said):
    ada, at = desk.enter("Ada", "editor"), "/stories/test_conversation/new"
    told = {"name": "a new one", "says_0": "why", "gets_0": "What causes hiccups?", **changes}
    assert refused(send(ada, at, ada.get(at).text, "save", **told), name, said)


def test_a_story_of_a_name_that_there_is_and_one_without_messages_say_so(desk):
    ada, at = desk.enter("Ada", "editor"), "/stories/story/new"
    page = ada.get(at).text
    told = {"name": "a new one", "gets_0": "What causes hiccups?"}
    assert send(ada, at, page, "save", **told).status_code == 303
    assert refused(send(ada, at, page, "save", **told), "name", "There is one named")
    answer = ada.post(at, name="nothing", base=base_of(page), then="save")
    assert refused(answer, "turns", "Add a message")


@pytest.mark.parametrize(
    ("table", "cells", "cell", "said"),
    [
        ("terms", ("illnesses", "x", ""), "first", "is no kind"),
        ("terms", ("conditions", "", "x"), "second", "The name is empty"),
        ("terms", ("conditions", "myoclonus", ""), "second", "This stands in row"),
        ("terms", ("conditions", "gripes", "hiccough"), "third", "names hiccups too"),
        ("talk", ("hello", "train", "x"), "first", "is no topic"),
        ("talk", ("greeting", "teach", "x"), "second", "is no use"),
        ("talk", ("greeting", "train", "..."), "third", "The phrase is empty"),
        ("talk", ("greeting", "train", "what causes hiccups"), "third", "hiccups.causes too"),
        ("safety", ("flag", "x", "y"), "first", "is no list"),
        ("safety", ("words", "", "a"), "second", "The name is empty"),
        ("safety", ("words", "figure", ""), "third", "The entry is empty"),
        ("safety", ("words", "figure", "a, b"), "third", "One row is one wording"),
        ("safety", ("must be caught", "nosuch", "y"), "second", "made by who looks after"),
        ("safety", ("must be caught", "stroke", "i like cheese"), "third", "i like cheese"),
    ],
)
def test_a_fault_of_a_new_row_stands_at_its_cell_and_the_row_stays(
    desk, warm, table, cells, cell, said
):
    ada = desk.enter("Ada", "editor")
    ada.client.timeout = 120  # all content is checked, twice where there is a fault
    base = base_of(ada.get(f"/tables/{table}").text)
    sent = dict(zip(("first", "second", "third"), cells, strict=True))
    answer = ada.post(f"/tables/{table}/row", base=base, number=0, **sent)
    assert refused(answer, f"0.{cell}", said)
    row = html.fromstring(answer.text).xpath("//form[@id='row-0']//input[not(@type='hidden')]")
    assert tuple(field.get("value") for field in row) == cells


def test_what_a_row_that_is_taken_out_leaves_undone_leads_to_where_it_is_mended(desk, warm):
    ada = desk.enter("Ada", "editor")
    ada.client.timeout = 120
    page = ada.get("/tables/terms?search=hiccups").text
    number = re.search(r'id="row-(\d+)"[^>]*>(?:(?!</form>).)*>hiccups</textarea>', page, re.S)[1]
    sent = {"first": "conditions", "second": "hiccups", "third": ""}
    answer = ada.post("/tables/terms/row", base=base_of(page), number=number, then="remove", **sent)
    faults = read_faults(answer)
    assert answer.status_code == 422
    assert any(
        each.link == f"/editor{ARTICLE}#field-about" and each.label == "Hiccups: About"
        for each in faults
    ), faults


@pytest.mark.parametrize(
    ("data", "label", "said"),
    [
        (b"a,b\r\n", "Row 1", "The columns must be"),
        (b"topic,use,phrase\r\ngreeting,train,=1+1\r\n", "Row 2, Phrase", "A cell begins with ="),
        (b"topic,use,phrase\r\nhello,train,x\r\n", "Row 2, Topic", "is no topic"),
        (b"\xff\xfe", "Bring it in again", "not UTF-8 text"),
    ],
)
def test_a_fault_of_a_file_that_is_brought_in_stands_at_the_file(desk, warm, data, label, said):
    ada = desk.enter("Ada", "editor")
    sent = {"csrf": ada.token(), "base": base_of(ada.get("/tables/talk").text)}
    at, file = "/editor/tables/talk/file", {"file": ("x.csv", data)}
    answer = ada.client.post(at, data=sent, files=file)
    assert answer.status_code == 422
    fault = read_faults(answer)[0]
    assert fault.name == "file" and fault.label == label and said in fault.text


@pytest.mark.parametrize(
    ("sent", "name", "said"),
    [
        ({"text": ""}, "text", "There is no text"),
        ({"text": "x", "url": "javascript:alert(1)"}, "url", "or leave it empty"),
    ],
)
def test_what_no_draft_can_be_made_of_is_told_at_its_field(desk, sent, name, said):
    assert refused(desk.enter().post("/articles/new", **sent), name, said)


def test_what_is_missing_of_a_draft_stands_at_its_field_or_leads_to_its_page(desk):
    ada = desk.enter("Ada", "editor")
    at = import_text(ada, "Yawning\n\nWhat is it?\n\nA deep breath.\n\nFame\n\nMany yawn.\n")
    page = ada.get(at)
    faults = read_faults(page)
    assert page.status_code == 200 and any(each.name == "about" for each in faults), faults
    assert all(each.name or each.link.startswith(f"/editor{at}/") for each in faults), faults
    answer = ada.post(f"{at}/make-article")
    assert answer.status_code == 422 and read_faults(answer)


@pytest.mark.parametrize(
    ("path", "fields", "label", "name"),
    [
        (ARTICLE, {"title": "x" * 501}, "Title", "title"),
        (
            ARTICLE,
            {"source.1.title": "x", "source.1.url": "x" * 501},
            "[1] Address",
            "source.1.url",
        ),
        (QUESTION, {"text": "x" * 60_001}, "Answer", "text"),
        (EVIDENCE, {"reading.1.how": "x" * 2_001}, "[1] What was read", "reading.1.how"),
    ],
)
def test_a_text_that_is_too_long_leads_back_to_its_field(desk, path, fields, label, name):
    ada = desk.enter("Ada", "editor")
    came_from = {"referer": f"{desk.url}/editor{path}"}
    answer = ada.client.post(
        f"/editor{path}", data={"csrf": ada.token(), **fields}, headers=came_from
    )
    (fault,) = read_faults(answer)
    assert answer.status_code == 422 and "characters; at most" in fault.text
    assert (fault.label, fault.link) == (label, f"/editor{path}#field-{name}")


@pytest.mark.parametrize(
    ("fault", "label", "link"),
    [
        (("articles/tremor.md", ("sources", 3, "url")), "Tremor: [3] Address", "#field-source.3"),
        (("phrases/tremor.yml", ("what_is", "train", 4)), "Tremor, what is: ", "#field-train"),
        (("evidence/tremor.yml", ("sources", 2, "read")), "Tremor: Evidence", "/side-by-side"),
        (("terms.yml", ("conditions", "a b")), "Terms, a b", "/tables/terms?search=a%20b"),
        (("talk.yml", ("greeting", "train", 2)), "Talk, greeting", "?search=greeting"),
        (("texts.yml", ("read_as", "whole")), "Fixed texts, read_as.whole", "=read_as.whole"),
        (("safety.yml", ("flags", "stroke", "must", 0)), "Safety list, stroke", "=stroke"),
        (("stories.yml", ("stories", "a tale", "steps", 0)), "Story, a tale", "/stories/story/"),
    ],
)
def test_a_fault_of_another_page_leads_there(fault, label, link):
    path, field = fault
    (shown,) = fault_places.place_faults([Fault(f"/x/data/{path}", 1, field, "is wrong")])
    assert shown.label.startswith(label), shown
    assert shown.link.startswith("/editor/") and link in shown.link
    assert shown.text == "Is wrong." and not shown.name


@pytest.mark.parametrize("path", ["rules.yml", "facets.yml", "asked/b.yml", "danger/stroke.yml"])
def test_a_fault_that_no_page_mends_says_whom_to_ask_and_no_word_of_the_file(path):
    said = "'says: what was written' is missing in x.yml"
    (shown,) = fault_places.place_faults([Fault(f"/x/data/{path}", 1, (), said)] * 2)
    assert "Ask who looks after them" in shown.text and not shown.link
    assert not OF_FILES.search(shown.text)


def test_the_terminal_keeps_path_and_line_and_says_what_to_write_in_the_file():
    fault = Fault("data/terms.yml", 7, ("title",), "the title is missing", "write `title:`")
    assert str(fault) == "data/terms.yml:7: the title is missing; write `title:`"


def test_the_keyboard_goes_from_the_summary_to_the_field(open_tab):
    tab = open_tab("editor")
    tab.goto("/editor/articles/hiccups")
    tab.get_by_label("Title").first.fill("")
    tab.get_by_role("button", name="Save", exact=True).press("Enter")
    tab.wait_for_selector("#faults")
    assert tab.evaluate("document.activeElement.id") == "faults"
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.name") == "title"
    assert tab.evaluate("document.activeElement.getAttribute('aria-invalid')") == "true"


def test_the_labels_of_faults_are_those_of_the_forms(desk):
    ada = desk.enter("Ada", "editor")
    shown = html.fromstring(ada.get(ARTICLE).text), html.fromstring(ada.get(QUESTION).text)
    for page, labels, prefix in (
        (shown[0], fault_places.ARTICLE, ""),
        (shown[0], fault_places.SOURCE, "source.1."),
        (shown[1], fault_places.QUESTION, ""),
    ):
        for name, label in labels.items():
            (field,) = page.xpath("//*[@id=$id]", id=f"field-{prefix}{name}")
            around = next(field.iterancestors("label"))
            assert (around.text or "").strip() == label, name


def test_a_hand_made_fault_of_an_article_is_shown_without_the_words_of_files(desk):
    path = content_files.article_path(desk.config, "hiccups")
    path.write_text(content_files.read_file(path).replace("title:", "titel:", 1))
    page = desk.enter().get(ARTICLE)
    faults = read_faults(page)
    assert page.status_code == 200 and any(each.name == "title" for each in faults), faults
