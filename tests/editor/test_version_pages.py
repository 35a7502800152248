"""A version of an article that is brought back from its history: as a change of its own, merged and
checked like any other."""

import html
import re

import pytest

from bot.content import history, stories
from bot.editor.shared import content_files, phrases_document
from bot.editor.tables import table_files

AT = "/articles/hiccups/past-changes"
pytestmark = pytest.mark.usefixtures("warm")


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


def oldest(ada, at=AT):
    """The form by which the oldest version is brought back: its fields."""
    commits = re.findall(r"\?commit=([0-9a-f]{40})", ada.get(at).text)
    page = ada.get(f"{at}?commit={commits[-1]}").text
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
    assert "brought a version back" in log


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


def read(page):
    """A page as people read it: the text of its main part."""
    shown = page.partition('<main id="main"')[2]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", shown)).split())


def marked(page, tag):
    """The marked words of what was taken out (del) or put in (ins)."""
    lines = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    return [html.unescape(word) for line in lines for word in re.findall("<strong>(.*?)<", line)]


def test_a_change_is_shown_in_the_words_that_people_read(desk, git, ada):
    reword(desk, "What causes hiccups?", "What brings hiccups?")
    page = ada.get(AT).text
    said = read(page)
    assert "The question, in your words" in said and "ask:" not in said and "---" not in said
    assert marked(page, "del") == ["causes"] and marked(page, "ins") == ["brings"]
    assert "Bob" in said and " UTC" in said


def test_the_newest_change_is_shown_first_and_each_other_by_its_link(desk, git, ada):
    reword(desk, "What causes hiccups?", "Why do hiccups come?")
    reword(desk, "Why do hiccups come?", "Whence do hiccups come?")
    page = ada.get(AT).text
    assert "Whence" in marked(page, "ins") and 'aria-current="true"' in page
    second = re.findall(r"\?commit=([0-9a-f]{40})", page)[1]
    assert "Whence" not in " ".join(marked(ada.get(f"{AT}?commit={second}").text, "ins"))


def test_phrases_and_evidence_have_their_place_in_an_articles_history(desk, git, ada):
    ada.post("/review/teach", text="whence my hics", question="hiccups.causes")
    said = read(ada.get(AT).text)
    assert "Phrases that teach" in said and "+ whence" not in said and "whence my hics" in said
    assert "What causes hiccups?" in said and "train:" not in said
    path = desk.config.path("data") / "evidence/hiccups.yml"
    path.write_text(path.read_text().replace("read: whole", "read: part", 1))
    with history.one_at_a_time(desk.config):
        bob = history.Author("Bob", "bob@example.org")
        history.record_change(desk.config, {path: path.read_text()}, bob, "read again")
    said = read(ada.get(AT).text)
    assert "How it was read" in said and "read: part" not in said


def change_term(ada, others):
    """Another name for hiccups, by the form of the page."""
    page = html.unescape(ada.get("/tables/terms?search=hiccups").text)
    base = re.search(r'name="base" value="([^"]+)"', page)[1]
    number = re.search(r'id="row-(\d+)"[^>]*>(?:(?!</form>).)*?>hiccups<', page, re.DOTALL)[1]
    fields = {"first": "conditions", "second": "hiccups", "third": others}
    answer = ada.post("/tables/terms/row", base=base, number=number, **fields)
    assert answer.status_code == 303, answer.text


def test_a_table_has_its_history_and_its_rows_are_brought_back(desk, git, ada):
    path, at = git / "terms.yml", "/tables/terms/past-changes"
    before = table_files.rows_of("terms", path.read_text())
    change_term(ada, "hic; singultus; diaphragm jumps")
    page = ada.get(at).text
    said = read(page)
    assert "Ada" in said and "Name: hiccups" in said and "diaphragm jumps" in said
    assert "[hic" not in said and "hiccups:" not in said.replace("Name: hiccups", "")
    assert 'href="/editor/tables/terms/past-changes"' in ada.get("/tables/terms").text
    answer = ada.post(at, **oldest(ada, at))
    assert answer.status_code == 303 and answer.headers["location"] == "/editor/tables/terms"
    assert table_files.rows_of("terms", path.read_text()) == before
    assert "brought back as it was after “first”" in read(ada.get(at).text)


def test_rows_that_can_no_longer_stand_are_refused_with_the_reason(desk, git, ada):
    at, path = "/tables/talk/past-changes", git / "talk.yml"
    path.write_text(path.read_text().replace("    - howdy\n", "", 1))
    with history.one_at_a_time(desk.config):
        bob = history.Author("Bob", "bob@example.org")
        history.record_change(desk.config, {path: path.read_text()}, bob, "no howdy")
    ada.post("/review/teach", text="howdy", question="hiccups.causes")
    now = path.read_bytes()
    ada.client.timeout = 120  # all content is checked twice
    answer = ada.post(at, **oldest(ada, at))
    assert answer.status_code == 422 and "nothing was changed" in answer.text
    assert "howdy" in answer.text and path.read_bytes() == now


def test_fixed_texts_have_their_history(desk, git, ada):
    page = html.unescape(ada.get("/tables/texts?search=greeting").text)
    base = re.search(r'name="base" value="([^"]+)"', page)[1]
    rows = table_files.rows_of("texts", (git / "texts.yml").read_text())
    number, row = next((n, row) for n, row in enumerate(rows, 2) if row[1] == "thanks")
    fields = dict(zip(("first", "second", "third"), (*row[:2], "Gladly."), strict=True))
    assert ada.post("/tables/texts/row", base=base, number=number, **fields).status_code == 303
    said = read(ada.get("/tables/texts/past-changes").text)
    assert "Name: thanks" in said and "Gladly." in said and row[2] in said


def test_stories_have_their_history_and_are_brought_back(desk, git, ada):
    path, at = git / "stories.yml", "/stories/story/past-changes"
    before = path.read_bytes()
    told = stories.read_stories("story", path.read_text())[0]
    path.write_text(path.read_text().replace(", myoclonus.medicines]", "]", 1))
    with history.one_at_a_time(desk.config):
        bob = history.Author("Bob", "bob@example.org")
        history.record_change(desk.config, {path: path.read_text()}, bob, "reworded")
    said = read(ada.get(at).text)
    assert told.name in said and "Visitor: presses “" in said and "intent:" not in said
    assert "taken out: Offers: Which medicines are used for myoclonus?" in said
    answer = ada.post(at, **oldest(ada, at))
    assert answer.status_code == 303 and answer.headers["location"] == "/editor/stories"
    assert path.read_bytes() == before
    assert ada.get("/stories/test_conversation/past-changes").status_code == 200
    assert ada.get("/stories/no_such/past-changes").status_code == 404


def test_a_reader_reads_each_history_and_brings_nothing_back(desk, git):
    rea = desk.enter("Rea", "reader")
    for at in ("/tables/terms/past-changes", "/stories/story/past-changes"):
        page = rea.get(at).text
        assert "Bring this version back" not in page
        commit = re.search(r"\?commit=([0-9a-f]{40})", page)[1]
        assert rea.post(at, commit=commit, newest=commit).status_code == 403


def test_a_version_that_is_no_content_is_shown_as_it_stood(desk, git, ada):
    path = git / "terms.yml"
    text = path.read_text()
    for now, why in (("conditions: [oops\n", "broken"), (text, "mended")):
        path.write_text(now)
        with history.one_at_a_time(desk.config):
            bob = history.Author("Bob", "bob@example.org")
            history.record_change(desk.config, {path: now}, bob, why)
    page = ada.get("/tables/terms/past-changes").text
    assert "conditions: [oops" in read(page)


def test_side_by_side_on_a_wide_screen_and_old_above_new_on_a_phone(desk, git, open_tab):
    reword(desk, "What causes hiccups?", "Why do hiccups come?")
    tab = open_tab("editor", viewport={"width": 1280, "height": 844})
    tab.goto(f"/editor{AT}")
    was, now = (tab.locator(f".diff {tag}").first.bounding_box() for tag in ("del", "ins"))
    assert was["y"] == now["y"] and now["x"] >= was["x"] + was["width"]
    tab.set_viewport_size({"width": 390, "height": 844})
    was, now = (tab.locator(f".diff {tag}").first.bounding_box() for tag in ("del", "ins"))
    assert was["x"] == now["x"] and now["y"] >= was["y"] + was["height"]
