"""What forms of the desk make of what is sent, and which page an address reaches; without a
server."""

import re

import pytest
from fastapi import HTTPException

from bot.editor.app import create_app
from bot.editor.articles.article_form import ArticleForm
from bot.editor.articles.question_form import QuestionForm
from bot.editor.shared import article_document
from bot.editor.tables.table_files import Row
from bot.editor.tables.table_pages import RowForm
from tests.support.routes import list_routes

ARTICLE = """---
title: Hiccups
about: hiccups
url: https://example.org/hiccups
sources:
  1:
    title: Facts
    url: https://example.org/facts
---

# Hiccups
"""
ROWS = [Row(2, ("a", "b", "c")), Row(3, ("d", "e", "f"))]


def change(**sent):
    before = article_document.read_document(ARTICLE)
    return ArticleForm(sent).change_fields(before), before


def test_an_emptied_field_is_empty_and_one_that_was_not_sent_stays():
    fields, before = change(url="")
    assert fields["url"] == ""
    assert fields["title"] == before["title"] == "Hiccups"
    assert fields["sources"] == before["sources"]


def test_a_source_is_added_changed_marked_and_taken_out():
    added, _ = change(**{"source.2.title": " More\nfacts "})
    assert added["sources"][2]["title"] == "More facts"
    changed, before = change(**{"source.1.title": "Newer facts", "mark": "1.withdrawn"})
    assert changed["sources"][1]["title"] == "Newer facts" and changed["sources"][1]["withdrawn"]
    assert before["sources"][1]["title"] == "Facts" and not before["sources"][1]["withdrawn"]
    removed, _ = change(**{"source.1.title": ""})
    assert removed["sources"] == {}


def test_a_question_is_begun_under_a_name_that_an_address_can_have():
    assert ArticleForm({"new": " Side effects? "}).new_question == "side_effects"
    assert ArticleForm({}).new_question == ""


def test_a_question_of_a_form_is_read_line_by_line():
    form = QuestionForm(ask=" Why\nso? ", text="One.\r\n\r\nTwo.\r\n", train="a  b\r\n\r\nc\r\n")
    fields = form.to_fields()
    assert (fields["ask"], fields["text"]) == ("Why so?", "One.\n\nTwo.")
    assert (fields["train"], fields["test"], fields["heading"]) == (["a b", "c"], [], "")


@pytest.mark.parametrize(
    ("number", "then", "rows"),
    [
        (3, "save", [ROWS[0], Row(3, ("x", "y", "z"))]),
        (3, "remove", [ROWS[0]]),
        (0, "save", [*ROWS, Row(4, ("x", "y", "z"))]),
    ],
)
def test_a_row_is_changed_taken_out_or_added(number, then, rows):
    form = RowForm(base="0", number=number, first=" x", second="y\r\n", third="z", then=then)
    assert form.change_rows(ROWS) == rows


def test_a_row_that_is_not_there_is_no_page():
    with pytest.raises(HTTPException):
        RowForm(base="0", number=9).change_rows(ROWS)


def test_every_address_of_an_article_and_a_draft_reaches_its_own_page():
    routes = [
        (method, route)
        for route in list_routes(create_app(None, None, None).routes)
        for method in route.methods
        if route.path.startswith("/articles")
    ]
    assert len(routes) > 20
    for method, route in routes:
        address = re.sub(r"\{\w+\}", "causes", route.path)
        fitting = [
            other.path for can, other in routes if can == method and other.path_regex.match(address)
        ]
        assert fitting[0] == route.path, address
