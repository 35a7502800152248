"""How new articles are made of those that are there, asked and judged (benchmarks/articles.py); in
short, with one article and a few messages."""

import shutil

import conftest
import pytest

from benchmarks import articles, library
from bot.content import phrases, site_content
from bot.releases import registry
from bot.runtime import settings

ARTICLE = "restless_legs"
COUNTS = {"asked": 20, "first": 16, "among_three": 19, "right": 15, "offered": 3, "wrong": 2}


def test_a_new_article_keeps_few_phrases_and_nothing_that_other_hands_asked_of_it(data):
    content = site_content.load_content(data)
    articles.make_new(data, content, content.articles["myoclonus"], 0)
    new = site_content.load_content(data)
    myoclonus = new.articles["myoclonus"]
    common = articles.find_common(content, myoclonus)
    assert {len(question.train) for question in myoclonus.questions} == {0, phrases.FEWEST}
    assert all(
        len(question.train) == (0 if is_common else phrases.FEWEST)
        for question, is_common in zip(myoclonus.questions, common, strict=True)
    )
    assert [q.test for q in myoclonus.questions] == [
        q.test for q in content.articles["myoclonus"].questions
    ]
    assert new.articles["tremor"] == content.articles["tremor"]
    hands = [row for row in site_content.read_all_asked(new) if row.hand]
    assert hands
    assert not any(
        row.page == "myoclonus" or any(name.startswith("myoclonus.") for name in row.asks)
        for row in hands
    )


def test_of_a_question_that_keeps_three_phrases_those_of_its_first_ones_are_kept_again(data):
    content = site_content.load_content(data)
    kept = {}
    for count in (1, 3):
        articles.make_new(data, content, content.articles[ARTICLE], count)
        new = site_content.load_content(data).questions[f"{ARTICLE}.causes"]
        kept[count] = new.train
    assert kept[1] == kept[3][:1] and len(kept[3]) == 3


def test_an_article_without_phrases_is_trained_asked_on_its_page_and_counted(data, tmp_path):
    conftest.keep_one_article(data, ARTICLE)
    content = site_content.load_content(data)
    articles.make_new(data, content, content.articles[ARTICLE], 0)
    for name in registry.CONFIGURATION:
        shutil.copy2(settings.ROOT / name, tmp_path)
    archive = articles.train_archive(tmp_path)
    found = articles.ask_article(archive, content, content.articles[ARTICLE], most=4)
    assert set(found) == {"common", "own", "strangers"}
    assert all(articles.find_common(content, content.articles[ARTICLE]))  # none is its own
    for kind, counts in found.items():
        ends = ("right", "offered", "wrong", "declined", "else")
        wanted = 0 if kind == "own" else 4
        assert counts["asked"] == wanted == sum(counts.get(end, 0) for end in ends), counts
    assert 0 < found["common"]["first"] <= found["common"]["among_three"] <= 4


def test_conditions_without_a_phrase_are_taught_by_facets_alone_and_asked_what_was_left_out(
    tmp_path,
):
    data, asked = library.build_without_phrases(tmp_path, ["zebra fever", "owl disease"])
    assert site_content.check_content(data) == []
    content = site_content.load_content(data)
    new = [question for name, question in content.questions.items() if name.startswith("c0.")]
    assert len(new) == library.QUESTIONS and not any(question.train for question in new)
    taught = {(row.text, name) for row in site_content.read_all_asked(content) for name in row.asks}
    assert asked and not taught & set(asked)
    assert {name for _, name in asked} <= set(content.questions)


@pytest.mark.parametrize(
    ("result", "got"),
    [
        (("a.b", []), {"right": 1.0, "offered": 0.0, "wrong": 0.0, "crossed": 0.0}),
        (("c.b", []), {"right": 0.0, "offered": 0.0, "wrong": 1.0, "crossed": 1.0}),
        (("nlu_fallback", ["a.c", "a.b"]), {"right": 0, "offered": 1, "wrong": 0, "crossed": 0}),
        (("not_covered", []), {"right": 0, "offered": 0, "wrong": 0, "crossed": 0}),
    ],
)
def test_what_was_left_out_is_counted_by_what_its_visitor_gets(result, got):
    name, choices = result
    understood = {
        "intent": {"name": name},
        "intent_ranking": [{"name": choice} for choice in choices],
    }
    assert library.outcomes([("text", "a.b")], [library.as_reply(understood)]) == got


def test_the_page_says_plainly_what_fell_short():
    groups = {"common": COUNTS, "own": COUNTS, "strangers": {"asked": 20, "wrong": 1}}
    page = articles.page(
        {
            "at": "today",
            "cores": 2,
            "machine": "M",
            "commit": "abc",
            "articles": {step: {"tics": groups} for step in articles.STEPS},
            "library": {
                "conditions": 1000,
                "asked": 300,
                "train": 200.0,
                "understanding": 100.0,
                "right": 0.95,
                "offered": 0.03,
                "wrong": 0.02,
                "crossed": 0.0,
            },
            "training": {"anew": 90.0, "one_phrase": 20.0, "demanded": {"tics": 12, "tremor": 4}},
        }
    )
    assert "| 80.0 | 85: **short** | 80.0 | 90: **short** | 80.0 | 92: **short** |" in page
    assert "| near strangers: answered | 5.0 | 4: **short** | 5.0 |  | 5.0 |  |" in page
    assert "| answered wrongly | 2.0 | 1.5: **short** |" in page
    assert "| tics | 80.0 / 95.0 | 80.0 / 95.0 | 80.0 / 95.0 |" in page
    assert "| and where they are as those of the 2 here | 4 to 12 |" in page
    assert "Measured today, 2 cores of M, commit abc; one run." in page
