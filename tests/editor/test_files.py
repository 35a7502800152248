"""Articles saved from the desk: as few lines as were meant, in the editor's name, merged with what
others saved, nothing lost."""

import copy
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.content import articles, history
from bot.editor.shared import article_document, content_files
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
    question["train"][3:4] = ["- it: starts with a dash?", "# and a hash", "yes", "12:30"]
    question["test"].append("\"quoted\" 'both' ways")
    question["text"] += "\n\nMore of it. [1]"
    question["facet"] = "use, side_effects"
    del fields["questions"][third]
    fields["questions"]["brand_new"] = {
        "ask": "Is it new?",
        "about": "",
        "facet": "novelty",
        "train": ["is it new"],
        "test": ["new?"],
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


def test_a_phrase_is_one_line_of_the_file(config):
    _, text = hiccups(config)
    fields = article_document.read_document(text)
    fields["questions"]["causes"]["train"].insert(2, "what on earth makes me hic")
    assert changed(text, article_document.write_document(text, fields)) == [
        "+      - what on earth makes me hic"
    ]


def test_a_comment_beside_a_field_and_between_phrases_stays():
    text = (
        (ROOT / "data/articles/hiccups.md")
        .read_text()
        .replace("about: hiccups\n", "about: hiccups   # the condition\n", 1)
    )
    text = text.replace(
        "      - what is a hiccup\n", "      # how people say it\n      - what is a hiccup\n", 1
    )
    fields = article_document.read_document(text)
    fields["about"] = "hiccup"
    fields["questions"]["what_is"]["train"][0] = "what are those hiccups"
    assert changed(text, article_document.write_document(text, fields)) == [
        "-about: hiccups   # the condition",
        "+about: hiccup   # the condition",
        "-      - what are hiccups",
        "+      - what are those hiccups",
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
        text.replace("      - define hiccup\n", ""),
    )
    content_files.save_file(config, path, theirs, Person("Bob"), "one phrase less", text)
    saved = content_files.save_file(config, path, mine, Person(), "in plainer words", text)
    assert (
        saved.merged and "why hiccups begin" in saved.text and "- define hiccup\n" not in saved.text
    )
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
    path, text = hiccups(config)
    questions = list(article_document.read_document(text)["questions"])[:6]

    def add(id):
        fields = article_document.read_document(text)
        fields["questions"][id]["train"].insert(5, f"a new phrase of {id}")
        content_files.save_file(
            config,
            path,
            article_document.write_document(text, fields),
            Person(id),
            f"phrase of {id}",
            text,
        )

    threads = [threading.Thread(target=add, args=(id,)) for id in questions]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all(f"- a new phrase of {id}\n" in path.read_text() for id in questions)
    assert len(history.read_changes(config, path)) == 1 + len(questions)


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


def test_a_difference_marks_the_words_that_changed():
    rows = content_files.text_difference(
        "a\nOften nobody can say why.\nb\n", "a\nOften nobody knows why.\nb\n"
    )[0]
    assert [kind for kind, _ in rows] == ["same", "out", "in", "same"]
    assert [text for text, marked in rows[1][1] if marked] == ["can say"] and [
        text for text, marked in rows[2][1] if marked
    ] == ["knows"]
