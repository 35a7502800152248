"""A version of an article that is brought back from its history: as a change of its own, merged and
checked like any other."""

import re

import pytest

from bot.content import history
from bot.editor.shared import content_files, phrases_document

AT = "/articles/hiccups/past-changes"


@pytest.fixture
def ada(desk, git):
    """An editor's browser at a desk whose content is in git."""
    return desk.enter("Ada", "editor")


def path_of(desk):
    return content_files.article_path(desk.config, "hiccups")


def reword(desk, old, new):
    """Another editor changes the article; the commit."""
    text = path_of(desk).read_text()
    assert old in text
    bob = history.Author("Bob", "bob@example.org")
    with history.one_at_a_time(desk.config):
        path_of(desk).write_text(text.replace(old, new, 1))
        return history.record_change(
            desk.config, {path_of(desk): path_of(desk).read_text()}, bob, new
        )


def oldest(ada):
    """The form by which the oldest version is brought back: its fields."""
    commits = re.findall(r"\?commit=([0-9a-f]{40})", ada.get(AT).text)
    page = ada.get(f"{AT}?commit={commits[-1]}").text
    assert "Bring this version back" in page
    fields = dict(re.findall(r'name="(commit|newest)" value="([0-9a-f]+)"', page))
    assert fields == {"commit": commits[-1], "newest": commits[0]}
    return fields


def test_a_version_is_brought_back_as_a_change_of_its_own(desk, git, ada):
    before = path_of(desk).read_bytes()
    reword(desk, "What causes hiccups?", "Why do hiccups come?")
    reword(desk, "Why do hiccups come?", "Whence do hiccups come?")
    answer = ada.post(AT, **oldest(ada))
    assert answer.status_code == 303 and answer.headers["location"] == "/editor/articles/hiccups"
    assert path_of(desk).read_bytes() == before
    assert "Brought back." in ada.get("/articles/hiccups").text
    listed = history.read_changes(desk.config, path_of(desk))
    assert len(listed) == 4 and listed[0].editor == "Ada"
    assert listed[0].why.startswith("hiccups: brought back as it was after “first” (")
    log = desk.enter("Pia", "publisher").get("/audit").text
    assert "brought an article back" in log


def test_the_newest_version_has_nothing_to_bring_back(desk, git, ada):
    reword(desk, "What causes hiccups?", "Why do hiccups come?")
    newest = re.search(r"\?commit=([0-9a-f]{40})", ada.get(AT).text)[1]
    assert "Bring this version back" not in ada.get(f"{AT}?commit={newest}").text


def test_a_reader_sees_the_history_and_brings_nothing_back(desk, git, ada):
    reword(desk, "What causes hiccups?", "Why do hiccups come?")
    fields, rea = oldest(ada), desk.enter("Rea", "reader")
    page = rea.get(f"{AT}?commit={fields['commit']}").text
    assert "first" in page and "Bring this version back" not in page
    now = path_of(desk).read_bytes()
    assert rea.post(AT, **fields).status_code == 403
    assert path_of(desk).read_bytes() == now


def test_what_another_editor_saved_meanwhile_stays(desk, git, ada):
    reword(desk, "What causes hiccups?", "Why do hiccups come?")
    fields = oldest(ada)
    reword(desk, "title: ", "title: All about ")
    answer = ada.post(AT, **fields)
    assert answer.status_code == 303
    text = path_of(desk).read_text()
    assert "What causes hiccups?" in text and "title: All about " in text
    assert "What was saved since" in ada.get("/articles/hiccups").text


def test_the_same_line_changed_meanwhile_is_told_and_kept(desk, git, ada):
    reword(desk, "What causes hiccups?", "Why do hiccups come?")
    fields = oldest(ada)
    reword(desk, "Why do hiccups come?", "Whence do hiccups come?")
    answer = ada.post(AT, **fields)
    assert answer.status_code == 409 and "look at the history again" in answer.text
    assert "Whence do hiccups come?" in path_of(desk).read_text()


def test_an_edit_on_the_server_that_is_in_no_commit_is_not_lost(desk, git, ada):
    reword(desk, "What causes hiccups?", "Why do hiccups come?")
    fields = oldest(ada)
    by_hand = path_of(desk).read_text().replace("title: ", "title: By hand ", 1)
    path_of(desk).write_text(by_hand)
    assert ada.post(AT, **fields).status_code == 303
    text = path_of(desk).read_text()
    assert "What causes hiccups?" in text and "title: By hand " in text


def test_a_version_that_can_no_longer_stand_is_refused_with_the_reason(desk, git, ada):
    reword(desk, "about: hiccups\n", "about: tremor\n")
    terms = desk.config.path("data") / "terms.yml"
    terms.write_text(re.sub("(?m)^  hiccups:.*\n(?:    .*\n)*", "", terms.read_text(), count=1))
    now = path_of(desk).read_bytes()
    answer = ada.post(AT, **oldest(ada))
    assert answer.status_code == 422 and "nothing was changed" in answer.text
    assert "“hiccups” is not a term" in answer.text
    assert str(desk.config.path("data")) not in answer.text
    assert path_of(desk).read_bytes() == now


def test_phrases_stay_but_for_those_of_questions_that_come_or_go(desk, git, ada):
    """The question `causes` was taken out since, and a phrase was taught to another."""
    own = content_files.phrases_path(desk.config, "hiccups")
    before = phrases_document.read_phrases(own.read_text(), own)
    page = ada.get("/articles/hiccups/causes").text
    base = re.search(r'name="base" value="([^"]+)"', page)[1]
    assert ada.post("/articles/hiccups/causes", base=base, then="remove").status_code == 303
    assert "causes" not in phrases_document.read_phrases(own.read_text(), own)
    phrase = "why on earth do my hiccups come at tea time"
    ada.post("/review/teach", text=phrase, question="hiccups.triggers")
    assert ada.post(AT, **oldest(ada)).status_code == 303
    now = phrases_document.read_phrases(own.read_text(), own)
    assert now.pop("triggers")["train"] == [*before.pop("triggers")["train"], phrase]
    assert now == before


@pytest.mark.parametrize("commit", ["HEAD", "0" * 40, "--all", ""])
def test_what_is_no_version_of_the_article_is_no_page(desk, git, ada, commit):
    reword(desk, "What causes hiccups?", "Why do hiccups come?")
    fields = oldest(ada)
    assert ada.post(AT, **{**fields, "commit": commit}).status_code in (404, 422)
    assert ada.post(AT, **{**fields, "newest": commit}).status_code in (404, 422)
    assert ada.post("/articles/no_such/past-changes", **fields).status_code == 404


def test_a_change_of_another_file_is_no_version_of_the_article(desk, git, ada):
    reword(desk, "What causes hiccups?", "Why do hiccups come?")
    fields = oldest(ada)
    with history.one_at_a_time(desk.config):
        path = desk.config.path("data") / "terms.yml"
        path.write_text(path.read_text() + "# other\n")
        bob = history.Author("Bob", "bob@example.org")
        other = history.record_change(desk.config, {path: path.read_text()}, bob, "terms")
    assert other
    assert ada.post(AT, **{**fields, "commit": other}).status_code == 404
    assert ada.post(AT, **{**fields, "newest": other}).status_code == 404
