"""Articles saved from the desk: as few lines as were meant, in the editor's name, merged with what
others saved, nothing lost."""

import copy
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.content import articles, history
from bot.domain.faults import Fault
from bot.editor.shared import article_document, content_files, phrases_document
from bot.runtime import settings

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.name for path in (ROOT / "data/articles").glob("*.md"))


@dataclass(frozen=True)
class Person:
    name: str = "Ann Editor"
    email: str | None = "ann@example.org"


def git(folder, *arguments):
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture
def config(data):
    """The settings of a site whose content is a git repository."""
    git(data, "init", "-q", "-b", "main")
    git(data, "add", ".")
    git(data, "-c", "user.name=First", "-c", "user.email=f@example.org", "commit", "-qm", "first")
    return settings.read_settings({"DATA": str(data), "VAR": str(data.parent / "var")})


def hiccups(config):
    path = content_files.article_path(config, "hiccups")
    return path, content_files.read_file(path)


def changed(before, after):
    """The lines taken out and put in."""
    import difflib

    return [
        line
        for line in difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
        if line[0] in "+-" and not line.startswith(("+++", "---"))
    ]


@pytest.mark.parametrize("name", NAMES)
def test_an_article_whose_fields_nobody_changed_is_written_as_it_stands(name):
    text = (ROOT / "data/articles" / name).read_text()
    assert article_document.write_document(text, article_document.read_document(text)) == text


@pytest.mark.parametrize("name", NAMES)
def test_fields_that_were_written_are_read_again(name):
    text = (ROOT / "data/articles" / name).read_text()
    fields = copy.deepcopy(article_document.read_document(text))
    first, second, third, *_ = fields["questions"]
    question = fields["questions"][second]
    question["text"] += "\n\nMore of it. [1]"
    question["facet"] = "use, side_effects"
    del fields["questions"][third]
    fields["questions"]["brand_new"] = {
        "ask": "Is it new?",
        "about": "",
        "facet": "novelty",
        "heading": "Is it new?",
        "text": "It is. [1]",
    }
    fields |= {"written_by": "Dr A: B", "written_on": "2026-11-24"}
    fields["sources"][99] = {
        "title": "A: source",
        "publisher": "",
        "url": "https://example.org/",
        "date": "2026-01-02",
        "changed": "",
        "withdrawn": "",
    }
    assert article_document.read_document(article_document.write_document(text, fields)) == fields


def own_phrases(config):
    path = content_files.phrases_path(config, "hiccups")
    return path, content_files.read_file(path)


def test_a_phrase_is_one_line_of_the_file(config):
    path, text = own_phrases(config)
    lists = phrases_document.read_phrases(text, path)["causes"]
    lists["train"].insert(2, "what on earth makes me hic")
    written = phrases_document.write_phrases(text, "hiccups", "causes", lists)
    assert changed(text, written) == ["+    - what on earth makes me hic"]


def test_phrases_that_were_written_are_read_again_and_others_stay_as_they_were(config):
    path, text = own_phrases(config)
    before = phrases_document.read_phrases(text, path)
    for question, lists in before.items():
        assert phrases_document.write_phrases(text, "hiccups", question, lists) == text
    odd = {
        "train": ["- it: starts with a dash?", "# and a hash", "yes", "12:30"],
        "test": ["\"quoted\" 'both' ways"],
    }
    for question, lists in (("causes", odd), ("brand_new", odd), ("triggers", {"test": ["so?"]})):
        written = phrases_document.write_phrases(text, "hiccups", question, lists)
        wanted = {**before, question: {"train": [], "test": [], **lists}}
        assert phrases_document.read_phrases(written, path) == wanted
    gone = phrases_document.write_phrases(text, "hiccups", "causes", {})
    assert phrases_document.read_phrases(gone, path) == {
        question: lists for question, lists in before.items() if question != "causes"
    }


def test_a_first_phrase_begins_a_file_that_says_what_it_is():
    text = phrases_document.write_phrases("", "hiccups", "causes", {"train": ["why hic"]})
    assert text == (
        "# How people ask the questions of hiccups.md, beside what data/facets.yml holds for every "
        "article.\ncauses:\n  train:\n    - why hic\n"
    )


def test_a_comment_beside_a_field_and_between_phrases_stays(config):
    text = (
        (ROOT / "data/articles/hiccups.md")
        .read_text()
        .replace("about: hiccups\n", "about: hiccups   # the condition\n", 1)
    )
    fields = article_document.read_document(text)
    fields["about"] = "hiccup"
    assert changed(text, article_document.write_document(text, fields)) == [
        "-about: hiccups   # the condition",
        "+about: hiccup   # the condition",
    ]
    path, text = own_phrases(config)
    text = text.replace(
        "    - what is a hiccup\n", "    # how people say it\n    - what is a hiccup\n", 1
    )
    lists = phrases_document.read_phrases(text, path)["what_is"]
    lists["train"][0] = "what are those hiccups"
    assert changed(text, phrases_document.write_phrases(text, "hiccups", "what_is", lists)) == [
        "-    - what are hiccups",
        "+    - what are those hiccups",
    ]


def test_an_article_is_saved_with_a_commit_of_that_file_alone_in_the_editors_name(config):
    path, text = hiccups(config)
    (config.path("data") / "talk.yml").write_text("another's unfinished work")
    saved = content_files.save_file(
        config,
        path,
        text.replace("why hiccups start", "why hiccups begin"),
        Person("A <b>\n\"' $(id)"),
        "hiccups: in plainer words",
        text,
    )
    assert (
        saved.commit == git(config.path("data"), "rev-parse", "HEAD").strip() and not saved.merged
    )
    assert git(config.path("data"), "log", "-1", "--format=%an|%ae|%s", "--name-only").split("\n")[
        :3
    ] == ["A b\"' $(id)|ann@example.org|hiccups: in plainer words", "", "articles/hiccups.md"]
    assert history.read_changes(config, path)[0].why == "hiccups: in plainer words"
    assert history.read_revision(config, path, history.read_changes(config, path)[1].commit) == text


def test_two_editors_of_one_article_get_a_merge(config):
    path, text = hiccups(config)
    mine, theirs = (
        text.replace("why hiccups start", "why hiccups begin"),
        text.replace("title: ", "title: All about ", 1),
    )
    content_files.save_file(config, path, theirs, Person("Bob"), "another title", text)
    saved = content_files.save_file(config, path, mine, Person(), "in plainer words", text)
    assert saved.merged and "why hiccups begin" in saved.text and "title: All about " in saved.text
    assert path.read_text() == saved.text


def test_two_editors_of_one_line_get_both_versions_to_see_and_nothing_is_lost(config):
    path, text = hiccups(config)
    content_files.save_file(
        config,
        path,
        text.replace("why hiccups start", "why hiccups begin"),
        Person("Bob"),
        "his",
        text,
    )
    with pytest.raises(content_files.Conflict) as conflict:
        content_files.save_file(
            config,
            path,
            text.replace("why hiccups start", "why a hiccup comes"),
            Person(),
            "mine",
            text,
        )
    assert (
        "your version" in conflict.value.text
        and "why a hiccup comes" in conflict.value.text
        and "why hiccups begin" in conflict.value.text
    )
    assert "why hiccups begin" in path.read_text() and conflict.value.theirs == path.read_text()


def test_many_editors_at_once_lose_nothing(config):
    path, text = own_phrases(config)
    questions = phrases_document.read_phrases(text, path)

    def add(id):
        lists = questions[id]
        lists["train"].insert(5, f"a new phrase of {id}")
        content_files.save_file(
            config,
            path,
            phrases_document.write_phrases(text, "hiccups", id, lists),
            Person(id),
            f"phrase of {id}",
            text,
        )

    names = list(questions)[:6]
    threads = [threading.Thread(target=add, args=(id,)) for id in names]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all(f"- a new phrase of {id}\n" in path.read_text() for id in names)
    assert len(history.read_changes(config, path)) == 1 + len(names)


def test_two_files_are_saved_whole_or_not_at_all(config, monkeypatch):
    (first, before), (second, own) = hiccups(config), own_phrases(config)
    edits = [
        content_files.Edit(first, f"{before}\nMore. [1]\n", before),
        content_files.Edit(second, f"{own}more:\n  train: [more]\n", own),
    ]
    save_text = articles.save_text

    def fill_the_disk(path, text):
        if path == second:
            raise OSError("no space")
        save_text(path, text)

    with monkeypatch.context() as patch, pytest.raises(OSError, match="no space"):
        patch.setattr(articles, "save_text", fill_the_disk)
        content_files.save_files(config, edits, Person(), "both")
    assert (first.read_text(), second.read_text()) == (before, own)
    said = "this is wrong"
    with pytest.raises(articles.ContentError, match=said):
        content_files.save_files(
            config, edits, Person(), "both", lambda texts: [Fault.from_sentence(said)]
        )
    assert (first.read_text(), second.read_text()) == (before, own)
    saved = content_files.save_files(config, edits, Person(), "both")
    assert saved.commit == git(config.path("data"), "rev-parse", "HEAD").strip()
    shown = git(config.path("data"), "show", "--name-only", "--format=%s").split("\n")
    assert [line for line in shown if line] == [
        "both",
        "articles/hiccups.md",
        "phrases/hiccups.yml",
    ]


def test_a_text_with_faults_is_not_saved(config):
    path, text = hiccups(config)
    with pytest.raises(articles.ContentError):
        content_files.save_file(
            config,
            path,
            text.replace("facet: causes", "facet: "),
            Person(),
            "broken",
            text,
            lambda new: articles.read_article(new, path)[1],
        )
    assert path.read_text() == text


def test_without_a_repository_or_git_it_says_so_and_saves(data, monkeypatch, tmp_path):
    config = settings.read_settings({"DATA": str(data), "VAR": str(tmp_path / "var")})
    path, text = hiccups(config)
    assert "no git repository" in history.find_trouble(config)
    assert content_files.save_file(config, path, text + "x", Person(), "why", text).commit is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "not installed" in history.find_trouble(config)
    now = path.read_text()
    assert content_files.save_file(
        config, path, now + "y", Person(), "why", now
    ).commit is None and path.read_text().endswith("y\n")
    with pytest.raises(content_files.Conflict) as conflict:
        content_files.save_file(config, path, text + "z", Person(), "why", text)
    assert conflict.value.text is None and conflict.value.theirs == path.read_text()


@pytest.mark.parametrize(
    "id",
    [
        "../talk",
        "..",
        "a/b",
        "/etc/passwd",
        "a\\b",
        "A",
        "",
        ".git",
        "a.md",
        "hiccups\n",
        "x" * 200,
        "a\0b",
        "%2e%2e",
    ],
)
def test_a_path_is_never_made_of_what_was_asked(config, id):
    with pytest.raises(content_files.NoFile):
        content_files.article_path(config, id)
    with pytest.raises(content_files.NoFile):
        content_files.table_path(config, id)


def test_a_link_out_of_the_folder_is_no_article(config, tmp_path):
    (tmp_path / "secret.md").write_text("secret")
    (config.path("data") / "articles/link.md").symlink_to(tmp_path / "secret.md")
    with pytest.raises(content_files.NoFile):
        content_files.article_path(config, "link")


@pytest.mark.parametrize(
    "commit", ["HEAD", "--help", "HEAD~1", "deadbeef", "main", "../x", "0" * 40]
)
def test_only_a_commit_of_the_history_is_shown(config, commit):
    with pytest.raises(history.NoCommit):
        history.read_revision(config, hiccups(config)[0], commit)
