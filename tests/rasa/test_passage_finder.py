"""Which sentence of an article is found for a message that no question answers, and for which
messages none is."""

import numpy as np
import pytest
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.content.site_content import FALLBACK
from bot.language import encoder
from bot.rasa.passage_finder import PassageFinder

TEA = {
    "m1": "Tea is a drink made from the leaves of a bush.",
    "m2": "Most of it grows on cool hills in India and China.",
    "m3": "A pot of it stays warm for an hour below a knitted cosy.",
}
COFFEE = {"m4": "Coffee beans are the seeds of a red cherry.", "m5": "Robusta beans taste bitter."}
WAYS = (0.2, 0.3, 0.05, 0.3, 0.1, 0.05)  # as bot/rasa/decision.py names them
ASKED = "does a knitted cosy keep the pot of tea warm, and for how long"


def describe(article, ask, sentences):
    """What the importer says of a question, as its first phrase has it."""
    return {
        "article": article,
        "subject": article,
        "about": [article],
        "facets": ["definition"],
        "mentions": [article],
        "texts": [],
        "ask": ask,
        "sentences": [[mark, words, 0] for mark, words in sentences.items()],
    }


@pytest.fixture(scope="module")
def encoded():
    """A function from a text to its dense feature."""
    return encoder.load_encoder().encode_layers


@pytest.fixture
def finder(components):
    """A PassageFinder that was taught what two articles say, as it is loaded."""
    taught = [
        ("tea.what_is", "what is tea", describe("tea", "What is tea?", TEA)),
        ("coffee.what_is", "what is coffee", describe("coffee", "What is coffee?", COFFEE)),
    ]
    examples = [
        Message.build(text=text, intent=name, intent_metadata=facts) for name, text, facts in taught
    ]
    known = {"hand": "h", "page": "tea", "asks": [], "gets": "talk"}
    examples += [
        Message.build(text=text, example_metadata=known)
        for text in ("how does it feel", "what is the pot for", "is it for me and how")
    ]
    components.make(PassageFinder).train(TrainingData(examples))
    return components.load(PassageFinder)


@pytest.fixture
def find(finder, encoded):
    """find(text, ...): what is found for a message that ends so."""

    def ask(text, ending=FALLBACK, page="tea", topic=None, terms=(), case=None, ways=WAYS):
        message = Message({TEXT: text, "metadata": {"article": page, "topic": topic}})
        message.set("intent", {"name": ending, "confidence": 0.5})
        message.set("entities", [{"entity": "term", "value": term} for term in terms])
        ranking = [{"name": f"{page}.what_is", "confidence": 1.0}]
        message.set("decision", {"ranking": ranking, "ways": ways} if ways else None)
        message.set("context", {"case": case})
        feature = np.asarray(encoded([text]))
        message.add_features(Features(feature, FEATURE_TYPE_SENTENCE, TEXT, "test"))
        (done,) = finder.process([message])
        return done.get("context")["passage"]

    return ask


def test_the_sentence_that_says_it_is_found_with_a_chance(find):
    found = find(ASKED)
    assert found["mark"] == "m3" and 0.375 <= found["chance"] <= 1
    assert find(ASKED, ending="not_covered") == found


def test_the_article_that_is_spoken_of_goes_before_that_of_the_page(find):
    assert find(ASKED, page="coffee", topic={"article": "tea"})["mark"] == "m3"


def test_what_is_most_likely_unanswered_gets_no_passage(find):
    assert find("which team won", ways=(0.02, 0.02, 0, 0.95, 0.01, 0)) is None


@pytest.mark.parametrize(
    "other",
    [
        {"page": None},
        {"page": "unknown"},
        {"ending": "tea.what_is"},
        {"ending": "personal_advice"},
        {"ending": "out_of_scope"},
        {"ending": "greeting"},
        {"case": "which"},
        {"case": "facet"},
        {"ways": None},
        {"terms": ["coffee"]},
        {"topic": {"article": "tea", "about": ["coffee"]}},
    ],
)
def test_an_answer_a_decision_talk_another_condition_and_no_page_get_no_passage(find, other):
    assert find(ASKED, **other) is None


def test_the_pages_own_condition_may_be_named(find):
    assert find(ASKED, terms=["tea"])["mark"] == "m3"


def test_a_message_without_a_context_is_left_as_it_is(finder):
    (message,) = finder.process([Message({TEXT: "hello"})])
    assert message.get("context") is None
