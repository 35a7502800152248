"""The fixed texts at the desk: each with where and when visitors read it, changed and checked as a
row, and read by visitors in its new words."""

import re

import pytest

from bot.content import replies, site_content
from bot.editor.tables import table_files
from tests.editor.conftest import ROOT
from tests.editor.test_table_pages import base_of

pytestmark = pytest.mark.usefixtures("warm")

HEADING = "read where,name,text"


def text_of(desk):
    return (desk.config.path("data") / "texts.yml").read_text()


def rows(desk):
    return table_files.rows_of("texts", text_of(desk))


def change(desk, visit, name, text):
    """The answer to a form that gives a text these words."""
    page = visit.get("/tables/texts").text
    place, (where, _, _) = next(
        (number, row) for number, row in enumerate(rows(desk), 2) if row[1] == name
    )
    sent = {"number": place, "first": where, "second": name, "third": text}
    visit.client.timeout = 120  # all content is checked, twice where there is a fault
    return visit.post("/tables/texts/row", base=base_of(page), **sent)


def bring_in(visit, *lines):
    """The answer to a file of these rows."""
    return visit.client.post(
        "/editor/tables/texts/file",
        data={"csrf": visit.token(), "base": base_of(visit.get("/tables/texts").text)},
        files={"file": ("texts.csv", "\r\n".join([HEADING, *lines]).encode())},
    )


def test_every_text_is_listed_with_where_and_when_visitors_read_it(desk):
    page = desk.enter("Rea", "reader").get("/tables/texts").text
    listed = page.split("<tbody>")[1]
    assert listed.count("<tr>") == len(rows(desk)) > 80 and 'aria-label="Change' not in listed
    row = next(part for part in listed.split("<tr>") if ">read_as.whole<" in part)
    assert "An article and its sources" in row and "read whole" in row
    assert "How a source was read, after a count" in row
    row = next(part for part in listed.split("<tr>") if ">clarify_one<" in part)
    assert "Did you mean: {question}" in row and "Did you mean: What causes hiccups?" in row


def test_the_menu_says_where_one_is_on_every_table(desk):
    rea = desk.enter("Rea", "reader")
    for name in ("terms", "talk", "safety", "texts"):
        page = rea.get(f"/tables/{name}").text
        assert '<a href="/editor/tables/terms" aria-current="page">' in page, name
    assert page.count('aria-current="page"') <= 2, "and of the menu nothing else"


def test_a_text_is_found_by_its_words_or_its_place(desk):
    ada = desk.enter("Ada", "editor")
    assert "1 row" in ada.get("/tables/texts?search=was this helpful").text
    apps = ada.get("/tables/texts?search=messaging apps").text
    assert "help_sms" in apps and "disclaimer" not in apps


def test_a_changed_text_is_said_to_visitors_and_nothing_else_of_the_file_changes(desk):
    before = text_of(desk)
    answer = change(desk, desk.enter("Ada", "editor"), "goodbye", "Goodbye, and come back soon.")
    assert answer.status_code == 303, answer.text
    content = site_content.load_content(desk.config.path("data"))
    assert replies.talk_reply(content, "goodbye")["text"] == "Goodbye, and come back soon."
    was = "goodbye: Goodbye, and take care. You can come back at any time.\n"
    assert text_of(desk) == before.replace(was, "goodbye: Goodbye, and come back soon.\n")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("notice", "Hello. This is about {covered}. " + "Words are kept for {days} days. " * 8),
        ("out_of_scope", "I'm sorry: I can't.\n\nAsk me about {covered} # or not"),
        ("feedback_yes", "Yes"),
        ("feedback_yes", "- it was: 'yes' 👍"),
        ("read_as.copy", "read as: a copy"),
        ("feedback_reasons.unclear", "Too hard to grasp"),
        ("help_sms", "One line.\u2028And\u00a0another. " + "It is a long text. " * 6),
        ("evidence_partly", "{count} stand there in part."),
    ],
)
def test_whatever_words_an_editor_writes_are_read_as_they_were_written(name, text):
    before = (ROOT / "data/texts.yml").read_text()
    was = table_files.rows_of("texts", before)
    wanted = [(place, key, text.strip() if key == name else said) for place, key, said in was]
    sent = [table_files.Row(number, row) for number, row in enumerate(wanted, 2)]
    new = table_files.write_rows("texts", before, sent)
    assert table_files.rows_of("texts", new) == wanted
    kept = [
        [line for line in each.split("\n") if line.startswith("#") or not line]
        for each in (before, new)
    ]
    assert kept[0] == kept[1] or "\n" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "“notice” is empty"),
        ("I know of {coverd}.", "Nothing is put in the place of {coverd}"),
        ("You should stop taking it.", "decides about a medicine"),
    ],
)
def test_what_visitors_must_not_read_is_told_by_row_and_not_saved(desk, text, said):
    before = text_of(desk)
    answer = change(desk, desk.enter("Ada", "editor"), "notice", text)
    assert answer.status_code == 422 and said in answer.text and "Row 2, Text" in answer.text
    assert text_of(desk) == before


def test_no_text_is_added_taken_out_or_named_otherwise(desk):
    ada, before = desk.enter("Ada", "editor"), text_of(desk)
    page = ada.get("/tables/texts").text
    assert "A new row" not in page and "Take out</button>" not in page
    base = base_of(page)
    sent = {"first": "Talk", "second": "welcome", "third": "Welcome."}
    answer = ada.post("/tables/texts/row", base=base, number=0, **sent)
    assert answer.status_code == 422 and "There is no text named &#34;welcome&#34;" in answer.text
    answer = ada.post("/tables/texts/row", base=base, number=2, then="remove", **sent)
    assert answer.status_code == 422 and "The text notice is missing" in answer.text
    answer = bring_in(ada, "Talk,goodbye,Bye.")
    assert answer.status_code == 422 and "The text greeting is missing" in answer.text
    assert text_of(desk) == before


def test_a_file_changes_the_texts_whose_words_differ(desk):
    ada = desk.enter("Ada", "editor")
    sent = ada.get("/tables/texts/file.csv").content.decode("utf-8-sig").splitlines()
    assert sent[0] == HEADING
    lines = [line.replace("Was this helpful?", "Did this help?") for line in sent[1:]]
    answer = bring_in(ada, *lines)
    assert answer.status_code == 303, answer.text
    assert re.search(r"^feedback_ask: Did this help\?$", text_of(desk), re.MULTILINE)


def test_two_editors_of_two_texts_are_merged(desk):
    ada, bob = desk.enter("Ada", "editor"), desk.enter("Bob", "editor")
    opened = base_of(ada.get("/tables/texts").text)
    assert change(desk, bob, "notice", "Hello. I know about {covered}.").status_code == 303
    number = [row[1] for row in rows(desk)].index("stopped") + 2
    sent = {"first": "", "second": "stopped", "third": "All right. Write START to go on."}
    answer = ada.post("/tables/texts/row", base=opened, number=number, **sent)
    assert answer.status_code == 303, answer.text
    said = {name: text for _, name, text in rows(desk)}
    assert said["notice"] == "Hello. I know about {covered}."
    assert said["stopped"] == "All right. Write START to go on."
