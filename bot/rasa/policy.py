"""The policy for questions: whatever question was understood, `action_answer` replies.

One rule a question would say the same, but Rasa's rule policy goes through all rules at every
prediction, and its training grows with the square of their number; docs/design.md has the figures.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Text

from rasa.core.policies.policy import Policy, PolicyPrediction
from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=False
)
class AnswerPolicy(Policy):
    """Answers a question's intent (its name has a dot), then listens. Gives way to stories (a
    higher priority)."""

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {"priority": 2, "action": "action_answer"}

    @classmethod
    def load(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> AnswerPolicy:
        return cls(config, model_storage, resource, execution_context)

    def train(
        self, training_trackers: List[DialogueStateTracker], domain: Domain, **kwargs: Any
    ) -> Resource:
        return self._resource

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: Optional[Dict[Text, Any]] = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        intent = (tracker.latest_message and tracker.latest_message.intent.get("name")) or ""
        done = _action_since_message(tracker)
        scores = self._default_predictions(domain)
        # a story's offer is no answer
        if "." in intent and (done is None or done.startswith("utter_")):
            scores[domain.index_for_action(self.config["action"])] = 1.0
        elif done == self.config["action"]:
            scores[domain.index_for_action(ACTION_LISTEN_NAME)] = 1.0
        return self._prediction(scores)


def _action_since_message(tracker: DialogueStateTracker) -> Optional[Text]:
    """The name of the last action since the visitor's message, or None."""
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            return None
        if isinstance(event, ActionExecuted) and event.action_name not in (
            "action_extract_slots",
            ACTION_LISTEN_NAME,
        ):
            return str(event.action_name)
    return None
