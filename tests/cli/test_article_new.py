"""`bot article new FILE`: a draft of what is written elsewhere, or a sentence and nothing."""

import shutil

import pytest

from bot.content import articles, phrases
from tests.cli.test_command_line import ROOT, run
from tests.editor.test_draft_pages import TOES, write_word

MARKDOWN = """---
title: Painful legs
sources:
  1: {title: Moving toes, publisher: Example, url: "https://example.org/toes"}
---
## What is it? {#definition}
**Painful legs**, also called moving toes, are rare.[^a] The toes move by themselves. [1]

## Causes
Nobody knows. [1]

[^a]: Bob B. Toes. 2020. https://example.org/bob
"""


@pytest.fixture
def site(tmp_path):
    """The environment of a site with content of its own."""
    shutil.copytree(ROOT / "data", tmp_path / "data", ignore=shutil.ignore_patterns(".*"))
    return {
        "DATA": str(tmp_path / "data"),
        "VAR": str(tmp_path / "var"),
        "DATABASE_URL": f"sqlite:///{tmp_path}/site.db",
        "SECRET": "a secret of the tests",
    }


def drafts_of(tmp_path):
    return sorted(path.name for path in tmp_path.glob("data/.drafts/*"))


def test_a_word_file_becomes_a_draft_and_what_is_proposed_is_said(tmp_path, site):
    (tmp_path / "legs.docx").write_bytes(write_word(TOES))
    done = run("article", "new", str(tmp_path / "legs.docx"), **site)
    assert done.returncode == 0, done.stderr
    for said in (
        "painful_legs.md: a draft of 3 questions about painful legs",
        "[causes] Its heading says “Causes”.",
        "people will be understood when they ask",
        "It is a side of its own: only its own phrases teach it.",
        "painful legs is not in data/terms.yml",
        "the text calls it also moving toes, PLMT",
        "/editor/articles/drafts/painful_legs",
        "run `bot check`",
    ):
        assert said in done.stdout, (said, done.stdout)
    assert "reading the file" in done.stderr
    names = ["painful_legs.md", "painful_legs.phrases.yml", "painful_legs.txt"]
    assert drafts_of(tmp_path) == names
    own = phrases.read_file(tmp_path / "data/.drafts/painful_legs.phrases.yml")
    assert own.faults == () and "causes" not in own.questions


def test_a_markdown_file_keeps_its_sources_and_footnotes(tmp_path, site):
    (tmp_path / "legs.md").write_text(MARKDOWN)
    done = run("article", "new", str(tmp_path / "legs.md"), **site)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "data/.drafts/painful_legs.md").read_text()
    article, faults = articles.read_article(text, "painful_legs.md")
    assert faults == []
    assert [source.url for source in article.sources] == [
        "https://example.org/toes",
        "https://example.org/bob",
    ]
    assert article.questions[0].lead == (
        "Painful legs, also called moving toes, are rare. [2] The toes move by themselves. [1]"
    )


def test_the_term_that_is_given_is_taken_by_any_of_its_names(tmp_path, site):
    (tmp_path / "a.txt").write_text("A leaflet\n\nCauses\n\nNobody knows.\n")
    done = run("article", "new", str(tmp_path / "a.txt"), "--about", "Leg Cramps", **site)
    assert done.returncode == 0 and "about muscle cramps" in done.stdout, done.stderr
    assert drafts_of(tmp_path)[0] == "muscle_cramps.md"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("scan.png", b"\x89PNG\r\n\x1a\n", "This is a picture"),
        ("scan.pdf", b"%PDF-1.7", "have a program read it first (OCR)"),
        ("empty.txt", b"", "There is no text to make an article of"),
        ("no.docx", b"PK\x03\x04 no more", "not a Word file"),
        (None, b"", "No such file"),
    ],
)
def test_what_is_no_article_is_a_sentence_and_leaves_nothing(tmp_path, site, name, data, said):
    path = tmp_path / (name or "nowhere.docx")
    if name:
        path.write_bytes(data)
    done = run("article", "new", str(path), **site)
    assert done.returncode == 1 and done.stdout == ""
    assert said in done.stderr and str(path) in done.stderr and "Traceback" not in done.stderr
    assert drafts_of(tmp_path) == []


def test_a_database_that_is_down_takes_no_draft_away(tmp_path, site):
    (tmp_path / "a.txt").write_text("Muscle cramps\n\nCauses\n\nNobody knows.\n")
    site["DATABASE_URL"] = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    done = run("article", "new", str(tmp_path / "a.txt"), **site)
    assert done.returncode == 0, done.stderr
    assert "It can't be compared" in done.stdout and "muscle_cramps.md" in done.stdout
