"""Holds a question to what the message and its conversation name: "can migraine be prevented" must
never get myoclonus's answer, and "can it be prevented?" gets that of the condition that was spoken
of.

The classifier before it ranks by the words alone. What a question is about, and the conversation's
topic, weigh that ranking here (bot/rasa/follow_ups.py); of a message with several questions the
clearest is answered, the next is offered."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Dict, List, Optional, Text

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import ENTITIES, INTENT, METADATA, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.content import site_content, terms
from bot.rasa import decision, follow_ups, training_examples
from bot.rasa.follow_ups import QuestionIndex, Ranking, Reading, Topic
from bot.rasa.question_splitter import is_question

SURE = 0.5  # the threshold of Rasa's fallback, in config.yml
NEAR = 5  # questions of a message's ranking among which a part that names nothing may be


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class CoverageFilter(GraphComponent, IntentClassifier):
    """Sets `intent` and `intent_ranking` anew, and `context`: {case, term, facets, named, choices,
    also, instead, ways} for the actions; `instead`: what is offered beside an unsure answer;
    `ways` where a decision was made: {how it may be meant: probability}.

    Where the message's metadata asks to `explain`, the classifier's ranking stays beside them, as
    `scores`."""

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {
            # The likelihood that a message names a term which the question it asks doesn't know.
            "unrelated": 0.02,
            # The confidence from which a part of a message is a question of its own; and from which
            # it is offered beside another's answer.
            "own_question": 0.5,
            "other_question": 0.25,
        }

    def __init__(
        self,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        library: Optional[QuestionIndex] = None,
    ) -> None:
        self._config, self._storage, self._resource = config, model_storage, resource
        # until it is trained and loaded, it knows no question
        self._library = library or follow_ups.make_index({}, {}, (), {})

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> CoverageFilter:
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> CoverageFilter:
        with model_storage.read_from(resource) as folder:
            known = json.loads((folder / "questions.json").read_text(encoding="utf-8"))
        return cls(config, model_storage, resource, follow_ups.make_index(**known))

    def train(self, training_data: TrainingData) -> Resource:
        """Takes what each question is about from the metadata that the importer gave its phrases,
        and counts how many of an intent's phrases name no term, and which words they share."""
        kinds = {
            term: table["name"]
            for table in training_data.lookup_tables
            for term in table["elements"]
        }
        questions = {
            example.get(INTENT): example.get("metadata")["intent"]
            for example in training_data.intent_examples
            if (example.get("metadata") or {}).get("intent")
        }
        phrases = [
            (example.get(TEXT), example.get(INTENT))
            for example in training_examples.editors_examples(training_data)
        ]
        alone, words = follow_ups.count_bare_phrases(
            phrases, questions, terms.make_finder(kinds, training_data.entity_synonyms)
        )
        with self._storage.write_to(self._resource) as folder:
            (folder / "questions.json").write_text(
                json.dumps(
                    {"questions": questions, "alone": alone, "words": words, "kinds": kinds}
                ),
                encoding="utf-8",
            )
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """The messages without their parts, understood."""
        parts = {id(part) for message in messages for part in message.get("parts") or ()}
        wholes = [message for message in messages if id(message) not in parts]
        for message in wholes:
            self._understand(message)
        return wholes

    def _understand(self, message: Message) -> None:
        metadata = message.get(METADATA) or {}
        topic = follow_ups.fresh_topic(metadata.get("topic"), metadata.get("number"))
        if metadata.get("explain"):
            message.set("scores", message.get("intent_ranking"), add_to_output=True)
        whole = self._read(message, topic, metadata.get("article"))
        reading, also = self._choose(message, whole, topic, metadata.get("article"))
        named = {term for one in (message, *(message.get("parts") or ())) for term in _terms(one)}
        decided = self._decide(message, reading, topic, named)
        ways, instead = None, list[str]()
        if decided:
            best, ranking, ways, instead = decided
            also = self._find_other(message, best, also)
            reading = replace(reading, case=None, term=None, choices=())
        else:
            best, ranking = _say(reading)
        message.set(INTENT, best, add_to_output=True)
        message.set("intent_ranking", ranking, add_to_output=True)
        message.set(
            "context",
            {
                "case": reading.case,
                "term": reading.term,
                "facets": list(reading.facets),
                "named": list(reading.named),
                "choices": list(reading.choices),
                "also": also,
                "instead": [name for name in instead if name != also],
                "ways": ways,
            },
            add_to_output=True,
        )

    def _decide(
        self, message: Message, reading: Reading, topic: Topic | None, named: Collection[str]
    ) -> tuple[dict[str, Any], Ranking, dict[str, float], list[str]] | None:
        """(best, ranking, ways, instead) by what the classifier decided (bot/rasa/decision.py);
        None where what is named, or the conversation, says more.

        Where a medicine or another condition is spoken of, a message is first understood by that;
        only where it gives no answer, or a faint one, is the message taken for itself."""
        found = message.get("decision")
        foreign = any(term not in self._library.by_term for term in named)
        if not found or foreign or reading.case == "which" or reading.case and named:
            return None
        answers = [
            part["decision"]
            for part in self._list_questions(message)
            if part.get("decision") and part["decision"]["action"] in decision.ANSWERS
        ]
        if found["action"] in (decision.ASK_BACK, decision.UNANSWERED) and answers:
            found = max(answers, key=lambda each: each["ways"][decision.RIGHT])
        action, ways = found["action"], found["ways"]
        if self._is_known_from_context(message, reading, topic, found, named):
            return None
        named_ways = decision.name_ways(ways)
        others = [
            {**each, "confidence": each["confidence"] * float(ways[decision.OTHER])}
            for each in found["ranking"]
        ]
        if action in decision.ANSWERS:
            best = {**others[0], "confidence": float(ways[decision.RIGHT])}
            instead = found["beside"] if action == decision.UNSURE else []
            return best, [best, *others[1:]], named_ways, instead
        if action == decision.ASK_BACK:
            best = {"name": site_content.FALLBACK, "confidence": float(ways[decision.RIGHT])}
            return best, [best, *found["ranking"]], named_ways, []
        name = found["talk"] if action == decision.TALK else decision.OUTCOMES[action]
        best = {"name": name, "confidence": float(ways[action])}
        return best, [best, *others], named_ways, []

    def _is_known_from_context(
        self,
        message: Message,
        reading: Reading,
        topic: Topic | None,
        found: Mapping[str, Any],
        named: Collection[str],
    ) -> bool:
        """Whether the conversation or the page tells more of a message than its own words: of a
        name alone, of what is left out where a medicine is spoken of, of a side that isn't
        answered; or the same, where the words leave a doubt."""
        action = found["action"]
        if reading.case and not reading.faint:
            page = (message.get(METADATA) or {}).get("article")
            return bool(topic or not page or action not in decision.ANSWERS)
        if named and reading.weighed or reading.pronoun:
            return True
        if not topic:
            return False
        own = self._library.subjects.get(topic.get("article") or "")
        if not _is_answer(self._library, reading):
            return False
        refused = action not in (*decision.ANSWERS, decision.ASK_BACK)
        if bool(set(topic.get("about") or ()) - {own}) or refused:
            return True
        likely = found["ways"][decision.RIGHT] >= SURE
        return bool(likely and _name(reading) == found["ranking"][0]["name"])

    def _find_other(
        self, message: Message, best: Mapping[str, Any], also: str | None
    ) -> str | None:
        """The name of another question that a message asks besides the one that is answered, or
        None; `also`: what its parts showed before."""
        if best["name"] not in self._library.questions:
            return None
        sure = [
            part["decision"]["ranking"][0]["name"]
            for part in self._list_questions(message)
            if part.get("decision") and part["decision"]["action"] == decision.ANSWER
        ]
        return next((name for name in (*sure, also) if name not in (None, best["name"])), None)

    def _list_questions(self, message: Message) -> list[dict[str, Any]]:
        return [part.data for part in message.get("parts") or () if is_question(part.get(TEXT))]

    def _read(self, message: Message, topic: Topic | None, article: str | None) -> Reading:
        return follow_ups.read_message(
            self._library,
            message.get("intent_ranking") or [],
            _terms(message),
            _rest(message),
            topic,
            article,
            self._config["unrelated"],
        )

    def _choose(
        self, message: Message, whole: Reading, topic: Topic | None, article: str | None
    ) -> tuple[Reading, str | None]:
        """(the Reading to go by, the name of another question that the message asks or None)."""
        # (Reading, whether it names what it asks about, or a part before it does); whether a part
        # did
        asked: list[tuple[Reading, bool, bool]] = []
        named_before = False
        for part in message.get("parts") or ():
            reading = self._read(part, topic, article)
            if reading.ranking and reading.case is None and is_question(part.get(TEXT)):
                asked.append((reading, bool(_terms(part)), named_before))
            named_before |= bool(_terms(part))
            named = _terms(part) or reading.named
            if named:  # what one sentence names, the next may leave out
                topic = {
                    "about": list(named),
                    "article": (topic or {}).get("article"),
                    "facets": (),
                }
        best = whole.ranking[0] if whole.ranking else {"name": None, "confidence": 0.0}
        if not asked or any(_is_outcome(self._library, reading) for reading, *_ in asked):
            return whole, None
        if len(asked) == 1:
            # One question in a longer story: it may be clearer without the story. Where the message
            # says what it asks about, the story makes no request for advice of it.
            reading, names, named_before = asked[0]
            whole_question = best["name"] in self._library.questions
            clearer = best["confidence"] < reading.ranking[0]["confidence"]
            if names and clearer or (names or named_before) and not whole_question:
                return reading, None
            sure = reading.ranking[0]["confidence"] >= self._config["own_question"]
            return (
                reading
                if sure
                and clearer
                and whole_question
                and not reading.weighed
                and whole.case is None
                else whole
            ), None
        if best["name"] == "personal_advice":
            return whole, None
        return self._clearest(whole, [reading for reading, *_ in asked])

    def _clearest(self, whole: Reading, readings: list[Reading]) -> tuple[Reading, str | None]:
        """(the Reading to go by, the name of another question or None) of a message with several
        questions: the one that names what it asks of goes before one that leaves it out, which may
        be no question of its own ("..., or can you leave it alone")."""
        readings.sort(key=lambda reading: (reading.weighed, -_confidence(reading)))
        sure = [
            reading for reading in readings if _confidence(reading) >= self._config["own_question"]
        ]
        chosen = whole
        if (
            sure
            and (not sure[0].weighed or _name(sure[0]) == _name(whole))
            and _confidence(sure[0]) > _confidence(whole)
        ):
            chosen = sure[0]
        near = [name["name"] for name in whole.ranking[:NEAR]]
        others = [
            _name(reading)
            for reading in readings
            if _name(reading) != _name(chosen)
            and _confidence(reading) >= self._config["other_question"]
            and (not reading.weighed or _name(reading) in near)
        ]
        return chosen, others[0] if others and _name(chosen) in self._library.questions else None


def _say(reading: Reading) -> tuple[dict[str, Any], Ranking]:
    """(best, ranking) of a Reading."""
    ranking = [{"name": i["name"], "confidence": float(i["confidence"])} for i in reading.ranking]
    best = ranking[0] if ranking else {"name": None, "confidence": 0.0}
    if reading.case in ("which", "close"):
        best = {"name": site_content.FALLBACK, "confidence": best["confidence"]}
        return best, [best, *ranking]
    if reading.case == "facet":
        best = {"name": follow_ups.NOT_COVERED, "confidence": follow_ups.RESOLVED}
        others = [i for i in ranking if i["name"] != follow_ups.NOT_COVERED]
        return best, [
            best,
            *({**i, "confidence": i["confidence"] * (1 - follow_ups.RESOLVED)} for i in others),
        ]
    return best, ranking


def _is_answer(library: QuestionIndex, reading: Reading) -> bool:
    """Whether a Reading gets an answer, by itself."""
    return (
        reading.case is None
        and _name(reading) in library.questions
        and _confidence(reading) >= SURE
    )


def _name(reading: Reading) -> Any:
    return reading.ranking[0]["name"] if reading.ranking else None


def _confidence(reading: Reading) -> float:
    return float(reading.ranking[0]["confidence"]) if reading.ranking else 0.0


def _is_outcome(library: QuestionIndex, reading: Reading) -> bool:
    return reading.ranking[0]["name"] not in library.questions


def _terms(message: Message) -> list[str]:
    """The terms that a message names, in its order."""
    return list(
        dict.fromkeys(e["value"] for e in message.get(ENTITIES, []) if e["entity"] == "term")
    )


def _rest(message: Message) -> str:
    """A message's text without the terms that it names."""
    text: str = message.get(TEXT) or ""
    for entity in sorted(message.get(ENTITIES, []), key=lambda e: -e["start"]):
        text = text[: entity["start"]] + " " + text[entity["end"] :]
    return text
