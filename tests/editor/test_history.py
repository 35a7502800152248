"""What is saved is in the history, in the name of who wrote it: also where git can't take it, once
it can again. Nothing goes live that is in no commit."""

import os
import re
import subprocess
import sys
import time

import pytest

from bot.content import history
from bot.releases import registry
from bot.runtime import settings
from bot.store import accounts
from tests.conftest import reword
from tests.editor.conftest import running
from tests.editor.test_publishing import events, publish

ARTICLE = "restless_legs"
FILE = f"articles/{ARTICLE}.md"
LEDGER = f"evidence/{ARTICLE}.yml"
WORDS = "In most people no cause is found", "In most people nobody knows the cause"
OUTSIDE = "edited on the server, outside the desk"
ROOT = ("-c", "user.name=Root", "-c", "user.email=root@example.org")


def git(folder, *arguments):
    done = subprocess.run(
        ["git", "-C", str(folder), *ROOT, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def begin_history(data):
    git(data, "init", "-q", "-b", "main")
    git(data, "add", ".")
    git(data, "commit", "-qm", "first")


@pytest.fixture
def site(desk):
    """A Desk whose content is a git repository; nothing is published."""
    begin_history(desk.config.path("data"))
    return desk


@pytest.fixture
def published(small_site):
    """A Desk of a site of one article, published, whose content is a git repository."""
    config = settings.read_settings(small_site)
    begin_history(config.path("data"))
    with running(config) as made:
        yield made


def save_title(visit, title):
    """Save the article under another title, by the form of its page; the page that is shown
    then."""
    page = visit.get(f"/articles/{ARTICLE}").text
    base = re.search(r'name="base" value="([0-9a-f]+)"', page)[1]
    answer = visit.post(f"/articles/{ARTICLE}", base=base, title=title)
    assert answer.status_code == 303, answer.text
    return visit.get(f"/articles/{ARTICLE}").text


def authors(site, path=FILE):
    """Who committed a file, newest first."""
    log = git(site.config.path("data"), "log", "--format=%an", "--", path)
    return log.splitlines()


def lock(data):
    (data / ".git/index.lock").touch()
    return lambda: (data / ".git/index.lock").unlink()


def lock_for_long(data):
    mend = lock(data)
    old = time.time() - 3600
    os.utime(data / ".git/index.lock", (old, old))
    return mend


def begin_merge(data):
    git(data, "checkout", "-q", "-b", "other")
    (data / "talk.yml").write_text("theirs\n")
    git(data, "commit", "-qam", "theirs")
    git(data, "checkout", "-q", "main")
    text = (data / "talk.yml").read_text()
    (data / "talk.yml").write_text("ours\n" + text)
    git(data, "commit", "-qam", "ours")
    subprocess.run(["git", "-C", str(data), *ROOT, "merge", "-q", "other"], capture_output=True)
    assert (data / ".git/MERGE_HEAD").exists()
    return lambda: git(data, "merge", "--abort")


def refuse_to_write(data):
    """A branch that can't be moved, as in a repository that can only be read."""
    (data / ".git/refs/heads/main.lock").touch()
    return lambda: (data / ".git/refs/heads/main.lock").unlink()


def test_past_changes_have_their_times_wherever_they_were_made(site):
    ann = site.enter("Ann")
    save_title(ann, "In the evening")
    data = site.config.path("data")
    git(data, "commit", "-q", "--amend", "--no-edit", "--date", "2026-01-02T23:30:00-05:00")
    page = ann.get(f"/articles/{ARTICLE}/past-changes").text
    assert "Ann, 2026-01-03 04:30 UTC" in page
    commit = git(data, "rev-parse", "HEAD").strip()
    shown = ann.get(f"/articles/{ARTICLE}/past-changes?commit={commit}").text
    assert shown.count("Ann, 2026-01-03 04:30 UTC") == 2


BROKEN = {
    "a lock of a moment ago": (lock, "git is locked (.git/index.lock)"),
    "a stale lock": (lock_for_long, "git is locked (.git/index.lock)"),
    "a merge under way": (begin_merge, "a merge is under way"),
    "a repository that can't be written": (refuse_to_write, "git can&#39;t write"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_git_can_not_take_is_said_on_every_page_until_it_is_mended_and_committed_then(
    site, what
):
    breaks, said = BROKEN[what]
    ann, bob = site.enter("Ann"), site.enter("Bob")
    mend = breaks(site.config.path("data"))
    assert said in save_title(ann, "A title of Ann's")
    page = save_title(bob, "A title of Bob's")
    assert said in page and "2 saved changes wait for it" in page
    for path in ("/review", "/articles", "/tables/terms", "/stories", "/publish"):
        assert said in ann.get(path).text, path
    assert authors(site) == ["Root"]
    mend()
    assert said not in ann.get("/review").text
    assert authors(site) == ["Bob", "Ann", "Root"]
    assert "A title of Ann" in git(site.config.path("data"), "show", f"HEAD~1:{FILE}")
    assert not git(site.config.path("data"), "status", "--porcelain", "--", FILE)


def test_a_stale_lock_is_said_before_anything_is_saved(site):
    lock_for_long(site.config.path("data"))
    assert "delete that file" in site.enter("Ann").get("/articles").text


def test_without_git_it_is_said_and_what_was_saved_is_committed_once_it_is_there(
    site, monkeypatch, tmp_path
):
    ann = site.enter("Ann")
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        assert "git is not installed" in save_title(ann, "A title of Ann's")
    assert "git is not installed" not in ann.get("/articles").text
    assert authors(site) == ["Ann", "Root"]


def test_commits_on_no_branch_are_made_and_said_to_be_in_danger(site):
    data = site.config.path("data")
    git(data, "switch", "-q", "--detach")
    ann = site.enter("Ann")
    assert "is on no branch" in save_title(ann, "A title of Ann's")
    assert authors(site) == ["Ann", "Root"]
    git(data, "switch", "-q", "-C", "main")
    assert "is on no branch" not in ann.get("/articles").text


def test_content_that_git_ignores_is_said_until_it_is_mended(site):
    data = site.config.path("data")
    git(data, "rm", "-q", "-r", "--cached", "articles")
    git(data, "commit", "-qm", "no articles")
    (data / ".gitignore").write_text("articles\n")
    ann = site.enter("Ann")
    page = save_title(ann, "A title of Ann's")
    assert "git ignores articles/" in page
    (data / ".gitignore").unlink()
    assert "git ignores" not in ann.get("/articles").text


@pytest.mark.parametrize("name", ["Ann", "St. John-O'Neil Jr.", "..."])
def test_a_commit_needs_no_identity_of_the_server(site, name, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    git(site.config.path("data"), "config", "user.useConfigOnly", "true")
    save_title(site.enter(name), "A title of somebody's")
    assert len(authors(site)) == 2


def test_a_draft_that_is_dropped_while_git_is_locked_leaves_nothing_that_waits(site):
    ann = site.enter("Ann")
    mend = lock(site.config.path("data"))
    made = ann.post("/articles/new", text="Hiccups\n\nThey come and go.", url="")
    assert made.status_code == 303, made.text
    draft = made.headers["location"].removeprefix("/editor")
    assert ann.post(f"{draft}/remove-draft").status_code == 303
    mend()
    page = ann.get("/articles").text
    assert "locked" not in page and "saved change" not in page


def test_an_editor_s_commit_holds_nothing_that_was_edited_on_the_server(site):
    data = site.config.path("data")
    reword(data, ARTICLE, *WORDS)
    save_title(site.enter("Ann"), "A title of Ann's")
    assert authors(site) == ["Ann", OUTSIDE, "Root"]
    assert WORDS[1] not in git(data, "show", "--format=", "-U0", "HEAD")
    assert WORDS[1] in git(data, "show", "--format=", "-U0", "HEAD~1")


def test_what_was_edited_between_two_changes_that_wait_is_nobody_s_of_them(site):
    data = site.config.path("data")
    ann = site.enter("Ann")
    mend = lock(data)
    save_title(ann, "A title of Ann's")
    reword(data, ARTICLE, *WORDS)
    save_title(ann, "Another title of Ann's")
    mend()
    ann.get("/articles")
    assert authors(site) == ["Ann", OUTSIDE, "Ann", "Root"]


def test_what_was_edited_on_the_server_is_named_and_committed_as_that_when_it_goes_live(published):
    data = published.config.path("data")
    reword(data, ARTICLE, *WORDS)
    paula = published.enter("Paula", "publisher")
    assert paula.get("/publish").text.count(OUTSIDE) == 2
    assert paula.get("/publish/changes").text.count(OUTSIDE) == 2
    path = publish(paula)
    assert events(paula, f"{path}/events")[-1] == ("end", "live")
    assert f"Keeping in the history what was {OUTSIDE}: {FILE}, {LEDGER}" in paula.get(path).text
    assert authors(published) == authors(published, LEDGER) == [OUTSIDE, "Root"]
    assert OUTSIDE not in paula.get("/publish/changes").text
    live = (
        registry.folder_of(published.config, registry.live_release(published.config))
        / "data"
        / FILE
    )
    assert live.read_text() == git(data, "show", f"HEAD:{FILE}")
    listed = accounts.read_audit(published.engine)
    assert [entry["detail"] for entry in listed if entry["person"] == OUTSIDE] == [
        f"{FILE}, {LEDGER}"
    ]


def test_a_draft_that_is_only_tried_commits_nothing(published):
    reword(published.config.path("data"), ARTICLE, *WORDS)
    path = publish(published.enter("Ed"), goal="try")
    events(published.enter("Ed"), f"{path}/events")
    assert authors(published) == ["Root"]


def test_what_git_can_not_take_does_not_go_live_and_says_why(published):
    data, before = published.config.path("data"), registry.live_release(published.config)
    reword(data, ARTICLE, *WORDS)
    lock(data)
    paula = published.enter("Paula", "publisher")
    path = publish(paula)
    assert events(paula, f"{path}/events")[-1] == ("end", "failed")
    assert (
        "Git is locked" in paula.get(path).text
        and registry.live_release(published.config) == before
    )


def run(published, verb):
    """What a verb of the command line prints."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", verb],
        cwd=settings.ROOT,
        env={**os.environ, **settings.settings_environment(published.config)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_line_commits_what_was_edited_as_that_too_or_names_what_it_leaves(published):
    reword(published.config.path("data"), ARTICLE, *WORDS)
    assert f"what is live now is in no commit: {FILE}, {LEDGER}" in run(published, "prepare")
    assert authors(published) == ["Root"]
    run(published, "train")
    assert f"committed what was {OUTSIDE}: {FILE}, {LEDGER}" in run(published, "publish")
    assert authors(published) == [OUTSIDE, "Root"]


def test_a_waiting_change_that_can_not_be_read_is_said_and_stops_nothing(site):
    ann = site.enter("Ann")
    mend = lock(site.config.path("data"))
    save_title(ann, "A title of Ann's")
    for n, text in enumerate(('{"path": "talk.y', "5", '{"of": "another version"}', "\0")):
        (site.config.path("var") / f"uncommitted/{n:020}.json").write_text(text)
    mend()
    for path in ("/articles", f"/articles/{ARTICLE}", "/publish"):
        page = ann.get(path)
        assert page.status_code == 200
        assert "var/uncommitted/00000000000000000000.json can&#39;t be read" in page.text
    save_title(ann, "Another title of Ann's")
    assert authors(site) == ["Ann", "Ann", "Root"]


def begin_rebase(data):
    git(data, "checkout", "-q", "-b", "other")
    (data / "talk.yml").write_text("theirs\n")
    git(data, "commit", "-qam", "theirs")
    git(data, "checkout", "-q", "main")
    (data / "talk.yml").write_text("ours\n")
    git(data, "commit", "-qam", "ours")
    subprocess.run(["git", "-C", str(data), *ROOT, "rebase", "-q", "other"], capture_output=True)


@pytest.mark.parametrize("begin", [begin_merge, begin_rebase])
def test_what_is_under_way_in_git_stays_as_it_is_when_somebody_publishes(site, begin):
    data = site.config.path("data")
    begin(data)
    commit = git(data, "rev-parse", "HEAD")
    with history.one_at_a_time(site.config), pytest.raises(history.Stuck, match="is under way"):
        history.commit_waiting(site.config)
    assert git(data, "status", "--porcelain") == "UU talk.yml\n"
    assert git(data, "rev-parse", "HEAD") == commit


@pytest.mark.parametrize("name", [":x.yml", ":(exclude)talk.yml", "*.yml", "a b\nc.yml", "-f.yml"])
def test_a_file_edited_outside_is_committed_whatever_its_name(site, name):
    data = site.config.path("data")
    (data / name).write_text("a: b\n")
    with history.one_at_a_time(site.config):
        assert history.commit_waiting(site.config) == [name]
    assert not git(data, "status", "--porcelain")


def test_a_file_that_is_no_text_is_committed_as_it_is_and_in_nobody_s_way(site):
    data = site.config.path("data")
    mend = refuse_to_write(data)
    ann = site.enter("Ann", "publisher")
    save_title(ann, "A title of Ann's")
    (data / FILE).write_bytes(b"\xff")
    assert ann.get("/publish").status_code == 200
    mend()
    with history.one_at_a_time(site.config):
        history.record_outside(site.config, data / FILE)
        assert history.commit_waiting(site.config) == []
    assert authors(site)[0] == OUTSIDE and not git(data, "status", "--porcelain")
