"""Addresses that editors write: what isn't one of the web is refused wherever it is written."""

import re

import pytest

from bot.editor.shared import content_files

BAD = [
    "javascript:alert(1)",
    "JAVASCRIPT:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "//example.org/page",
    "https://example.org/a page",
    'https://example.org/"onclick="alert(1)',
    "https://",
]


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
    assert answer.status_code == 422 and "must begin with https://" in answer.text
    assert content_files.read_file(content_files.article_path(desk.config, "hiccups")) == before
