"""The importer: what editors write becomes Rasa's training data and domain.

Named in config.yml. Rasa passes it the content folder (`rasa train --data data`) and the files
beside it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Dict, List, Optional, Text

import yaml
from rasa.shared.core.domain import Domain
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.core.training_data.structures import StoryGraph
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.shared.utils.io import read_model_configuration

from bot.content import passages, site_content
from bot.content.articles import Question
from bot.content.asked_messages import AskedMessage
from bot.content.site_content import SiteContent

# what gets no answer, and is taught as that; the rest has too many reasons
TAUGHT = {"decision": "personal_advice", "not_health": "out_of_scope"}


class ArticleImporter(TrainingDataImporter):
    """Reads the content folder once; raises articles.ContentError with every fault in it."""

    def __init__(
        self,
        config_file: Optional[Text] = None,
        domain_path: Optional[Text] = None,
        training_data_paths: Optional[List[Text] | Text] = None,
        **kwargs: Any,
    ) -> None:
        paths = (
            [training_data_paths] if isinstance(training_data_paths, str) else training_data_paths
        )
        self.config_file, self.domain_path, self.folder = (
            config_file,
            domain_path,
            (paths or ["data"])[0],
        )
        self._content: Optional[SiteContent] = None
        self._domain: Optional[Domain] = None

    @property
    def content(self) -> SiteContent:
        if self._content is None:
            self._content = site_content.load_content(self.folder)
        return self._content

    def get_config(self) -> Dict[Text, Any]:
        if not self.config_file:
            return {}
        config: Dict[Text, Any] = read_model_configuration(self.config_file)
        return config

    def get_config_file_for_auto_config(self) -> Optional[Text]:
        return self.config_file

    def get_domain(self) -> Domain:
        """domain.yml with an intent for each question of each article, and a response for each
        offer of a story."""
        if self._domain is None:
            intents: list[dict[str, Any]] = [
                {question.name: {"use_entities": []}}
                for question in self.content.questions.values()
            ]
            responses = {
                name: [{"custom": {"offer": offer}}]
                for name, offer in self._read_stories()[1].items()
            }
            self._domain = Domain.load(self.domain_path).merge(
                Domain.from_dict({"intents": intents, "responses": responses})
            )
        return self._domain

    def get_stories(self, exclusion_percentage: Optional[int] = None) -> StoryGraph:
        rules = YAMLStoryReader(self.get_domain()).read_from_file(f"{self.folder}/rules.yml")
        stories = YAMLStoryReader(self.get_domain()).read_from_parsed_yaml(self._read_stories()[0])
        return StoryGraph([*rules, *stories])

    def _read_stories(self) -> tuple[dict[str, Any], dict[str, list[str]]]:
        """(stories.yml as Rasa reads it, {response: the questions that it offers}): an `offer`
        beside action_answer becomes a response before it, which the action finds in the
        conversation, one for all stories that offer the same, or such as begin alike would
        contradict each other; what a visitor `says` is for who reads it."""
        data = yaml.safe_load(Path(self.folder, "stories.yml").read_text(encoding="utf-8"))
        offers: dict[str, list[str]] = {}
        data["stories"] = data.get("stories") or []
        for story in data["stories"]:
            steps = []
            for step in story["steps"]:
                if "offer" in step:
                    name = next(
                        (known for known, offer in offers.items() if offer == step["offer"]),
                        f"utter_offer_{len(offers) + 1}",
                    )
                    offers[name] = step["offer"]
                    steps.append({"action": name})
                steps.append(
                    {key: value for key, value in step.items() if key not in ("offer", "says")}
                )
            story["steps"] = steps
        return data, offers

    def get_conversation_tests(self) -> StoryGraph:
        return StoryGraph([])

    def get_nlu_data(self, language: Optional[Text] = "en") -> TrainingData:
        """Every question's phrases under its intent (its wording, where it has none), and what
        other hands asked; terms as lookup tables and synonyms; what a question is about as
        metadata of its intent, for the components that weigh it; its section, sentence by sentence,
        as that of its first phrase alone."""
        abouts = {name: self._describe(each) for name, each in self.content.questions.items()}
        messages = [
            Message.build(
                text=phrase,
                intent=name,
                intent_metadata={**abouts[name], **(_section(question) if place == 0 else {})},
            )
            for name, question in self.content.questions.items()
            for place, phrase in enumerate(question.taught)
        ]
        for intent, talk in self.content.talk.items():
            messages += [Message.build(text=phrase, intent=intent) for phrase in talk.train]
        messages += [_build_asked(row, abouts) for row in site_content.read_asked(self.content)]
        tables = [
            {
                "name": kind,
                "elements": sorted(term for term, k in self.content.kinds.items() if k == kind),
            }
            for kind in sorted(set(self.content.kinds.values()))
        ]
        return TrainingData(
            messages, lookup_tables=tables, entity_synonyms=dict(self.content.names)
        )

    def _describe(self, question: Question) -> dict[str, Any]:
        """What the components weigh of a question."""
        article = self.content.article_of(question.name)
        return {
            "article": article.id,
            "subject": article.about,
            "about": list(question.about),
            "facets": list(question.facets),
            "mentions": list(self.content.mentions[question.name]),
            "texts": _texts(question),
        }


def _build_asked(row: AskedMessage, abouts: Mapping[str, Any]) -> Message:
    """The message of an Asked. It is a phrase of an intent where it teaches one; its metadata's
    `example` says what else is known of it."""
    gets = "question" if row.asks else row.gets
    intent = row.asks[0] if row.asks else TAUGHT.get(row.gets or "")
    if not row.asks and not row.hand:
        intent = "not_covered"  # a side that no article answers, told by its facet's phrases
    known = {"hand": row.hand, "page": row.page, "asks": list(row.asks), "gets": gets}
    return Message.build(
        text=row.text,
        intent=intent if row.teaches else None,
        intent_metadata=abouts.get(intent or "") if row.teaches else None,
        example_metadata=known,
    )


def _section(question: Question) -> dict[str, Any]:
    """What is quoted of a question's section (bot/content/passages.py): of each of its `sentences`
    what names it, what it says, and the place of its paragraph; and its wording, `ask`."""
    return {
        "ask": question.ask,
        "sentences": [
            [passages.mark_sentence(question.name, sentence), sentence.words, sentence.block]
            for sentence in passages.split_sentences(question)
        ],
    }


def _texts(question: Question) -> list[str]:
    """A question's own words, which teach as its phrases do: the editor's wording, the title, each
    sentence of the lead."""
    return [
        question.ask,
        question.title,
        *re.split(r"(?<=[.!?])\s+", re.sub(r"\s*\[[\d, ]+\]", "", question.lead)),
    ]
