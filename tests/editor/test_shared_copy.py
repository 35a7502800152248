"""A site whose content follows a branch elsewhere: what is not sent and not fetched is said, sent
and fetched behind the page; nothing that is fetched harms what is here."""

import contextlib
import html
import os
import re
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.content import articles, git_commands, history, shared_copy, sign_offs
from bot.content.git_commands import Author
from bot.content.site_content import check_content
from bot.operations import copy_acts
from bot.runtime import settings
from bot.store import accounts
from tests.conftest import keep_one_article, reword
from tests.editor.test_hand_edits import PAGE as BY_HAND
from tests.editor.test_history import ARTICLE, FILE, WORDS, begin_history, git, save_title
from tests.support.browser import axe

PAGE = "/publish/shared-copy"
PAULA = Author("Paula", "paula@example.org")


@dataclass
class Site:
    """A desk whose content follows the branch of a bare repository, `shared`, that a developer's
    clone follows too."""

    desk: object
    data: Path
    shared: Path
    clone: Path

    @property
    def config(self):
        return self.desk.config

    def push(self, why="A change of the developer's"):
        """The developer commits everything, and pushes."""
        git(self.clone, "add", "--all")
        git(self.clone, "commit", "-qm", why)
        git(self.clone, "push", "-q")

    def retitle(self, title):
        """The developer gives the article another title, and pushes."""
        path = self.clone / FILE
        path.write_text(re.sub("^title: .*", f"title: {title}", path.read_text(), flags=re.M))
        self.push(f"The title is {title}")

    def state(self):
        """All of the content that could change: the commit, what is not in it, the files."""
        files = {
            path: path.read_bytes()
            for path in sorted(self.data.rglob("*"))
            if path.is_file() and ".git" not in path.parts
        }
        return git(self.data, "rev-parse", "HEAD"), git(self.data, "status", "--porcelain"), files

    def act(self, visit, what, **fields):
        """Press a button of the page, and wait for the end; the page then."""
        self.wait(visit)
        answer = visit.post(f"{PAGE}/{what}", **fields)
        assert answer.status_code == 303, answer.text
        return self.wait(visit)

    def wait(self, visit):
        """The page, once nothing is under way any more."""
        visit.get(PAGE)  # which has the shared copy looked at
        wait_idle(self.config)
        return html.unescape(visit.get(PAGE).text)


def wait_idle(config):
    """Wait until nothing is under way."""
    end = time.monotonic() + 120
    while copy_acts.is_busy(config):
        assert time.monotonic() < end, "it never ended"
        time.sleep(0.05)


@pytest.fixture
def site(desk, tmp_path):
    """A Site of one article. What is looked at behind a page has ended before it is taken down."""
    data, shared, clone = desk.config.path("data"), tmp_path / "shared.git", tmp_path / "clone"
    keep_one_article(data, ARTICLE)
    (data / "README.md").write_text("About this content.\n")
    begin_history(data)
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(shared))
    git(data, "remote", "add", "origin", str(shared))
    git(data, "push", "-q", "-u", "origin", "main")
    git(tmp_path, "clone", "-q", str(shared), str(clone))
    made = Site(desk, data, shared, clone)
    yield made
    wait_idle(desk.config)


def logged(site):
    """The acts in the log, oldest first."""
    return [
        (row["person"], row["action"]) for row in reversed(accounts.read_audit(site.desk.engine))
    ]


def test_what_is_not_sent_yet_is_listed_and_sent(site):
    save_title(site.desk.enter("Ann"), "A title of Ann's")
    paula = site.desk.enter("Paula", "publisher")
    page = site.wait(paula)
    assert "1 change made here is not in the shared copy" in page and "Ann, " in page
    assert "1 change not sent, 0 not fetched" in paula.get("/publish").text
    page = site.act(paula, "send")
    assert "1 change was sent." in page and "has all changes made here" in page
    assert git(site.shared, "log", "-1", "--format=%an").strip() == "Ann"
    assert ("Paula", "began to send to") in logged(site) and ("Paula", "sent to") in logged(site)


def test_what_another_pushed_is_fetched_whole_and_joined_with_what_was_saved_here(site):
    reword(site.clone, ARTICLE, *WORDS)
    site.push("Nobody knows the cause")
    save_title(site.desk.enter("Ann"), "A title of Ann's")
    paula = site.desk.enter("Paula", "publisher")
    page = site.wait(paula)
    assert "1 change of the shared copy is not here" in page and "Nobody knows the cause" in page
    assert WORDS[1] not in (site.data / FILE).read_text()
    page = site.act(paula, "fetch")
    assert "1 change was fetched. Visitors get them once they are published." in page
    text = (site.data / FILE).read_text()
    assert WORDS[1] in text and "A title of Ann's" in text
    assert site.state()[1] == "" and check_content(site.data) == []
    assert git(site.data, "log", "-1", "--format=%an|%s|%p").startswith(
        "Paula|Fetched 1 change of the shared copy|"
    )
    assert ("Paula", "fetched from") in logged(site)
    assert WORDS[1] in html.unescape(paula.get(f"/articles/{ARTICLE}/causes").text)
    site.act(paula, "send")
    git(site.clone, "pull", "-q")
    assert "A title of Ann's" in (site.clone / FILE).read_text()


def test_where_nothing_was_saved_here_the_branch_moves_on_without_a_commit_of_its_own(site):
    site.retitle("A developer's title")
    shared_copy.fetch(site.config, PAULA)
    assert git(site.data, "rev-parse", "HEAD") == git(site.clone, "rev-parse", "HEAD")
    assert site.state()[1] == ""


def chosen(page, side):
    """The fields of the form with which a side is chosen for each file."""
    fields = dict(
        re.findall(r'<input type="hidden" name="(here|there|file\.\d+)" value="(.*?)"', page)
    )
    return fields | {
        name.replace("file", "side"): side for name in fields if name.startswith("file.")
    }


@pytest.mark.parametrize(
    ("side", "title"), [("here", "A title of Ann's"), ("there", "A developer's")]
)
def test_what_both_changed_is_shown_side_by_side_and_chosen_and_all_else_is_kept(site, side, title):
    reword(site.clone, ARTICLE, *WORDS)
    site.retitle("A developer's")
    save_title(site.desk.enter("Ann"), "A title of Ann's")
    paula = site.desk.enter("Paula", "publisher")
    before = site.state()
    page = site.act(paula, "fetch")
    assert "Both sides changed the same passages of 1 file. Choose below." in page
    assert site.state() == before and not (site.data / ".git/MERGE_HEAD").exists()
    for words in ("A title of", "A developer's", "leave it to a developer"):
        assert words in re.sub("</?mark>", "", page), words
    assert WORDS[1] not in page  # which only one side changed
    page = site.act(paula, "fetch", **chosen(page, side))
    assert "was fetched" in page
    text = (site.data / FILE).read_text()
    assert f"title: {title}" in text and WORDS[1] in text and "<<<" not in text
    assert site.state()[1] == ""
    assert f"{FILE}: as " in git(site.data, "log", "-1", "--format=%b")


@pytest.mark.parametrize("side", ["here", "there"])
def test_a_file_that_one_side_took_away_is_chosen_as_a_whole(site, side):
    (site.clone / "README.md").unlink()
    site.push("No more about it")
    path = site.data / "README.md"
    path.write_text(path.read_text() + "A remark.\n")
    git(site.data, "commit", "-qam", "a remark")
    paula = site.desk.enter("Paula", "publisher")
    page = site.act(paula, "fetch")
    assert "In the shared copy the whole file was taken away" in page
    site.act(paula, "fetch", **chosen(page, side))
    assert path.exists() == (side == "here")
    assert site.state()[1] == ""


def test_what_was_chosen_of_versions_that_are_gone_is_not_taken(site):
    site.retitle("A developer's")
    ann = site.desk.enter("Ann")
    save_title(ann, "A title of Ann's")
    paula = site.desk.enter("Paula", "publisher")
    page = site.act(paula, "fetch")
    save_title(ann, "Another title of Ann's")
    before = site.state()
    page = site.act(paula, "fetch", **chosen(page, "there"))
    assert shared_copy.MOVED in page and site.state() == before


def test_what_is_saved_while_the_check_runs_is_in_it_too(site, monkeypatch):
    reword(site.clone, ARTICLE, *WORDS)
    site.push()
    ann, check, saved = site.desk.enter("Ann"), shared_copy.find_faults, []

    def check_slowly(*arguments):
        if not saved:
            saved.append(save_title(ann, "A title of Ann's"))
        return check(*arguments)

    monkeypatch.setattr(shared_copy, "find_faults", check_slowly)
    assert shared_copy.fetch(site.config, PAULA) == 1
    text = (site.data / FILE).read_text()
    assert "A title of Ann's" in text and WORDS[1] in text and site.state()[1] == ""


def break_talk(clone):
    (clone / "talk.yml").write_text("greet: [\n")


def no_text(clone):
    (clone / "texts.yml").write_bytes(b"\xff\xfe")


def link_away(clone):
    (clone / "articles/secrets.md").symlink_to("/etc/passwd")


def lose_a_source(clone):
    path = clone / FILE
    path.write_text(path.read_text().replace("[1]", "[99]", 1))


@pytest.mark.parametrize("harm", [break_talk, no_text, link_away, lose_a_source])
def test_a_change_with_a_fault_is_refused_whole_and_its_faults_are_shown(site, harm):
    harm(site.clone)
    site.retitle("A developer's")
    paula, before = site.desk.enter("Paula", "publisher"), site.state()
    page = site.act(paula, "fetch")
    assert "was not fetched: with it the content would have" in page
    assert '<ul class="faults"><li>' in page and "Everything here is as it was" in page
    assert site.state() == before
    assert ("Paula", "could not fetch from") in logged(site)


def test_a_fault_that_is_here_already_is_in_no_change_s_way(site):
    lose_a_source(site.data)
    git(site.data, "commit", "-qam", "a fault")
    assert check_content(site.data)
    path = site.clone / "README.md"
    path.write_text(path.read_text() + "A remark.\n")
    site.push()
    assert shared_copy.fetch(site.config, PAULA) == 1


def forge(site, folder, **changes):
    """Write a review of an answer that nobody signed; `changes` of a real one's fields."""
    config, id = site.config, ARTICLE
    listed = {article.id: article for article in articles.load_articles(folder)}
    question = listed[id].questions[0]
    made = sign_offs.SignOff(
        question.name.partition(".")[2],
        sign_offs.text_mark(listed[id], question),
        "Dr. Strange",
        listed[id].written_on,
        **changes,
    )
    sealed = sign_offs.seal_sign_off(made, id, "the secret of another site")
    path = sign_offs.path_of(folder, id)
    path.parent.mkdir(exist_ok=True)
    path.write_text(sign_offs.write_sign_offs(id, [sealed]))
    assert not sign_offs.is_sealed(sealed, id, settings.site_secret(config))


@pytest.mark.parametrize("here_too", [False, True])
def test_a_review_that_nobody_signed_here_is_not_fetched(site, here_too):
    """Also where the check of the content ends before it comes to the seals."""
    if here_too:
        lose_a_source(site.data)
        git(site.data, "commit", "-qam", "a fault")
        site.desk.enter("Ann")
    forge(site, site.clone, imported=True)
    site.push("Dr. Strange has reviewed everything")
    paula, before = site.desk.enter("Paula", "publisher"), site.state()
    page = site.act(paula, "fetch")
    assert "was not signed at this desk" in page and site.state() == before
    assert "Dr. Strange" not in paula.get(f"/articles/{ARTICLE}/side-by-side").text


def test_a_review_that_was_signed_here_comes_back_as_it_was(site):
    bo, at = site.desk.enter("Dr. Bo", "clinician"), f"/articles/{ARTICLE}/side-by-side"
    seen = re.search(r'name="seen" value="([0-9a-f]+)"', bo.get(at).text)[1]
    assert bo.post(f"/articles/{ARTICLE}/sign", seen=seen, question="").status_code == 303
    paula = site.desk.enter("Paula", "publisher")
    site.act(paula, "send")
    git(site.clone, "pull", "-q")
    path = site.clone / "README.md"
    path.write_text(path.read_text() + "A remark.\n")
    site.push()
    assert "was fetched" in site.act(paula, "fetch")
    assert "Signed by Dr. Bo" in bo.get(at).text
    reword(site.clone, ARTICLE, *WORDS)
    site.push()
    assert "was fetched" in site.act(paula, "fetch")
    assert "Changed since Dr. Bo signed it" in bo.get(at).text


def test_a_hand_edit_that_nobody_named_keeps_everything_as_it_is(site):
    site.retitle("A developer's")
    reword(site.data, ARTICLE, *WORDS)
    paula, before = site.desk.enter("Paula", "publisher"), site.state()
    page = site.act(paula, "fetch")
    assert "Say it on the page “Edited outside the desk”, or put it back" in page
    assert site.state() == before


def speak_ssh(site, script):
    """Let git reach the shared copy by a program of ours, in place of ssh."""
    helper = site.shared.parent / "helper.sh"
    helper.write_text(f"#!/bin/sh\necho $$ > {helper}.pid\n{script}\n")
    helper.chmod(0o755)
    git(site.data, "remote", "set-url", "origin", "ssh://git@shared.example.org/content")
    git(site.data, "config", "core.sshCommand", str(helper))
    return Path(f"{helper}.pid")


def stays_alive(pid_file, seconds=10):
    """Whether the process lives on; what was killed needs a moment to end."""
    end = time.monotonic() + seconds
    while is_alive(pid_file):
        if time.monotonic() > end:
            return True
        time.sleep(0.02)
    return False


def is_alive(pid_file):
    # without a file it was ended before it began, or is being ended
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):
        os.kill(int(pid_file.read_text()), 0)
        state = Path(f"/proc/{pid_file.read_text().strip()}/stat")
        return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_a_shared_copy_that_hangs_is_left_in_time_and_nothing_is_left_running(site, monkeypatch):
    pid_file = speak_ssh(site, "sleep 300")
    monkeypatch.setattr(git_commands, "REMOTE_SECONDS", 1)
    for ask in (shared_copy.look, shared_copy.send):
        with pytest.raises(shared_copy.Refused, match="did not answer within"):
            ask(site.config)
        assert not stays_alive(pid_file)


def test_the_desk_waits_for_no_shared_copy_and_ends_what_takes_too_long(site, monkeypatch):
    seconds = 20  # in which its process has begun, also on a busy machine
    monkeypatch.setattr(copy_acts, "SECONDS", seconds)
    pid_file, before = speak_ssh(site, "sleep 300"), site.state()
    paula = site.desk.enter("Paula", "publisher")
    began = time.monotonic()
    assert paula.post(f"{PAGE}/fetch").status_code == 303
    page = html.unescape(paula.get(PAGE).text)
    assert "It is being fetched and checked, for Paula" in page and 'hx-trigger="load' in page
    assert "under way already" in html.unescape(paula.post(f"{PAGE}/send").text)
    save_title(site.desk.enter("Ann"), "A title of Ann's")
    while not pid_file.exists():
        assert time.monotonic() - began < seconds
        time.sleep(0.05)
    assert copy_acts.BROKEN_OFF in site.wait(paula)
    assert not stays_alive(pid_file)
    assert site.state()[2] != before[2] and site.state()[1] == ""  # but for Ann's


REFUSALS = {
    "Permission denied (publickey).": shared_copy.NO_KEY,
    "Host key verification failed.": shared_copy.NO_KEY,
    "ssh: Could not resolve hostname shared.example.org": shared_copy.UNREACHED,
    "ssh: connect to host shared.example.org port 22: Connection refused": shared_copy.UNREACHED,
}


@pytest.mark.parametrize("words", REFUSALS)
def test_what_keeps_the_site_out_is_said_with_what_to_do(site, words):
    speak_ssh(site, f"echo '{words}' >&2; exit 255")
    with pytest.raises(shared_copy.Refused) as refused:
        shared_copy.look(site.config)
    assert str(refused.value) == REFUSALS[words]


def test_a_password_is_never_asked_for_and_never_shown(site, caplog):
    git(site.data, "remote", "set-url", "origin", "https://ann:t0ken@127.0.0.1:9/content.git")
    paula = site.desk.enter("Paula", "publisher")
    page = site.act(paula, "fetch")
    assert shared_copy.UNREACHED in page and "t0ken" not in page
    with pytest.raises(shared_copy.Refused):
        shared_copy.look(site.config)
    assert "127.0.0.1" in caplog.text and "t0ken" not in caplog.text
    assert "t0ken" not in str(accounts.read_audit(site.desk.engine))


def test_who_is_behind_is_told_to_fetch_first_and_a_refusal_is_said(site):
    save_title(site.desk.enter("Ann"), "A title of Ann's")
    paula = site.desk.enter("Paula", "publisher")
    reword(site.clone, ARTICLE, *WORDS)
    site.push()
    assert shared_copy.BEHIND in site.act(paula, "send")
    site.act(paula, "fetch")
    hook = site.shared / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n")
    hook.chmod(0o755)
    page = site.act(paula, "send")
    assert shared_copy.REFUSES in page and "2 changes made here are not in the shared copy" in page
    assert ("Paula", "could not send to") in logged(site)


def test_a_history_of_another_beginning_is_left_to_a_developer(site):
    git(site.clone, "checkout", "-q", "--orphan", "anew")
    git(site.clone, "commit", "-qm", "begun anew")
    git(site.clone, "push", "-qf", "origin", "anew:main")
    paula, before = site.desk.enter("Paula", "publisher"), site.state()
    assert shared_copy.UNRELATED in site.act(paula, "fetch")
    assert site.state() == before


KILLED = """
import os, signal, sys
from bot.content import git_commands, tree_change
from bot.cli.main import main

def kill_at(module, name, calls):
    real, left = getattr(module, name), [calls]
    def act(*arguments, **named):
        left[0] -= not names or names in arguments
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **named)
    names = {"run_git": "update-ref"}.get(name)
    setattr(module, name, act)

kill_at(tree_change, sys.argv[1], int(sys.argv[2]))
main(["content", "fetch"])
"""


@pytest.mark.parametrize(("at", "calls"), [("run_git", 0), ("put_file", 0), ("put_file", 1)])
def test_a_process_that_is_killed_while_it_fetches_leaves_nothing_half_written(site, at, calls):
    reword(site.clone, ARTICLE, *WORDS)
    (site.clone / "README.md").unlink()
    site.push()
    ann, before = site.desk.enter("Ann"), site.state()
    environment = {**os.environ, **settings.settings_environment(site.config)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), at, str(calls)],
        cwd=settings.ROOT,
        env=environment,
        capture_output=True,
    )
    assert done.returncode == -9, done.stderr
    if calls:
        assert site.state()[1]  # half of it, until somebody looks
    ann.get("/articles")
    commit, changed, files = site.state()
    assert changed == ""
    if at == "run_git":
        assert (commit, files) == (before[0], before[2])
    else:
        assert commit == git(site.clone, "rev-parse", "HEAD")
        assert WORDS[1] in (site.data / FILE).read_text()
        assert not (site.data / "README.md").exists()
    save_title(ann, "A title of Ann's")
    assert site.state()[1] == ""
    assert shared_copy.fetch(site.config, PAULA) == (1 if at == "run_git" else 0)
    assert not list(site.config.path("var").glob("tree_change.json"))


@pytest.mark.parametrize("role", ["reader", "clinician", "editor"])
def test_who_may_not_publish_may_look_and_neither_send_nor_fetch(site, role):
    visit = site.desk.enter("Rita", role)
    page = visit.get(PAGE)
    assert page.status_code == 200 and "takes the role publisher" in page.text
    assert "<button>Send" not in page.text and "<button>Fetch" not in page.text
    for act in ("send", "fetch"):
        assert visit.post(f"{PAGE}/{act}").status_code == 403
    site.wait(visit)


def test_a_site_without_a_shared_copy_says_so_where_it_is_asked_and_nowhere_else(desk, git):
    paula = desk.enter("Paula", "publisher")
    assert "follows no shared copy" in paula.get(PAGE).text
    assert PAGE not in paula.get("/publish").text
    paula.post(f"{PAGE}/fetch")
    wait_idle(desk.config)
    assert copy_acts.read_act(desk.config, copy_acts.Kind.FETCH).said == shared_copy.NO_COPY


def test_content_inside_of_a_larger_repository_is_left_to_who_looks_after_that(site, tmp_path):
    whole = tmp_path / "whole"
    whole.mkdir()
    site.data.rename(whole / "data")
    (whole / "data/.git").rename(whole / ".git")
    (site.data.parent / "data").symlink_to(whole / "data")
    assert shared_copy.WIDER in html.unescape(site.desk.enter("Ann").get(PAGE).text)


def run(site, *words):
    environment = {**os.environ, **settings.settings_environment(site.config)}
    return subprocess.run(
        [sys.executable, "-m", "bot", "content", *words],
        cwd=settings.ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_the_terminal_looks_sends_and_fetches_and_names_each_fault(site):
    save_title(site.desk.enter("Ann"), "A title of Ann's")
    reword(site.clone, ARTICLE, *WORDS)
    site.push("Nobody knows")
    looked = run(site, "look").stdout
    assert "not sent: " in looked and "not fetched: " in looked and "Nobody knows" in looked
    assert run(site, "send").returncode == 1
    assert "1 change was fetched" in run(site, "fetch").stdout
    assert "2 changes were sent" in run(site, "send").stdout
    git(site.clone, "pull", "-q")
    break_talk(site.clone)
    site.push()
    done = run(site, "fetch")
    assert done.returncode == 1 and "talk.yml:" in done.stderr
    assert history.list_outside(site.config) == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_in_a_browser_both_pages_are_for_everybody_and_the_end_comes_by_itself(
    site, open_tab, node_modules, width, scheme
):
    save_title(site.desk.enter("Ann"), "A title of Ann's")
    site.retitle("A developer's")
    reword(site.data, ARTICLE, *WORDS)
    viewport = {"width": width, "height": 844}
    tab = open_tab("publisher", viewport=viewport, color_scheme=scheme)
    tab.goto(f"/editor{BY_HAND}")
    assert axe(tab, node_modules) == []
    is_wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not tab.evaluate(is_wider)
    tab.get_by_label("It was me, Ada").check()
    tab.get_by_label("Why").fill("It reads better")
    tab.get_by_role("button", name="Keep it in the history").click()
    tab.get_by_text("Kept in the history.").wait_for()
    assert git(site.data, "log", "-1", "--format=%an").strip() == "Ada"
    tab.goto(f"/editor{PAGE}")
    tab.get_by_role("heading", name="Both sides changed the same passages").wait_for(timeout=60_000)
    assert axe(tab, node_modules) == [] and not tab.evaluate(is_wider)
    tab.get_by_label("Theirs, of the shared copy").check()
    tab.get_by_role("button", name="Fetch with these choices").click()
    tab.get_by_text("1 change was fetched").wait_for(timeout=120_000)
    assert "title: A developer's" in (site.data / FILE).read_text()
    tab.get_by_role("button", name="Send").click()
    tab.get_by_text("changes were sent").wait_for(timeout=60_000)
    assert axe(tab, node_modules) == []
    assert git(site.shared, "rev-parse", "main") == git(site.data, "rev-parse", "HEAD")
