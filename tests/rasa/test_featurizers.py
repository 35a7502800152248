"""What a text becomes: tokens, counts of character n-grams as a sparse row, and its sentence
vector."""

import numpy as np
import pytest
import scipy.sparse
from rasa.nlu.constants import TOKENS_NAMES
from rasa.nlu.featurizers.sparse_featurizer.count_vectors_featurizer import CountVectorsFeaturizer
from rasa.nlu.tokenizers.whitespace_tokenizer import WhitespaceTokenizer
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.language import encoder

PHRASES = {"brew tea": "tea.making", "tea cost": "tea.price"}
GRAMS = {"analyzer": "char_wb", "min_ngram": 2, "max_ngram": 4}  # those of config.yml
TEA = [" t", "te", "ea", "a ", " te", "tea", "ea ", " tea", "tea "]


def data_of(phrases):
    return TrainingData(
        [Message.build(text=text, intent=intent) for text, intent in phrases.items()]
    )


@pytest.fixture
def tokenizer(components):
    return components.make(
        WhitespaceTokenizer,
        intent_tokenization_flag=False,
        intent_split_symbol="_",
        token_pattern=None,
    )


@pytest.fixture
def featurizer(components, tokenizer):
    """Knows the n-grams of PHRASES."""
    made = components.make(CountVectorsFeaturizer, **GRAMS)
    made.train(tokenizer.process_training_data(data_of(PHRASES)))
    return made


def featurize(tokenizer, featurizer, text):
    """A message with its features."""
    return featurizer.process(tokenizer.process([Message({"text": text})]))[0]


def counts(featurizer, message):
    """{n-gram: how often} of a message's sentence."""
    names = {number: gram for gram, number in featurizer.vectorizers["text"].vocabulary_.items()}
    row = message.get_sparse_features("text")[1].features.tocoo()
    return {names[int(column)]: int(count) for column, count in zip(row.col, row.data, strict=True)}


# ── WhitespaceTokenizer ───────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("what's tea?", ["what", "s", "tea"]),
        ("tea, coffee / milk", ["tea", "coffee", "milk"]),
        ("2.5 mg a day", ["2.5", "mg", "a", "day"]),
        ("Grüße an Ærø", ["Grüße", "an", "Ærø"]),
        ("anti-tremor drug", ["anti-tremor", "drug"]),
        ("tea 🙂", ["tea"]),
    ],
)
def test_a_text_is_split_into_its_words(tokenizer, text, tokens):
    (message,) = tokenizer.process([Message({"text": text})])

    assert [token.text for token in message.get(TOKENS_NAMES["text"])] == tokens


@pytest.mark.parametrize("text", ["???", "🙂"])
def test_a_text_without_words_is_one_token(tokenizer, text):
    (message,) = tokenizer.process([Message({"text": text})])

    assert [token.text for token in message.get(TOKENS_NAMES["text"])] == [text]


def test_a_token_knows_where_it_stands(tokenizer):
    text = "is tea, or coffee, better?"
    (message,) = tokenizer.process([Message({"text": text})])

    tokens = message.get(TOKENS_NAMES["text"])

    assert [text[token.start : token.end] for token in tokens] == [token.text for token in tokens]


def test_a_message_without_a_text_gets_no_tokens(tokenizer):
    (message,) = tokenizer.process([Message({"intent": "tea.price"})])

    assert message.get(TOKENS_NAMES["text"]) is None


def test_an_intent_stays_whole(tokenizer):
    data = tokenizer.process_training_data(data_of({"brew tea": "tea.making_of"}))

    assert [token.text for token in data.training_examples[0].get(TOKENS_NAMES["intent"])] == [
        "tea.making_of"
    ]


# ── CountVectorsFeaturizer ────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def test_a_word_is_counted_in_n_grams_that_end_at_its_edges(tokenizer, featurizer):
    message = featurize(tokenizer, featurizer, "tea")

    assert counts(featurizer, message) == dict.fromkeys(TEA, 1)


def test_what_comes_twice_is_counted_twice_and_what_was_never_taught_not_at_all(
    tokenizer, featurizer
):
    message = featurize(tokenizer, featurizer, "tea tea zzz")

    assert set(counts(featurizer, message).values()) == {2}


def test_upper_case_is_counted_as_lower_case(tokenizer, featurizer):
    assert counts(featurizer, featurize(tokenizer, featurizer, "TEA")) == dict.fromkeys(TEA, 1)


def test_the_lemma_that_an_extractor_set_is_counted_in_place_of_the_word(tokenizer, featurizer):
    (message,) = tokenizer.process([Message({"text": "cuppa brew"})])
    first, second = message.get(TOKENS_NAMES["text"])
    first.lemma, second.lemma = "tea", ""

    featurizer.process([message])

    assert set(counts(featurizer, message)) == set(TEA)


def test_the_features_are_sparse_matrices_of_one_row_for_the_sentence_and_one_a_token(
    tokenizer, featurizer
):
    message = featurize(tokenizer, featurizer, "brew tea")

    sequence, sentence = message.get_sparse_features("text")
    width = len(featurizer.vectorizers["text"].vocabulary_)

    assert (sequence.features.shape, sentence.features.shape) == ((2, width), (1, width))
    assert isinstance(sentence.features, scipy.sparse.spmatrix) and sentence.is_sparse()
    assert (sequence.type, sentence.type, sentence.attribute) == ("sequence", "sentence", "text")


@pytest.mark.parametrize("text", ["", "?", "🙂", "zzz"])
def test_a_text_with_nothing_to_count_counts_nothing(tokenizer, featurizer, text):
    sentence = featurize(tokenizer, featurizer, text).get_sparse_features("text")[1]

    assert sentence is None or sentence.features.nnz == 0


def test_in_training_every_phrase_gets_its_features(tokenizer, featurizer):
    data = featurizer.process_training_data(tokenizer.process_training_data(data_of(PHRASES)))

    assert all(
        message.get_sparse_features("text")[1].features.nnz for message in data.training_examples
    )


def test_what_was_kept_counts_as_before(components, tokenizer, featurizer):
    loaded = components.load(CountVectorsFeaturizer, **GRAMS)

    before, after = (
        counts(one, featurize(tokenizer, one, "brew tea")) for one in (featurizer, loaded)
    )

    assert before == after and before


def test_the_columns_are_the_same_in_every_training(components, tokenizer, featurizer):
    again = components.make(CountVectorsFeaturizer, **GRAMS)
    again.train(tokenizer.process_training_data(data_of(PHRASES)))

    assert again.vectorizers["text"].vocabulary_ == featurizer.vectorizers["text"].vocabulary_


# ── Features ──────────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def test_dense_features_of_two_components_stand_side_by_side():
    message = Message({"text": "tea"})
    for origin in ("one", "two"):
        message.add_features(
            Features(np.ones((1, 3), dtype=np.float32), "sentence", "text", origin)
        )

    together, alone = (
        message.get_dense_features("text")[1],
        message.get_dense_features("text", ["one"])[1],
    )

    assert (together.features.shape, alone.features.shape) == ((1, 6), (1, 3))
    assert together.features.dtype == np.float32


def test_sparse_and_dense_features_are_kept_apart():
    message = Message({"text": "tea"})
    message.add_features(Features(np.ones((1, 3)), "sentence", "text", "dense"))
    message.add_features(
        Features(scipy.sparse.csr_matrix(np.eye(1, 4)), "sentence", "text", "sparse")
    )

    assert message.get_dense_features("text")[1].features.shape == (1, 3)
    assert message.get_sparse_features("text")[1].features.shape == (1, 4)
    assert message.get_dense_features("intent") == (None, None)


# ── What they are made of ─────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def test_training_data_holds_what_our_importer_gives_it():
    data = TrainingData(
        [
            Message.build(
                text="brew tea", intent="tea.making", intent_metadata={"facets": ["making"]}
            )
        ],
        lookup_tables=[{"name": "drink", "elements": ["tea"]}],
        entity_synonyms={"cuppa": "tea"},
    )

    (example,) = data.intent_examples

    assert (example.get("text"), example.get("intent")) == ("brew tea", "tea.making")
    assert example.get("metadata") == {"intent": {"facets": ["making"]}}
    assert data.lookup_tables == [
        {"name": "drink", "elements": ["tea"]}
    ] and data.entity_synonyms == {"cuppa": "tea"}


def test_the_same_phrase_twice_is_one_example():
    phrases = [
        Message.build(text=text, intent="tea.making")
        for text in ("brew tea", "brew " + "tea", "make tea")
    ]

    assert [message.get("text") for message in TrainingData(phrases).training_examples] == [
        "brew tea",
        "make tea",
    ]


# ── SentenceFeaturizer ────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


@pytest.fixture(scope="module")
def sentences(tmp_path_factory):
    if not (encoder.FOLDER / "encoder.onnx").exists():
        pytest.skip("there is no models/encoder: `bot encoder build` makes it")
    from rasa.engine.graph import ExecutionContext, GraphSchema

    from bot.rasa.featurizer import SentenceFeaturizer

    context = ExecutionContext(GraphSchema({}), node_name="sentences")
    return SentenceFeaturizer.create(SentenceFeaturizer.get_default_config(), None, None, context)


def test_a_sentence_becomes_a_vector_of_length_one_and_two_layers(sentences):
    (message,) = sentences.process([Message({"text": "how is tea made"})])

    sequence, sentence = message.get_dense_features("text")

    assert (
        sequence is None
        and sentence.features.shape == (1, 1152)
        and sentence.features.dtype == np.float32
    )
    assert np.linalg.norm(sentence.features[0, :384]) == pytest.approx(1, abs=1e-3)


def test_a_masked_text_has_a_feature_of_its_own_where_a_term_is_named(sentences):
    mention = {
        "entity": "term",
        "value": "tea",
        "kind": "treatment",
        "start": 7,
        "end": 10,
        "core": (7, 10),
    }
    text = "how is tea made"

    named, plain = sentences.process(
        [Message({"text": text, "entities": entities}) for entities in ([mention], [])]
    )

    assert (
        named.get_dense_features("masked")[1] is not None
        and plain.get_dense_features("masked")[1] is None
    )


def test_in_training_an_intents_own_words_are_rows_of_it(sentences, monkeypatch):
    monkeypatch.delenv("RASA_CACHE_DIRECTORY", raising=False)
    known = {"texts": ["How to make tea"]}
    data = TrainingData(
        [Message.build(text="brew tea", intent="tea.making", intent_metadata=known)]
    )

    sentences.process_training_data(data)

    assert data.training_examples[0].get_dense_features("intent")[1].features.shape == (2, 1152)
