"""The check and the reply are one: whatever the check passes, every reply can hold."""

import dataclasses
import datetime
import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from bot.content import articles, evidence, replies, reply_checks, site_content
from tests.conftest import keep_one_article

ROOT = Path(__file__).resolve().parents[2]
ARTICLE = ROOT / "data/articles/restless_legs.md"
ODD = [None, 5, "", "\0", ["a"], {"a": "b"}, datetime.date(2026, 1, 1), b"a"]
TEXTS = yaml.safe_load((ROOT / "data/texts.yml").read_text())


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The Content of one article."""
    data = Path(shutil.copytree(ROOT / "data", tmp_path_factory.mktemp("content") / "data"))
    keep_one_article(data)
    return site_content.load_content(data)


def odd_copies(value):
    """Copies of what a YAML file holds, each with one odd value in place of another: (where, what,
    copy)."""
    items = list(value.items() if isinstance(value, dict) else enumerate(value[:1]))
    for key, part in items:
        for odd in ODD:
            yield (key,), odd, _put(value, key, odd)
        if isinstance(part, dict | list):
            for where, odd, copy in odd_copies(part):
                yield (key, *where), odd, _put(value, key, copy)


def _put(value, key, part):
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[key] = part
    return copy


def find_failures(library):
    """What a release of this Content could not keep, or not answer."""
    return reply_checks.find_failures(
        site_content.parse_content(site_content.dump_content(library), library.folder)
    )


def test_a_text_that_is_no_text_or_several_that_are_one_is_a_fault_on_its_line(tmp_path):
    path = tmp_path / "texts.yml"
    odd = {key: "a" if key in replies.SEVERAL else {"a": "b"} for key in TEXTS}
    path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in odd.items()))
    _, faults = site_content.read_texts(tmp_path)
    for line, key in enumerate(TEXTS, 1):
        assert any(str(fault).startswith(f"{path}:{line}: {key} must be") for fault in faults), key


FRONT, BODY, _ = articles.split_front_matter(ARTICLE.read_text())
FIELDS = yaml.safe_load(FRONT)
# a question, a source and a book for further reading stand for all
FEW = {
    **FIELDS,
    "questions": dict(list(FIELDS["questions"].items())[:1]),
    "sources": {1: FIELDS["sources"][1]},
    "further_reading": FIELDS["further_reading"][:1],
}


@pytest.mark.parametrize("field", FEW)
def test_a_value_of_an_article_that_the_check_passes_can_be_held_by_every_reply(library, field):
    for where, odd, copy in odd_copies({field: FEW[field]}):
        if isinstance(copy[field], dict) and where[1:]:
            copy = {field: {**FIELDS[field], **copy[field]}}
        text = f"---\n{yaml.dump({**FIELDS, **copy}, Dumper=yaml.CSafeDumper)}---\n{BODY}"
        article, faults = articles.read_article(text, ARTICLE)
        if not faults:
            _, faults = evidence.read_all(ROOT / "data", [article])
        if not faults:
            questions = {question.name: question for question in article.questions}
            made = dataclasses.replace(library, articles={article.id: article}, questions=questions)
            assert not find_failures(made), (where, odd)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"disclaimer": ""}, "an answer comes with its question, its article and its disclaimer"),
        ({"feedback_reasons": "why"}, "feedback.reasons: Input should be a valid dictionary"),
        ({"not_reviewed": 5}, "article.review: Input should be a valid string"),
    ],
)
def test_a_reply_that_can_not_be_given_is_named_with_its_question_and_line(library, change, said):
    broken = dataclasses.replace(library, texts={**library.texts, **change})
    failures = reply_checks.find_failures(broken)
    questions = [failure for failure in failures if failure.name == "restless_legs.causes"]
    assert said in str(questions[0].fault)
    line = library.questions["restless_legs.causes"].line
    assert f"restless_legs.md:{line}: restless_legs.causes can't be" in str(questions[0].fault)


def test_what_is_filled_in_is_written_in_braces_everywhere():
    assert not re.search(r"<\w+>", (ROOT / "data/texts.yml").read_text())
    assert replies.fill_placeholders("for {days} days", days=30) == "for 30 days"
