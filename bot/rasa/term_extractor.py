"""The conditions, medicines and treatments that a message names, as entities `term` with their
canonical name.

Under whatever name a term goes, what is learned of it is the same: "what sets off the zaps" has the
n-grams of "what sets off the myoclonus", and the sentence featurizer reads it so. But a name that
tells two questions apart stays: "what is writer's cramp" and "what is dystonia" have different
answers. So do the words of a longer name that most often stand in one question's phrases: "focal"
in "focal dystonia", but not "muscle" in "muscle jerks"."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Dict, List, Optional, Text

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import TOKENS_NAMES
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.content import terms
from bot.content.terms import Mention
from bot.rasa import facet_features, training_examples

Phrases = list[tuple[str, str, list[Mention]]]  # text, intent, the terms in it


@DefaultV1Recipe.register(
    [
        DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR,
        DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER,
    ],
    is_trainable=True,
)
class TermExtractor(GraphComponent, EntityExtractorMixin):
    """Learns the terms from the training data's lookup tables (kinds) and synonyms (names); finds
    them with spaCy.

    Of the tokens that name a term, the first has the term as its lemma, which Rasa counts n-grams
    of; the others have none."""

    @staticmethod
    def required_packages() -> List[Text]:
        return ["spacy"]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {}

    def __init__(
        self,
        model_storage: ModelStorage,
        resource: Resource,
        kinds: Optional[Dict[Text, Text]] = None,
        names: Optional[Dict[Text, Text]] = None,
        own: Iterable[str] = (),
        telling: Iterable[Sequence[str]] = (),
    ) -> None:
        self._storage, self._resource = model_storage, resource
        self._learn(kinds or {}, names or {}, own, telling)

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> TermExtractor:
        return cls(model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> TermExtractor:
        with model_storage.read_from(resource) as folder:
            return cls(
                model_storage,
                resource,
                **json.loads((folder / "terms.json").read_text(encoding="utf-8")),
            )

    def _learn(
        self,
        kinds: Dict[Text, Text],
        names: Dict[Text, Text],
        own: Iterable[str],
        telling: Iterable[Sequence[str]],
    ) -> None:
        self._find: Callable[[str], list[Mention]] = (
            terms.make_finder(kinds, names) if names else lambda text: []
        )
        self._own = frozenset(own)
        self._telling = frozenset((term, word) for term, word in telling)

    def train(self, training_data: TrainingData) -> Resource:
        kinds = {
            term: table["name"]
            for table in training_data.lookup_tables
            for term in table["elements"]
        }
        names = training_data.entity_synonyms
        self._learn(kinds, names, (), ())
        phrases = [
            (text, example.get(INTENT), self._find(text))
            for example in training_examples.editors_examples(training_data)
            if (text := example.get(TEXT))
        ]
        self._telling = _telling_words(phrases)
        self._telling |= {
            (mention.term, word)
            for text, mention in self._in_common(phrases)
            for word in _besides(text, mention)
        }
        self._own = frozenset(
            text[slice(*mention.core)].lower()
            for text, mention in self._in_common(phrases)
            if text[slice(*mention.core)].lower() != mention.term
        )
        with self._storage.write_to(self._resource) as folder:
            (folder / "terms.json").write_text(
                json.dumps(
                    {
                        "kinds": kinds,
                        "names": names,
                        "own": sorted(self._own),
                        "telling": sorted(self._telling),
                    }
                ),
                encoding="utf-8",
            )
        return self._resource

    def _in_common(self, phrases: Phrases) -> list[tuple[str, Mention]]:
        """[(text, mention)] of the phrases that two intents have in common, when their terms go
        under their own names."""
        alike: defaultdict[str, Phrases] = defaultdict(list)
        for text, intent, mentions in phrases:
            plain = facet_features.unify_terms(
                text, [self._entity(text, mention) for mention in mentions]
            )
            alike[re.sub(r"\W+", " ", plain).strip().lower()].append((text, intent, mentions))
        return [
            (text, mention)
            for many in alike.values()
            if len({intent for _, intent, _ in many}) > 1
            for text, _, mentions in many
            for mention in mentions
        ]

    def _entity(self, text: str, mention: Mention) -> dict[str, Any]:
        tells = any((mention.term, word) in self._telling for word in _besides(text, mention))
        core = mention.core if tells else (mention.start, mention.end)
        own = text[slice(*mention.core)].lower() in self._own
        return {
            "entity": "term",
            "value": mention.term,
            "kind": mention.kind,
            "start": mention.start,
            "end": mention.end,
            "core": None if own else core,
            "extractor": "TermExtractor",
        }

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        for message in messages:
            found = [
                self._entity(message.get(TEXT), mention)
                for mention in self._find(message.get(TEXT) or "")
            ]
            message.set(ENTITIES, message.get(ENTITIES, []) + found, add_to_output=True)
            for entity in found:
                start, end = entity["core"] or (0, 0)
                named = [
                    token
                    for token in message.get(TOKENS_NAMES[TEXT]) or ()
                    if token.start < end and token.end > start
                ]
                for token in named:
                    token.lemma = entity["value"] if token is named[0] else ""
        return messages


def _telling_words(phrases: Phrases) -> frozenset[tuple[str, str]]:
    """{(term, word of its longer names)} of those that stand most often in phrases of one intent,
    and twice as often as the term itself does."""
    named: defaultdict[str, Counter[str]] = defaultdict(Counter)
    besides: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for text, intent, mentions in phrases:
        for mention in mentions:
            named[mention.term][intent] += 1
            for word in set(_besides(text, mention)):
                besides[mention.term, word][intent] += 1

    def tells(term: str, found: Counter[str]) -> bool:
        intent, count = found.most_common(1)[0]
        share, usual = count / sum(found.values()), named[term][intent] / sum(named[term].values())
        return share > 0.5 and share > 2 * usual

    return frozenset(key for key, found in besides.items() if tells(key[0], found))


def _besides(text: str, mention: Mention) -> list[str]:
    """The words of a longer name besides its shortest."""
    return re.findall(
        r"\w+",
        f"{text[mention.start : mention.core[0]]} {text[mention.core[1] : mention.end]}".lower(),
    )
