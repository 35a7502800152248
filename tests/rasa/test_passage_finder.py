"""Which sentence of an article is found for a message that no question answers, and for which
messages none is."""

import json

import numpy as np
import pytest
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.content.site_content import FALLBACK
from bot.language import encoder
from bot.rasa import decision
from bot.rasa.passage_finder import PassageFinder

TEA = {
    "m1": "Tea is a drink made from the leaves of a bush.",
    "m2": "Most of it grows on cool hills in India and China.",
    "m3": "A pot of it stays warm for an hour below a knitted cosy.",
}
COFFEE = {"m4": "Coffee beans are the seeds of a red cherry.", "m5": "Robusta beans taste bitter."}
WAYS = (0.2, 0.3, 0.05, 0.3, 0.1, 0.05)  # as bot/rasa/decision.py names them
SURER = (0.7, 0.1, 0.05, 0.1, 0.03, 0.02)  # the same where a sentence bears the likeliest one out
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
def process(finder, encoded):
    """process(text, ...): the message that ends so, with what was found for it."""

    def ask(
        text,
        ending=FALLBACK,
        page="tea",
        topic=None,
        terms=(),
        case=None,
        ways=WAYS,
        likeliest=None,
        borne_out=decision.ASK_BACK,
    ):
        message = Message({TEXT: text, "metadata": {"article": page, "topic": topic}})
        message.set("intent", {"name": ending, "confidence": 0.5})
        message.set("entities", [{"entity": "term", "value": term} for term in terms])
        names = dict.fromkeys([likeliest or f"{page}.what_is", f"{page}.what_is"])
        decided = {
            "ranking": [{"name": name, "confidence": 0.5} for name in names],
            "ways": ways,
            "borne_out": (borne_out, np.array(SURER, dtype=np.float32)),
            "beside": ["tea.causes"],
        }
        message.set("decision", decided if ways else None)
        message.set("context", {"case": case, "also": "tea.cure"})
        feature = np.asarray(encoded([text]))
        message.add_features(Features(feature, FEATURE_TYPE_SENTENCE, TEXT, "test"))
        (done,) = finder.process([message])
        return done

    return ask


@pytest.fixture
def find(process):
    """find(text, ...): the passage that is found for a message that ends so."""
    return lambda text, **other: process(text, **other).get("context")["passage"]


def test_the_sentence_that_says_it_is_found_with_a_chance(find):
    found = find(ASKED)
    assert found["mark"] == "m3" and 0.375 <= found["chance"] <= 1
    assert find(ASKED, ending="not_covered") == found


@pytest.mark.parametrize(
    "action, beside", [(decision.UNSURE, ["tea.causes"]), (decision.ANSWER, [])]
)
def test_the_likeliest_question_is_answered_where_the_best_sentence_stands_in_its_section(
    process, action, beside
):
    done = process(ASKED, borne_out=action)
    assert done.get("intent") == {"name": "tea.what_is", "confidence": pytest.approx(0.7)}
    assert done.get("intent_ranking")[0] == done.get("intent")
    context = done.get("context")
    assert context["passage"] is None and context["instead"] == beside
    assert context["also"] == "tea.cure" and context["ways"]["right"] == 0.7
    json.dumps([done.get(name) for name in ("intent", "intent_ranking", "context")])


@pytest.mark.parametrize(
    "other",
    [{"likeliest": "tea.causes", "borne_out": decision.ANSWER}, {"borne_out": decision.ASK_BACK}],
)
def test_a_sentence_of_another_section_or_one_that_makes_no_answer_likely_is_quoted(process, other):
    done = process(ASKED, **other)
    assert done.get("intent")["name"] == FALLBACK
    assert done.get("context")["passage"]["mark"] == "m3"


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
