"""What is left out of Rasa: it can be imported and named, and refuses in a sentence to do
anything."""

import importlib
import sys

import pytest
from rasa.core.policies.ted_policy import TED
from rasa.core.policies.unexpected_intent_policy import IntentTED
from rasa.nlu.classifiers.diet_classifier import DIET, DIETClassifier
from rasa.nlu.featurizers.sparse_featurizer.count_vectors_featurizer import CountVectorsFeaturizer
from rasa.nlu.tokenizers.whitespace_tokenizer import WhitespaceTokenizer
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.rasa import compatibility
from bot.rasa.compatibility import LEFT_OUT, LeftOut

STAND_IN = compatibility.StandInModule("none")


def test_rasa_runs_with_none_of_the_packages_that_are_left_out():
    import rasa.core.run  # noqa: F401
    import rasa.model_training  # noqa: F401

    real = [
        name
        for name in LEFT_OUT
        if not isinstance(sys.modules.get(name, STAND_IN), compatibility.StandInModule)
    ]

    assert not real


def test_whatever_is_left_out_can_be_imported():
    modules = [importlib.import_module(name) for name in LEFT_OUT]

    assert all(isinstance(module, compatibility.StandInModule) for module in modules)
    assert all(isinstance(module.Anything, compatibility.Placeholder) for module in modules)


def test_a_part_of_a_package_that_is_left_out_can_be_imported():
    layers = importlib.import_module("tensorflow.keras.layers")

    assert isinstance(layers, compatibility.StandInModule) and isinstance(
        layers.Layer, compatibility.Placeholder
    )


def test_a_module_that_nobody_left_out_is_still_missing():
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("tensorflow2_of_somebody_else")


def test_a_stand_in_has_none_of_pythons_own_names():
    import tensorflow

    assert not hasattr(tensorflow, "__version__") and not hasattr(tensorflow.Tensor, "__wrapped__")


def test_a_stand_in_can_be_named_in_annotations_and_bases():
    import tensorflow

    class Layer(tensorflow.keras.layers.Layer):
        def call(
            self, x: tensorflow.Tensor | None, y: int | tensorflow.Tensor
        ) -> tensorflow.Tensor[int]:
            return x

    assert isinstance(Layer, compatibility.Placeholder) and Layer.call(None, "x", 1) == "x"


def test_a_stand_in_decorates_a_function_by_leaving_it_as_it_is():
    import tensorflow

    @tensorflow.function
    def double(number):
        return 2 * number

    assert double(4) == 8


@pytest.mark.parametrize(
    ("use", "act"),
    [
        ("iterated", iter),
        ("stepped through", next),
        ("measured", len),
        ("searched", lambda stand_in: 1 in stand_in),
        ("taken for true", bool),
    ],
)
def test_a_stand_in_refuses_in_a_sentence_to_be(use, act):
    import tensorflow

    with pytest.raises(LeftOut, match="Tensor belongs to a package that Pamphlet leaves out"):
        act(tensorflow.Tensor)


def test_a_class_made_of_a_stand_in_refuses_in_a_sentence_to_be_made():
    import tensorflow

    class Layer(tensorflow.keras.layers.Layer):
        pass

    with pytest.raises(LeftOut, match="Layer needs a package that Pamphlet leaves out"):
        Layer()


@pytest.mark.parametrize("model", [DIET, TED, IntentTED])
def test_a_network_of_rasas_refuses_in_a_sentence_to_be_made(model):
    with pytest.raises(LeftOut, match=f"{model.__name__} needs a package that Pamphlet leaves out"):
        model({}, config={})


def test_a_training_of_the_diet_classifier_ends_with_a_sentence(components):
    phrases = {"brew tea": "make", "make tea": "make", "tea cost": "price", "price of tea": "price"}
    data = TrainingData(
        [Message.build(text=text, intent=intent) for text, intent in phrases.items()]
    )
    components.make(WhitespaceTokenizer).process_training_data(data)
    featurizer = components.make(CountVectorsFeaturizer)
    featurizer.train(data)
    featurizer.process_training_data(data)

    with pytest.raises(LeftOut, match="DIET needs a package that Pamphlet leaves out"):
        components.make(DIETClassifier, constrain_similarities=True).train(data)
