"""What a broken file of phrases gets: every fault at its line, with what to write instead; and what
needs no phrase at all."""

import pytest
import yaml

from bot.content import articles, phrases, site_content
from tests.conftest import keep_one_article

OWN = "phrases/restless_legs.yml"
ARTICLE = "articles/restless_legs.md"
COMMON, OTHER = "causes", "what_is"  # data/facets.yml teaches the first, and not the second


@pytest.fixture
def data(data):
    """A copy of the content, of one article, in which nothing teaches definitions."""
    keep_one_article(data)
    path = data / "facets.yml"
    known = yaml.safe_load(path.read_text())
    known.pop("definition", None)
    path.write_text(yaml.safe_dump(known))
    return data


def printed_faults(data):
    """The faults of a content folder as they are printed."""
    return [str(fault).removeprefix(f"{data}/") for fault in site_content.check_content(data)]


def write(data, text):
    """Put lines before the phrases of the article; the faults of the content."""
    path = data / OWN
    path.write_text(text + path.read_text().partition("\n")[2])
    return printed_faults(data)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("causes: [\n", 3, "this is not valid YAML"),
        ("nonsense:\n  train: [is it nonsense]\n", 1, "has no question nonsense; correct"),
        ("7: {train: [is it seven]}\n", 1, "7 names no question"),
        ("x:\n  phrases: [is it so]\n", 1, "x holds lists of phrases, `train:` and perhaps"),
        ("x: [is it so]\n", 1, "x holds lists of phrases"),
        ("x:\n", 1, "x holds lists of phrases"),
        ("x:\n  train: is it so\n", 2, "a list of phrases is expected; one a line"),
        ("x:\n  train:\n    - yes\n", 3, "the phrase True is not text; put it in quotes"),
        ("x:\n  train:\n    - '?'\n", 3, "the phrase is empty; write how somebody would ask"),
        (f"x:\n  test:\n    - {'so ' * 101}\n", 3, "has 302 characters; keep it under 300"),
        ("x:\n  train:\n    - is it \n    - no #1 at all\n", 4, "what stands behind the # is"),
    ],
)
def test_a_fault_is_named_with_its_line_and_what_to_write(data, text, line, said):
    found = write(data, text)
    assert any(fault.startswith(f"{OWN}:{line}: ") and said in fault for fault in found), found


def list_phrases(data, id, kind="train"):
    """The phrases of a question, and the line (from 1) of the first."""
    read = phrases.read_file(data / OWN)
    return getattr(read.questions[id], kind), read.lines[id, kind, 0]


@pytest.mark.parametrize("kind", ["train", "test"])
@pytest.mark.parametrize("letters", [str, str.upper], ids=["the same", "in capitals"])
def test_a_phrase_that_stands_in_two_places_is_named_at_the_second(data, kind, letters):
    (first, *_), line = list_phrases(data, OTHER)
    _, other = list_phrases(data, COMMON, kind)
    path = data / OWN
    lines = path.read_text().splitlines(keepends=True)
    lines.insert(other - 1, f"    - {letters(first)}\n")
    path.write_text("".join(lines))
    (found,) = printed_faults(data)
    assert found.startswith(
        f'{OWN}:{other}: "{letters(first)}" stands in restless_legs.{OTHER} too; keep it in one '
        f"place; there: "
    )
    assert found.endswith(f"{OWN}:{line}")


def test_a_phrase_that_stands_twice_in_a_list_is_a_fault(data):
    found = write(data, "x:\n  train:\n    - is it so\n    - Is it so?\n")
    # the question is none, but that is another fault
    assert any("restless_legs has no question x" in fault for fault in found)
    (first, *_), line = list_phrases(data, OTHER)
    path = data / OWN
    path.write_text(path.read_text().replace(f"    - {first}\n", f"    - {first}\n" * 2, 1))
    found = printed_faults(data)
    assert any(f'{OWN}:{line + 1}: "{first}" stands in' in fault for fault in found), found


@pytest.mark.parametrize(
    ("phrase", "asks"),
    [
        ("what causes this", "causes"),
        ("causes of restless legs syndrome", "causes"),
        ("Causes of Restless Legs Syndrome?", "causes"),
        ("to prevent restless legs syndrome, what works", "prevention"),
    ],
)
def test_a_phrase_that_every_article_has_is_a_fault_in_one(data, phrase, asks):
    _, line = list_phrases(data, COMMON)
    path = data / OWN
    lines = path.read_text().splitlines(keepends=True)
    lines.insert(line - 1, f"    - {phrase}\n")
    path.write_text("".join(lines))
    (found,) = printed_faults(data)
    assert found == (
        f'{OWN}:{line}: "{phrase}" is taught for every article already, and asks '
        f"restless_legs.{asks}; delete it here; it stands in data/facets.yml"
    )


def test_a_phrase_of_talk_is_a_fault_in_an_article(data):
    _, line = list_phrases(data, COMMON)
    path = data / OWN
    lines = path.read_text().splitlines(keepends=True)
    lines.insert(line - 1, "    - good morning\n")
    path.write_text("".join(lines))
    (found,) = printed_faults(data)
    assert '"good morning" stands in restless_legs.causes too; keep it in one place' in found


def test_a_file_of_no_article_is_a_fault(data):
    (data / "phrases/nothing.yml").write_text("causes:\n  train: [whence]\n")
    assert printed_faults(data) == [
        "phrases/nothing.yml:1: there is no article nothing; name the file as its article, or "
        "delete it"
    ]


def test_a_file_that_is_no_text_is_a_fault(data):
    (data / OWN).write_bytes(b"causes:\n  train:\n  - caf\xe9\n")
    found = printed_faults(data)
    assert f"{OWN}:3: this is not UTF-8 text; save the file as UTF-8" in found


def change_own(data, **changed):
    """Give questions other phrases, {id: lists}; those that get none have no entry."""
    path = data / OWN
    own = {**yaml.safe_load(path.read_text()), **changed}
    path.write_text(yaml.safe_dump({id: lists for id, lists in own.items() if lists}))


@pytest.mark.parametrize("count", [0, 3])
def test_too_few_phrases_of_a_question_that_nothing_else_teaches_are_a_fault(data, count):
    own, _ = list_phrases(data, OTHER)
    change_own(data, what_is={"train": list(own[:count])} if count else None)
    (found,) = printed_faults(data)
    assert found.startswith(f"{OWN}:")
    assert f"the question what_is has {count} phrases that teach it; write at least 4" in found
    assert "for nothing else teaches the side “definition”" in found
    assert "below `what_is:` and `train:` in phrases/restless_legs.yml" in found
    change_own(data, what_is={"train": list(own[:4])})
    assert printed_faults(data) == []


def test_a_question_about_something_else_than_its_article_needs_phrases_too(data):
    path = data / ARTICLE
    text = path.read_text()
    place = text.index("    facet: causes\n")
    path.write_text(f"{text[:place]}    about: anaemia\n{text[place:]}")
    change_own(data, causes=None)
    assert any(
        "the question causes has 0 phrases that teach it" in fault
        and "for it is about anaemia, and only what is about restless" in fault
        for fault in printed_faults(data)
    )


def test_a_common_question_needs_no_phrase_of_its_own(data):
    change_own(data, causes=None, treatments=None)
    assert printed_faults(data) == []
    content = site_content.load_content(data)
    causes = content.questions["restless_legs.causes"]
    assert (causes.train, causes.test, causes.taught) == ((), (), (causes.ask,))
    ways = {row.text for row in site_content.read_all_asked(content) if causes.name in row.asks}
    assert {"what causes this", "causes of restless legs syndrome"} <= ways
    rows = [row for row in site_content.read_asked(content) if not row.hand]
    assert sum(causes.name in row.asks for row in rows) == site_content.ENOUGH
    full = content.questions["restless_legs.symptoms"]
    assert len(full.train) > site_content.ENOUGH
    assert sum(full.name in row.asks for row in rows) == site_content.FEWEST


def test_without_the_facets_every_question_needs_phrases(data):
    change_own(data, causes=None)
    (data / "facets.yml").write_text("- causes\n")  # what it would teach is not known
    assert not any("phrases that teach it" in fault for fault in printed_faults(data))
    (data / "facets.yml").unlink()
    assert any("the question causes has 0 phrases" in fault for fault in printed_faults(data))


def test_a_new_phrase_is_no_change_of_the_article(data):
    (before,) = articles.load_articles(data)
    change_own(data, causes=None)
    (after,) = articles.load_articles(data)
    assert after.revision == before.revision


def test_a_file_of_comments_holds_no_phrase(data):
    assert phrases.parse("# nothing yet\n\n  # here\n", data / OWN).faults == ()
    assert phrases.parse("", data / OWN) == phrases.PhraseFile(data / OWN, {}, {}, ())
