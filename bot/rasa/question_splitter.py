"""Several sentences, or two questions in one message: each part is understood for itself as well.

This component comes first. What it adds to the messages goes the same way through the pipeline, and
is taken out again by `bot.rasa.coverage`, which decides between the whole and its parts."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Text

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import METADATA, TEXT
from rasa.shared.nlu.training_data.message import Message

ASKS = (
    r"(?:what|what's|whats|why|how|how's|when|where|which|who|can|could|does|do|did|is|are|will|would|should|has|have|was|were"
    r"|must|may|might)\b"
)
# Behind the end of a sentence, or where a second question is tied to the first.
BREAK = re.compile(
    rf"(?<=[.?!;])\s+|\n+|\s*(?:,\s*|\s+)(?:and|also|plus|or|but)\s+(?:also\s+)?(?={ASKS})|\s*/\s*(?={ASKS})|,\s+(?={ASKS})",
    re.IGNORECASE,
)
MOST_PARTS = 4


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class QuestionSplitter(GraphComponent, IntentClassifier):
    """Adds the parts of a message behind it, and names them in its `parts`."""

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {}

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> QuestionSplitter:
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        found: List[Message] = []
        for message in messages:
            parts = [
                Message({TEXT: text, METADATA: message.get(METADATA)})
                for text in split_questions(message.get(TEXT) or "")
            ]
            message.set("parts", parts)
            found += [message, *parts]
        return found


def split_questions(text: str) -> list[str]:
    """The parts of a text that has two to MOST_PARTS, one of them a question at least; [] for any
    other."""
    parts = [part.strip(" ,;") for part in BREAK.split(text)]
    parts = [part for part in parts if re.search(r"\w", part)]
    if not 2 <= len(parts) <= MOST_PARTS or not any(is_question(part) for part in parts):
        return []
    return parts


def is_question(text: str) -> bool:
    """Whether a part of a message asks something."""
    return text.rstrip().endswith("?") or bool(re.match(ASKS, text, re.IGNORECASE))
