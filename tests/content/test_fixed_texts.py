"""The fixed texts: each has its place and says when it is read, and no visitor reads a brace."""

import shutil
from pathlib import Path

import pytest
import yaml

from bot.content import articles, fixed_texts, replies, site_content

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "data/texts.yml"


@pytest.fixture
def change(tmp_path):
    """change(old, new) puts `new` in the place of `old` in a copy of the texts; the folder."""
    folder = Path(shutil.copytree(ROOT / "data", tmp_path / "data"))

    def put(old, new):
        text = (folder / "texts.yml").read_text()
        assert old in text
        (folder / "texts.yml").write_text(text.replace(old, new, 1))
        return folder

    return put


def test_every_text_has_one_place_and_says_when_it_is_read():
    placed = [name for names in fixed_texts.PLACES.values() for name in names]
    known = {
        *replies.TEXTS,
        *replies.CHANNEL_TEXTS,
        *replies.CONVERSATION_TEXTS,
        *replies.SOURCE_TEXTS,
    }
    data = yaml.safe_load(FILE.read_text())
    assert sorted(placed) == sorted(set(placed)) and known <= set(placed) <= set(data)
    comments = fixed_texts.read_comments(FILE.read_text())
    assert [name for name in data if not comments.get(name)] == []
    assert comments["disclaimer"] == "One line under every answer."
    assert comments["thanks"] == comments["greeting"] != comments["help"]


def test_what_only_messaging_apps_need_stands_with_them():
    assert set(replies.CHANNEL_TEXTS) <= set(fixed_texts.PLACES["Messaging apps alone"])


def test_an_example_has_no_brace_left():
    data = articles.read_yaml(FILE.read_text(), FILE)[0]
    texts = list(fixed_texts.list_texts(data))
    assert len(texts) > 80
    filled = [fixed_texts.fill_example(keys[0], text) for keys, text in texts]
    assert not [text for text in filled if "{" in text]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("about {covered}, taken", "about {coverd}, taken", "place of {coverd}; write {covered}"),
        ("Was this helpful?", "Was {this} helpful?", "place of {this}; write no braces"),
        ("It is out of date", "It is {old}", "nothing is put in the place of {old}"),
    ],
)
def test_a_brace_that_nothing_fills_is_a_fault(change, old, new, said):
    folder = change(old, new)
    (fault,) = fixed_texts.find_placeholder_faults(folder)
    assert said in fault.text
    line = (folder / "texts.yml").read_text().splitlines()[fault.line - 1]
    assert f"{fault.field[-1]}:" in line
    assert fault in site_content.check_content(folder)


def test_a_brace_alone_is_a_fault(change):
    (fault,) = fixed_texts.find_placeholder_faults(
        change("receipt is {receipt}", "receipt is {receipt")
    )
    assert "a brace stands alone; write {receipt}" in fault.text


def test_the_sentence_on_weak_statements_stands_apart_from_the_next():
    for written in ("{count} stand so.", "{count} stand so. "):
        texts = {"evidence_partly": written, "evidence_partly_one": written}
        assert replies._partly(texts, 2) == "2 stand so. "
        assert replies._partly(texts, 1).endswith("stand so. ")
    assert replies._partly({"evidence_partly": "{count} stand so."}, 0) == ""
