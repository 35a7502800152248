"""What other hands asked: read from asked/*.yml, refused by line, and taught."""

import re
import shutil

import pytest

from bot.content import asked_messages, site_content

QUESTIONS = {"tics.causes", "tics.what_is", "tremor.causes"}


def write(tmp_path, text, name="first.yml"):
    folder = tmp_path / "asked"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return tmp_path


def read(tmp_path, *rows):
    text = "messages:\n" + "".join(f"- {row}\n" for row in rows)
    return asked_messages.read_asked_messages(write(tmp_path, text), QUESTIONS)


def test_a_message_has_a_page_and_what_answers_it_or_what_it_gets(tmp_path):
    found, faults = read(
        tmp_path,
        "{says: 'wy dus he blink', page: tics, asks: [tics.causes, tics.what_is]}",
        "{says: 'can I sue the school', page: tics, gets: unanswered}",
        "{says: 'thank you pet', gets: talk}",
    )
    assert not faults
    assert [(row.page, row.asks, row.gets, row.hand) for row in found] == [
        ("tics", ("tics.causes", "tics.what_is"), None, "first"),
        ("tics", (), "unanswered", "first"),
        (None, (), "talk", "first"),
    ]


def test_what_is_about_no_article_here_is_left_out(tmp_path):
    found, faults = read(tmp_path, "{says: 'is it catching', page: measles, asks: measles.spread}")
    assert (found, faults) == ([], [])


@pytest.mark.parametrize(
    "row, said",
    [
        ("{page: tics, asks: tics.causes}", "begin it with '- says"),
        ("{says: '', page: tics, asks: tics.causes}", "begin it with '- says"),
        ("just words", "begin it with '- says"),
        ("{says: why, page: 3, asks: tics.causes}", "'page' must be the article"),
        ("{says: why, page: tics}", "either 'asks: a question' or 'gets:'"),
        ("{says: why, page: tics, asks: tics.causes, gets: talk}", "either 'asks"),
        ("{says: why, page: tics, gets: silence}", "either 'asks"),
        ("{says: why, page: tics, asks: {a: b}}", "'asks' must be a question's name"),
        ("{says: why, page: tics, asks: tics.cure}", "tics.cure, which is no question"),
        ("{says: why, page: tics, ask: tics.causes}", "'ask' is not understood"),
    ],
)
def test_a_fault_names_file_line_and_remedy(tmp_path, row, said):
    found, faults = read(tmp_path, "{says: 'first', page: tics, asks: tics.causes}", row)
    assert len(found) == 1
    assert len(faults) == 1 and said in faults[0].text, faults
    assert re.search(r"asked/first\.yml:3: ", str(faults[0])), faults


def test_a_hand_that_says_the_same_twice_on_a_page_is_told_where(tmp_path):
    row = "{says: 'but why', page: tics, asks: tics.causes}"
    _, faults = read(tmp_path, row, row)
    (fault,) = map(str, faults)
    assert "first.yml:3" in fault and "line 2 already" in fault
    write(tmp_path, f"messages:\n- {row}\n", "second.yml")
    write(tmp_path, f"messages:\n- {row}\n")
    found, faults = asked_messages.read_asked_messages(tmp_path, QUESTIONS)
    assert not faults and {each.hand for each in found} == {"first", "second"}


@pytest.mark.parametrize("text", ["", "messages:\n", "- says: a\n", "messages: [a\n", "others: []"])
def test_a_file_that_holds_no_messages_is_a_fault(tmp_path, text):
    found, faults = asked_messages.read_asked_messages(write(tmp_path, text), QUESTIONS)
    assert not found and len(faults) == 1 and "first.yml:" in str(faults[0])


def test_a_file_that_is_no_utf_8_is_a_fault_and_a_byte_order_mark_is_none(tmp_path):
    row = "messages:\n- {says: 'café?', page: tics, asks: tics.causes}\n"
    (write(tmp_path, row) / "asked/first.yml").write_bytes(row.encode("latin-1"))
    found, faults = asked_messages.read_asked_messages(tmp_path, QUESTIONS)
    assert not found and len(faults) == 1 and "save it as UTF-8" in faults[0].text
    (tmp_path / "asked/first.yml").write_bytes(row.encode("utf-8-sig"))
    found, faults = asked_messages.read_asked_messages(tmp_path, QUESTIONS)
    assert not faults and [each.text for each in found] == ["café?"]


def test_a_long_story_and_bare_signs_are_heard_but_are_no_phrase(tmp_path):
    found, _ = read(
        tmp_path,
        "{says: '" + "so it went on " * 25 + "', page: tics, asks: tics.causes}",
        "{says: '??', page: tics, asks: tics.causes}",
        "{says: 'why', page: tics, asks: tics.causes}",
    )
    assert [row.teaches for row in found] == [False, False, True]


def test_a_question_that_goes_leaves_a_fault_where_it_was_asked(tmp_path):
    shutil.copytree("data", tmp_path / "data")
    write(tmp_path / "data", "messages:\n- {says: q, page: tics, asks: tics.gone}\n", "zz.yml")
    faults = site_content.check_content(tmp_path / "data")
    assert len(faults) == 1 and "zz.yml:2" in str(faults[0]), faults
