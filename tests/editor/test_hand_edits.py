"""What is edited outside the desk is seen, shown as people read it, and committed in the name of
whom it was, or put back."""

import getpass
import html
import pwd
import re

import pytest

from bot.content import history
from bot.editor.publishing import hand_edit_pages
from bot.store import accounts
from tests.conftest import reword
from tests.editor.test_history import ARTICLE, FILE, LEDGER, WORDS, begin_history, git, lock
from tests.editor.test_history import save_title as save_title_of

PAGE = "/publish/by-hand"


@pytest.fixture
def site(desk):
    data = desk.config.path("data")
    (data / "README.md").write_text("About this content.\n")
    begin_history(data)
    return desk


@pytest.fixture
def edited(site):
    """A site on which somebody edited an answer and its evidence on the server."""
    reword(site.config.path("data"), ARTICLE, *WORDS)
    return site


def seen(page):
    """The ticked files of the page's form."""
    return re.findall(r'name="seen" value="(.*?)"', page)


def own_name():
    """The name of who runs the tests, whose files the edited ones are."""
    account = pwd.getpwnam(getpass.getuser())
    return account.pw_gecos.partition(",")[0].strip() or account.pw_name


def last(site, form):
    return git(site.config.path("data"), "log", "-1", f"--format={form}").strip()


def test_it_is_seen_on_every_page_within_a_minute(site, monkeypatch):
    assert hand_edit_pages.COUNT_SECONDS <= 60
    monkeypatch.setattr(hand_edit_pages, "COUNT_SECONDS", 0)
    ann = site.enter("Ann")
    assert "waits-publish" not in ann.get("/articles").text
    reword(site.config.path("data"), ARTICLE, *WORDS)
    assert re.search(r'id="waits-publish">2<', ann.get("/articles").text)
    assert "2 files were edited by hand" in ann.get("/publish").text


def test_it_is_shown_as_people_read_it_beside_what_was_there(edited):
    page = edited.enter("Ann").get(PAGE).text
    assert "Restless legs: article" in page and "Restless legs: evidence" in page
    assert "Answer" in page and FILE in page and own_name() in page
    assert "<del>" in page and "<ins>" in page and "nobody" in page
    assert "questions:" not in page and "---" not in page


def test_it_is_committed_in_the_name_of_the_files_owner_where_nobody_knows_better(edited):
    paula = edited.enter("Paula", "publisher")
    page = paula.get(PAGE).text
    name = re.search(r'name="name" value="(.*?)"', page)[1]
    assert name == own_name()
    answer = paula.post(PAGE, seen=seen(page), whose="other", name=name, why="A better word")
    assert answer.status_code == 303
    assert last(edited, "%an|%cn|%s") == f"{name}|Paula|A better word"
    assert history.list_outside(edited.config) == []
    assert "all files are as the history has them" in paula.get(PAGE).text
    row = accounts.read_audit(edited.engine)[0]
    assert (row["person"], row["action"]) == ("Paula", "kept a hand edit")
    assert row["subject"] == f"{FILE}, {LEDGER}" and f"as {name}: A better word" in row["detail"]


def test_one_says_that_it_was_oneself_or_names_another(edited):
    paula = edited.enter("Paula", "publisher")
    article, ledger = seen(paula.get(PAGE).text)
    paula.post(PAGE, seen=article, whose="me", name="nobody", why="It reads better")
    assert last(edited, "%an|%s") == "Paula|It reads better"
    assert history.list_outside(edited.config) == [LEDGER]
    sent = {"whose": "other", "name": "Carl <x>", "email": "carl@example.org"}
    paula.post(PAGE, seen=ledger, why="Its evidence", **sent)
    assert last(edited, "%an|%ae|%cn") == "Carl x|carl@example.org|Paula"


def test_without_a_name_or_a_reason_nothing_is_committed_and_the_form_keeps_its_text(edited):
    paula = edited.enter("Paula", "publisher")
    ticked, before = seen(paula.get(PAGE).text), last(edited, "%H")
    answer = paula.post(PAGE, seen=ticked, whose="other", name="", why="A better word")
    page = html.unescape(answer.text)
    assert answer.status_code == 422 and 'value="A better word"' in page
    assert "Write whose edit it was" in page and 'href="#field-name"' in page
    answer = paula.post(PAGE, seen=ticked, whose="other", name="Carl", why=" ")
    page = html.unescape(answer.text)
    assert answer.status_code == 422 and 'value="Carl"' in page and "Write why" in page
    assert "Tick a file first" in paula.post(PAGE, whose="me", why="why").text
    assert last(edited, "%H") == before


def test_it_is_put_back_and_what_stood_there_is_kept(site):
    data = site.config.path("data")
    before = (data / FILE).read_bytes()
    reword(data, ARTICLE, *WORDS)
    (data / "articles/new.md").write_text("new\n")
    git(data, "add", "articles/new.md")
    (data / "README.md").unlink()
    paula = site.enter("Paula", "publisher")
    page = paula.get(PAGE).text
    assert len(seen(page)) == 4 and "taken away" in page
    answer = paula.post(f"{PAGE}/put-back", seen=seen(page), why="")
    assert answer.status_code == 303
    assert "What stood there is kept on the server" in html.unescape(paula.get(PAGE).text)
    assert (data / FILE).read_bytes() == before and (data / "README.md").exists()
    assert not (data / "articles/new.md").exists()
    assert not git(data, "status", "--porcelain")
    (kept,) = (site.config.path("var") / "put_back").iterdir()
    assert WORDS[1] in (kept / FILE).read_text()
    assert (kept / "articles/new.md").read_text() == "new\n"
    assert accounts.read_audit(site.engine)[0]["action"] == "put a hand edit back"


@pytest.mark.parametrize("act", ["", "/put-back"])
def test_what_was_edited_again_since_one_looked_is_neither_kept_nor_put_back(edited, act):
    paula, data = edited.enter("Paula", "publisher"), edited.config.path("data")
    ticked, before = seen(paula.get(PAGE).text), last(edited, "%H")
    text = (data / FILE).read_text() + "\n"
    (data / FILE).write_text(text)
    answer = paula.post(f"{PAGE}{act}", seen=ticked, whose="me", why="A better word")
    assert answer.status_code == 409 and "edited again" in answer.text
    assert 'value="A better word"' in answer.text
    assert (data / FILE).read_text() == text and last(edited, "%H") == before


@pytest.mark.parametrize("act", ["", "/put-back"])
def test_what_was_saved_at_the_desk_and_waits_for_git_is_not_lost(site, act):
    data = site.config.path("data")
    mend = lock(data)
    save_title_of(site.enter("Ann"), "A title of Ann's")
    reword(data, ARTICLE, *WORDS)
    paula, text = site.enter("Paula", "publisher"), (data / FILE).read_text()
    ticked = seen(paula.get(PAGE).text)
    answer = paula.post(f"{PAGE}{act}", seen=ticked, whose="me", why="A better word")
    assert answer.status_code == 409 and "git is locked" in answer.text
    assert (data / FILE).read_text() == text
    mend()
    assert paula.post(f"{PAGE}{act}", seen=ticked, whose="me", why="Why").status_code == 303
    assert "A title of Ann" in (data / FILE).read_text()
    assert (WORDS[1] in (data / FILE).read_text()) == (act == "")
    assert "Ann" in git(data, "log", "--format=%an").splitlines()


def test_a_save_at_the_desk_says_what_it_found_edited_and_it_stays_listed(edited):
    page = html.unescape(save_title_of(edited.enter("Ann"), "A title of Ann's"))
    assert "It had been edited outside the desk before" in page
    page = edited.enter("Ann").get(PAGE).text
    assert "In the history, in nobody’s name" in page and f"Edited outside the desk: {FILE}" in page
    assert "had been edited" not in save_title_of(edited.enter("Ann"), "Another title of Ann's")


@pytest.mark.parametrize("role", ["reader", "clinician", "editor"])
def test_who_may_not_publish_may_only_look(edited, role):
    visit = edited.enter("Rita", role)
    page = visit.get(PAGE).text
    assert "takes the role publisher" in page and 'name="seen"' not in page
    for path in (PAGE, f"{PAGE}/put-back"):
        assert visit.post(path, whose="me", why="why").status_code == 403
    assert len(history.list_outside(edited.config)) == 2
