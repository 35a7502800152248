"""A message's sentence vector, as a Rasa dense featurizer that the other components of the pipeline
can use."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, List, Set, Text, Type

import numpy as np
from numpy.typing import NDArray
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.language import encoder
from bot.rasa import facet_features

SEPARATOR = "\0"  # stands in no text


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceFeaturizer(DenseFeaturizer, GraphComponent):
    """Sets the sentence feature of a message's text: float32 [1, 1152], the sentence vector (the
    first 384, of length 1) and the means after two middle layers. There is no sequence feature.

    A message that names terms gets that of its masked text, too: the feature of the attribute
    `masked`. In training the words of an intent's name are a phrase, as are the texts of a
    question: the rows of the feature of `intent`."""

    @classmethod
    def required_components(cls) -> List[Type[Any]]:
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
        folder = Path(config["folder"]) if config["folder"] else encoder.FOLDER
        self._encoder = encoder.load_encoder(folder, config["threads"])
        self._pool = ThreadPoolExecutor(os.cpu_count())

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SentenceFeaturizer:
        return cls(config, execution_context.node_name)

    def process(self, messages: List[Message]) -> List[Message]:
        """Adds the sentence feature to each message that has a text."""
        encoded = self._encode_all(
            {text for message in messages for text in _texts(message).values()}
        )
        for message in messages:
            self._add(message, encoded)
        return messages

    def _add(self, message: Message, encoded: Dict[Text, NDArray[np.float32]]) -> None:
        for attribute, text in _texts(message).items():
            self.add_features_to_message(None, encoded[text], attribute, message)

    def _encode(self, text: Text) -> NDArray[np.float32]:
        return self._encoder.encode_layers([text])

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        own: Dict[Text, List[Text]] = {}  # the texts of each intent
        for message in training_data.intent_examples:
            intent, known = message.get(INTENT), (message.get("metadata") or {}).get("intent") or {}
            own.setdefault(
                intent, [re.sub(r"[\W_]+", " ", intent).strip().lower(), *known.get("texts", ())]
            )
        texts = {text for many in own.values() for text in many}
        for message in training_data.training_examples:
            texts.update(_texts(message).values())
        encoded = self._encode_anew(texts)
        for message in training_data.training_examples:
            self._add(message, encoded)
        rows = {
            intent: np.concatenate([encoded[text] for text in many]) for intent, many in own.items()
        }
        for message in training_data.intent_examples:
            self.add_features_to_message(None, rows[message.get(INTENT)], INTENT, message)
        return training_data

    def _encode_all(self, texts: Set[Text]) -> Dict[Text, NDArray[np.float32]]:
        """{text: its feature}; each by itself, on every core: the encoder computes outside of
        Python's lock."""
        return dict(
            zip(
                texts,
                (self._pool.map if len(texts) > 1 else map)(self._encode, texts),
                strict=False,
            )
        )

    def _encode_anew(self, texts: Set[Text]) -> Dict[Text, NDArray[np.float32]]:
        """{text: its feature}; those that the training before encoded are not encoded again. They
        are kept where Rasa keeps what it has trained, which is another folder for each state of
        our code."""
        folder = os.environ.get("RASA_CACHE_DIRECTORY")
        kept = Path(folder, "vectors.npz") if folder else None
        known: Dict[Text, NDArray[np.float32]] = {}
        if kept and kept.is_file():
            with np.load(kept) as file:
                known = dict(
                    zip(
                        bytes(file["texts"]).decode("utf-8").split(SEPARATOR),
                        file["vectors"][:, None],
                        strict=False,
                    )
                )
        encoded = {text: known[text] for text in texts & known.keys()}
        encoded.update(self._encode_all(texts - known.keys()))
        if kept and texts - known.keys():
            kept.parent.mkdir(parents=True, exist_ok=True)
            beside = kept.with_suffix(f".{os.getpid()}.npz")
            np.savez(
                beside,
                texts=np.frombuffer(SEPARATOR.join(encoded).encode("utf-8"), dtype=np.uint8),
                vectors=np.concatenate(list(encoded.values())),
            )
            beside.replace(kept)
        return encoded


def _texts(message: Message) -> Dict[Text, Text]:
    """What is encoded of a message, {attribute: text}: its text, with its terms under their own
    names; where it names any, its masked text as well."""
    text, mentions = message.get(TEXT), _mentions(message)
    if not text:
        return {}
    return {
        TEXT: facet_features.unify_terms(text, mentions),
        **({facet_features.MASKED: facet_features.mask_terms(text, mentions)} if mentions else {}),
    }


def _mentions(message: Message) -> List[Dict[Text, Any]]:
    """The terms that a message names."""
    return [entity for entity in message.get(ENTITIES, []) if entity["entity"] == "term"]
