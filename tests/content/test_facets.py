"""How people ask about a side of any condition (data/facets.yml): taught to each article, and its
faults by line."""

import shutil
from pathlib import Path

import pytest
import yaml

from bot.content import articles, facets, site_content

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path):
    """A copy of the content, without the messages of other hands."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    shutil.rmtree(tmp_path / "data" / "asked")
    return tmp_path / "data"


def taught(folder):
    """{(text, page): what it asks, or what it gets}."""
    rows = site_content.read_asked(site_content.load_content(folder))
    return {(row.text, row.page): row.asks or row.gets for row in rows}


def change_facets(folder, **changed):
    """Give some facets other entries."""
    path = folder / "facets.yml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changed}))


def test_a_phrase_teaches_every_article_that_answers_its_facet(folder):
    change_facets(
        folder,
        tests={"or": "diagnosis", "phrases": ["do they scan it", "do they scan {term}"]},
        diagnosis={"phrases": ["how would they be sure"]},
        costs={"phrases": ["what would it cost me", "what would {term} cost me"]},
    )
    content = site_content.load_content(folder)
    rows = {
        (row.text, row.page): row.asks or row.gets for row in site_content.read_all_asked(content)
    }
    assert rows["do they scan it", "restless_legs"] == ("restless_legs.iron_and_blood_tests",)
    assert rows["do they scan it", "tremor"] == ("tremor.diagnosis",)  # by `or`
    assert rows["do they scan tremor", None] == ("tremor.diagnosis",)
    assert rows["how would they be sure", "hiccups"] == ("hiccups.diagnosis",)
    assert rows["what would it cost me", None] == "unanswered"
    answering = {
        content.article_of(name).id
        for name, question in content.questions.items()
        if {"tests", "diagnosis"} & {*question.facets}
        and question.about[0] == content.article_of(name).about
    }
    assert len([text for text, _ in rows if text == "do they scan it"]) == len(answering) > 5
    assert len([text for text, _ in rows if text == "what would it cost me"]) == 1


def ask(folder, *phrases):
    """Let somebody have asked these of tremor's causes."""
    (folder / "asked").mkdir()
    rows = "".join(
        f'- {{says: "{phrase}", page: tremor, asks: tremor.causes}}\n' for phrase in phrases
    )
    (folder / "asked/first.yml").write_text(f"messages:\n{rows}")


def test_what_an_article_says_itself_is_not_taught_twice(folder):
    phrase = site_content.load_content(folder).questions["tremor.causes"].train[0]
    ask(folder, phrase, "but whence")
    texts = {text for text, _ in taught(folder)}
    assert phrase not in texts and "but whence" in texts


def test_a_changed_phrase_changes_nothing_of_what_the_net_of_dangers_learns(folder):
    """It is taught anew where that changes, which takes most of a minute."""
    said = site_content.load_content(folder).questions["tremor.causes"].train[0]
    ask(folder, said)
    before = site_content.read_all_asked(site_content.load_content(folder))
    path = folder / "phrases/tremor.yml"
    text = path.read_text()
    assert text.count(f"- {said}\n") == 1
    path.write_text(text.replace(f"- {said}\n", "- is there any way to say whence it is\n"))
    changed = site_content.load_content(folder)
    assert said not in changed.questions["tremor.causes"].train
    assert site_content.read_all_asked(changed) == before
    assert said in {row.text for row in site_content.read_asked(changed)}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("causes: [why]\n", 1, "holds `phrases:"),
        ("causes:\n  phrases: why\n", 1, "needs `phrases:`, a list"),
        ("causes:\n  phrases: []\n", 1, "needs `phrases:`, a list"),
        ("causes:\n  phrases: [why]\n  and: 1\n", 1, "holds `phrases:"),
        ("causes:\n  phrases: [1]\n", 1, "must be text"),
        ("causes:\n  phrases: ['why {term} or {term}']\n", 1, "once"),
        ("causes:\n  phrases: ['why {condition}']\n", 1, "once"),
        ("causes:\n  phrases: [why]\nmore:\n  or: less\n  phrases: [how]\n", 3, "no other facet"),
        ("causes:\n  or: causes\n  phrases: [why]\n", 1, "no other facet"),
        ("causes:\n  phrases:\n    - why\n    - Why?\n", 4, "stands in line 3 already"),
        ("causes:\n  phrases:\n   - why\n  - how\n", 4, "not valid YAML"),
        ("causes:\n", 1, "holds `phrases:"),
    ],
)
def test_a_fault_names_its_line_and_what_to_write(folder, text, line, says):
    (folder / "facets.yml").write_text(text)
    faults = site_content.check_content(folder)
    assert any(f"facets.yml:{line}: " in fault and says in fault for fault in map(str, faults)), (
        faults
    )


def test_without_the_file_articles_teach_alone(folder):
    (folder / "facets.yml").unlink()
    listed = articles.load_articles(folder)
    assert facets.read_facet_phrases(folder, listed) == ([], [])
    assert facets.read_facets(folder) == {}
    faults = site_content.check_content(folder)
    assert all("phrases that teach it" in fault.text for fault in faults), faults
