"""Subject and facet: what one condition's phrases teach about a facet holds for the others, and
lifts nothing foreign."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from bot.content import terms
from bot.rasa import facet_features

ROOT = Path(__file__).resolve().parents[2]

SUBJECTS = ("hiccups", "tremor", "dystonia", "tics")
RICH = {
    "causes": [
        "what causes {}",
        "why do people get {}",
        "where does {} come from",
        "the reason for {}",
        "{} what brings it about",
        "how come someone has {}",
        "what is behind {}",
        "what lies at the root of {}",
    ],
    "diagnosis": [
        "how is {} diagnosed",
        "which tests show {}",
        "how do doctors find {}",
        "is there a scan for {}",
        "how do they make sure it is {}",
        "what examination proves {}",
        "how is {} confirmed",
        "test for {}",
    ],
    "outlook": [
        "does {} go away",
        "will {} get worse with the years",
        "is {} for life",
        "what is the future with {}",
        "how does {} develop over time",
        "can {} disappear",
        "does {} stay the same",
        "long term course of {}",
    ],
}
POOR = {
    "causes": ["what causes {}", "why do people get {}"],
    "diagnosis": ["how is {} diagnosed", "is there a scan for {}"],
    "outlook": ["does {} go away", "is {} for life"],
}
TALK = {
    "not_covered": [
        "what causes migraine",
        "how is asthma diagnosed",
        "does gout go away",
        "what is behind lupus",
        "is flu for life",
    ],
    "greeting": ["hello", "good morning", "hi there", "hey", "good evening"],
}
# Said in these words of the first three conditions only; the last has two phrases of its own for
# each facet.
BORROWED = {
    "what lies at the root of tics": "causes",
    "tics, what brings them about": "causes",
    "what examination proves tics": "diagnosis",
    "which tests show tics": "diagnosis",
    "long term course of tics": "outlook",
    "how do tics develop over time": "outlook",
}
FOREIGN = ["what brings about migraine", "which tests show asthma", "long term course of gout"]

SCRIPT = """
import json, sys, tempfile
from pathlib import Path
from bot.rasa.compatibility import prepare_rasa, quieten_rasa
prepare_rasa(); quieten_rasa()
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.nlu.featurizers.sparse_featurizer.count_vectors_featurizer import CountVectorsFeaturizer
from rasa.nlu.tokenizers.whitespace_tokenizer import WhitespaceTokenizer
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from bot.rasa.classifier import QuestionClassifier
from bot.rasa.featurizer import SentenceFeaturizer
from bot.rasa.term_extractor import TermExtractor

given = json.load(sys.stdin)
storage = LocalModelStorage(Path(tempfile.mkdtemp()))
context = lambda name: ExecutionContext(GraphSchema({}), node_name=name)

def make(kind, name, **options):
    return kind.create({**kind.get_default_config(), **options}, storage, Resource(name), context(name))

def learn(name, facets, **options):
    examples = [Message.build(text=text, intent=intent, intent_metadata={"facets": [intent.partition(".")[2]]} if facets and "." in intent else None)
                for intent, texts in given["phrases"].items() for text in texts]
    data = TrainingData(examples, lookup_tables=[{"name": "condition", "elements": given["terms"]}],
                        entity_synonyms={term: term for term in given["terms"]})
    steps = [make(WhitespaceTokenizer, "tokenizer"), make(TermExtractor, "terms"),
             make(CountVectorsFeaturizer, "grams", analyzer="char_wb", min_ngram=2, max_ngram=4), make(SentenceFeaturizer, "sentence")]
    for step in steps:
        if hasattr(step, "train"):
            step.train(data)
        if hasattr(step, "process_training_data"):
            data = step.process_training_data(data)
    classifier = make(QuestionClassifier, name, **options)
    classifier.train(data)
    found = TermExtractor.load({}, storage, Resource("terms"), context("terms"))
    rankings = {}
    for text in given["asked"]:
        messages = [Message({"text": text})]
        for step in (steps[0], found, *steps[2:], classifier):
            messages = step.process(messages)
        rankings[text] = {entry["name"]: entry["confidence"] for entry in messages[0].get("intent_ranking")}
    return rankings

print(json.dumps({"with": learn("with", True), "without": learn("without", True, facet_weight=0.0), "none": learn("none", False)}))
"""  # noqa: E501


@pytest.fixture(scope="module")
def seen():
    phrases = {
        f"{subject}.{facet}": [text.format(subject) for text in texts]
        for subject in SUBJECTS
        for facet, texts in (POOR if subject == "tics" else RICH).items()
    } | TALK
    given = {
        "phrases": phrases,
        "asked": [*BORROWED, *FOREIGN],
        "terms": [*SUBJECTS, "migraine", "asthma", "gout", "lupus"],
    }
    done = subprocess.run(
        [ROOT / ".venv/bin/python", "-c", SCRIPT],
        input=json.dumps(given),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(("text", "facet"), BORROWED.items())
def test_a_wording_that_only_other_conditions_taught_is_understood(seen, text, facet):
    ranking = seen["with"][text]
    assert max(ranking, key=ranking.get) == f"tics.{facet}"


def test_the_facet_makes_the_right_question_surer(seen):
    gained = [
        seen["with"][text][f"tics.{facet}"] - seen["without"][text].get(f"tics.{facet}", 0)
        for text, facet in BORROWED.items()
    ]
    assert np.mean(gained) > 0.05, gained


def test_phrases_without_facets_are_understood_as_without_facets(seen):
    assert seen["none"] == seen["without"]


@pytest.mark.parametrize("text", FOREIGN)
def test_a_familiar_facet_of_something_foreign_makes_no_question_of_it(seen, text):
    ranking = seen["with"][text]
    assert ranking["not_covered"] == pytest.approx(seen["without"][text]["not_covered"], rel=0.05)


def test_facets_leave_to_the_questions_together_what_they_had():
    before = np.log([0.1, 0.3, 0.2, 0.4])
    after = np.exp(
        facet_features.add_facets(before, np.log([0.9, 0.1]), np.array([0, 1, -1, 0]), 1.0)
    )
    assert after[2] == pytest.approx(0.2) and after[[0, 1, 3]].sum() == pytest.approx(0.8)
    assert after[0] / after[1] == pytest.approx(3.0) and after[3] / after[0] == pytest.approx(4.0)


def test_named_terms_are_masked_by_their_kind():
    text = "does clonazepam help with tremor?"
    assert (
        facet_features.mask_terms(
            text,
            [
                {"start": 5, "end": 15, "kind": "medicine"},
                {"start": 26, "end": 32, "kind": "condition"},
            ],
        )
        == "does this medicine help with this condition?"
    )
    assert facet_features.mask_terms(text, []) == text


def test_a_term_is_read_under_its_own_name_and_what_a_longer_name_says_besides_stays():
    find = terms.make_finder(
        {"tourette syndrome": "condition", "clonazepam": "medicine"},
        {
            "tourette syndrome": "tourette syndrome",
            "tics": "tourette syndrome",
            "motor tics": "tourette syndrome",
            "klonopin": "clonazepam",
        },
    )
    found = [
        {"start": one.start, "value": one.term, "core": one.core}
        for one in find("Klonopin for motor tics?")
    ]
    assert (
        facet_features.unify_terms("Klonopin for motor tics?", found)
        == "clonazepam for motor tourette syndrome?"
    )


NAMES = """
import json, sys, tempfile
from pathlib import Path
from bot.rasa.compatibility import prepare_rasa, quieten_rasa
prepare_rasa(); quieten_rasa()
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from bot.rasa import facet_features
from bot.rasa.term_extractor import TermExtractor

given = json.load(sys.stdin)
storage = LocalModelStorage(Path(tempfile.mkdtemp()))
examples = [Message.build(text=text, intent=intent) for intent, texts in given["phrases"].items() for text in texts]
data = TrainingData(examples, lookup_tables=[{"name": "condition", "elements": sorted(set(given["names"].values()))}], entity_synonyms=given["names"])
TermExtractor.create({}, storage, Resource("terms"), None).train(data)
messages = TermExtractor.load({}, storage, Resource("terms"), None).process([Message({"text": text}) for text in given["asked"]])
print(json.dumps({message.get("text"): facet_features.unify_terms(message.get("text"), message.get("entities")) for message in messages}))
"""  # noqa: E501
PHRASES = {
    "myoclonus.causes": ["what causes muscle jerks", "why do jerks come"],
    "myoclonus.symptoms": ["signs of muscle jerks", "how do jerks feel"],
    "myoclonus.outlook": ["do muscle jerks pass", "will the jerks get worse"],
    "dystonia.types": ["what is focal dystonia", "focal dystonia meaning"],
    "dystonia.causes": ["what causes dystonia", "why dystonia", "reasons for dystonia"],
    "tics.what_is": ["what are tics", "tics meaning"],
    "tics.types": ["what are motor tics", "is blinking a tic"],
    "tics.causes": ["why do motor tics come", "where do tics come from"],
}


def test_a_longer_name_is_read_as_the_term_unless_its_words_tell_questions_apart():
    terms = {
        "myoclonus": ["myoclonus", "jerks", "muscle jerks", "sudden jerks"],
        "dystonia": ["dystonia", "focal dystonia"],
        "tourette syndrome": ["tourette syndrome", "tics", "tic", "motor tics"],
    }
    expected = {
        "do muscle jerks hurt": "do myoclonus hurt",  # said of many questions
        "do sudden jerks hurt": "do myoclonus hurt",  # not taught, and an editor named it so
        # most often in one question's phrases
        "does focal dystonia hurt": "does focal dystonia hurt",
        # without it two questions had a phrase in common
        "do motor tics hurt": "do motor tourette syndrome hurt",
    }
    given = {
        "phrases": PHRASES,
        "names": {name: term for term, names in terms.items() for name in names},
        "asked": list(expected),
    }
    done = subprocess.run(
        [ROOT / ".venv/bin/python", "-c", NAMES],
        input=json.dumps(given),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == expected


def test_the_order_of_facets_makes_no_other_facet():
    examples = [
        {"metadata": {"intent": {"facets": facets}}}
        for facets in (["use", "risks"], ["risks", "use"])
    ]
    assert (
        facet_features.facets_of(examples[0])
        == facet_features.facets_of(examples[1])
        == "risks+use"
    )
    assert (
        facet_features.facets_of({"metadata": {}}) is None and facet_features.facets_of({}) is None
    )
