"""Addresses that editors write: what isn't one of the web is refused wherever it is written: at the
desk, by the check, and in a reply."""

import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.content import articles, reply_model
from bot.domain import web_addresses
from bot.editor.shared import content_files
from bot.safety import rules_file
from tests.editor.test_fault_places import read_faults

DATA = Path(__file__).resolve().parents[2] / "data"
BAD = {
    "javascript:alert(1)": "begins with “javascript:”",
    "JAVASCRIPT:alert(1)": "begins with “JAVASCRIPT:”",
    "data:text/html,<script>alert(1)</script>": "begins with “data:”",
    "vbscript:msgbox(1)": "begins with “vbscript:”",
    "file:///etc/passwd": "begins with “file:”",
    "mailto:a@example.org": "begins with “mailto:”",
    "//example.org/page": "must begin with https://",
    "www.example.org": "must begin with https://",
    "https://example.org/a page": "holds a blank",
    "https://example.org/a\u00a0page": "holds a blank",
    "https://example.org/a\x07page": "holds a sign that nobody sees",
    "https://example.org/a\u200bpage": "holds a sign that nobody sees",
    "java\x01script:alert(1)": "holds a sign that nobody sees",
    'https://example.org/"onclick="alert(1)': "holds a quote",
    "https://": "names no site",
}
# a form makes one line of these, and takes the blanks at its ends away
ONLY_IN_FILES = {
    "java\nscript:alert(1)": "holds a sign that nobody sees",
    "java\tscript:alert(1)": "holds a sign that nobody sees",
    " javascript:alert(1)": "begins with “javascript:”",
    " https://example.org/": "must begin with https://",
}
GOOD = ["https://example.org/", "http://example.org:8080/a?b=c#d", "https://пример.рф/страница"]


@pytest.mark.parametrize("address", BAD)
@pytest.mark.parametrize("field", ["url", "source.1.url"])
def test_an_article_takes_no_address_that_is_none_of_the_web(desk, field, address):
    ada = desk.enter("Ada", "editor")
    before = content_files.read_file(content_files.article_path(desk.config, "hiccups"))
    page = ada.get("/articles/hiccups").text
    base = re.search(r'name="base" value="([0-9a-f]+)"', page)[1]
    answer = ada.post(
        "/articles/hiccups", base=base, **{"source.1.title": "A source", field: address}
    )
    assert answer.status_code == 422
    assert any(BAD[address] in each.text for each in read_faults(answer) if each.name == field)
    assert content_files.read_file(content_files.article_path(desk.config, "hiccups")) == before


@pytest.mark.parametrize("address", BAD)
def test_no_draft_is_made_of_what_comes_from_an_address_that_is_none(desk, address):
    answer = desk.enter().post("/articles/new", text="Hiccups\n\nWhy\n\nSo.", url=address)
    (fault,) = read_faults(answer)
    assert answer.status_code == 422 and fault.name == "url" and BAD[address] in fault.text
    assert not list(desk.config.path("data").glob(".drafts/*"))


@pytest.mark.parametrize(("address", "said"), [*BAD.items(), *ONLY_IN_FILES.items()])
def test_the_check_refuses_what_is_no_address_of_the_web(address, said):
    quoted = json.dumps(address)
    text = (DATA / "articles/hiccups.md").read_text()
    source = re.search(r"(?m)^ +url: (.+)$", text)[1]
    for old, new in (
        ("title:", f"url: {quoted}\ntitle:"),
        (f"url: {source}", f"url: {quoted}"),
        (
            "further_reading:\n",
            f"further_reading:\n  - {{title: A, publisher: B, url: {quoted}}}\n",
        ),
    ):
        assert old in text, old
        _, faults = articles.read_article(text.replace(old, new, 1), "articles/hiccups.md")
        assert any(said in fault.text and fault.field[-1] == "url" for fault in faults), faults


@pytest.mark.parametrize(("address", "said"), [*BAD.items(), *ONLY_IN_FILES.items()])
def test_no_reply_holds_an_address_that_is_none_of_the_web(address, said):
    for model, fields in (
        (reply_model.Source, {"n": 1, "title": "A", "publisher": "B"}),
        (reply_model.Number, {"label": "A", "number": "1"}),
        (
            reply_model.ArticleOf,
            {
                **dict.fromkeys(("id", "title", "written_by", "written_on", "revision"), "a"),
                **dict.fromkeys(("reviewed_by", "reviewed_on", "review")),
            },
        ),
    ):
        with pytest.raises(ValidationError, match=re.escape(said)):
            model(**fields, url=address)
        assert model(**fields, url="https://example.org/").url


@pytest.mark.parametrize("address", [*BAD, *ONLY_IN_FILES])
def test_no_list_of_emergency_numbers_names_a_source_that_is_none_of_the_web(tmp_path, address):
    for name in ("safety.yml", "emergency_numbers.yml"):
        text = (DATA / name).read_text()
        old = '"https://www.samaritans.org/"'
        (tmp_path / name).write_text(text.replace(old, json.dumps(address)))
    _, faults = rules_file.parse_rules(tmp_path)
    assert any("address" in fault.text for fault in faults), faults


@pytest.mark.parametrize("address", GOOD)
def test_an_address_of_the_web_is_one(address):
    assert web_addresses.is_web_address(address)
