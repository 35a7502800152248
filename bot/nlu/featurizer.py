"""A message's sentence vector, as a Rasa dense featurizer that the other components of the pipeline can use."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List, Text, Type

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot import encoder


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceFeaturizer(DenseFeaturizer, GraphComponent):
    """Sets the sentence feature of a message's text: float32 [1, 1152], the sentence vector (the first 384, of length 1)
    and the means after two middle layers. There is no sequence feature.

    In training the words of an intent's name are a phrase, too: the feature of the attribute `intent`.
    """

    @classmethod
    def required_components(cls) -> List[Type]:
        return []

    @staticmethod
    def required_packages() -> List[Text]:
        return ["onnxruntime", "tokenizers"]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {
            **DenseFeaturizer.get_default_config(),
            # The folder that `bot encoder build` makes; None: models/encoder in the project.
            "folder": None,
            # Threads that compute one sentence. A sentence is too short for a second one to pay.
            "threads": 1,
        }

    @classmethod
    def validate_config(cls, config: Dict[Text, Any]) -> None:
        pass

    def __init__(self, config: Dict[Text, Any], name: Text) -> None:
        super().__init__(name, config)
        folder = config["folder"]
        self._encoder = encoder.load(Path(folder) if folder else encoder.FOLDER, config["threads"])

    @classmethod
    def create(
        cls, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource,
        execution_context: ExecutionContext,
    ) -> SentenceFeaturizer:
        return cls(config, execution_context.node_name)

    def process(self, messages: List[Message]) -> List[Message]:
        """Adds the sentence feature to each message that has a text."""
        told = [message for message in messages if message.get(TEXT)]
        for message, vector in zip(told, self._encoder.encode_layers([message.get(TEXT) for message in told])):
            self.add_features_to_message(None, vector[None, :], TEXT, message)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        self.process(training_data.training_examples)
        intents = sorted({message.get(INTENT) for message in training_data.intent_examples})
        named = self._encoder.encode_layers([re.sub(r"[\W_]+", " ", intent).strip().lower() for intent in intents])
        rows = dict(zip(intents, named))
        for message in training_data.intent_examples:
            self.add_features_to_message(None, rows[message.get(INTENT)][None, :], INTENT, message)
        return training_data
