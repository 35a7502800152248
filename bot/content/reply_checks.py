"""The trial of a content: every reply that it can give is made once, and held by the model by which
visitors get it."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pydantic import ValidationError

from bot.content import replies
from bot.content.reply_model import Reply
from bot.domain.faults import Fault

if TYPE_CHECKING:  # which itself tries what it reads
    from bot.content.site_content import SiteContent

CONFIDENCE = 1.0
# what a value of the wrong kind raises where a reply is made of it
FAULTS = (ValidationError, TypeError, ValueError, LookupError, AttributeError)
TEXTS = "texts.yml"
type Maker = Callable[[], replies.Reply | None]


@dataclass(frozen=True)
class Failure:
    """A reply that can't be given: of which question or article (or what else), in which file and
    line of the content it stands, and why."""

    name: str
    path: str
    line: int
    why: str

    @property
    def fault(self) -> Fault:
        """What is wrong with the content that the reply is made of."""
        question = self.name.partition(".")[2]
        is_written = question not in ("", replies.ARTICLE_INFO)
        field = ("questions", question) if is_written else ()
        return Fault(self.path, self.line, field, f"{self.name} can't be answered: {self.why}")


def find_failures(content: SiteContent) -> list[Failure]:
    """The Failures of a Content: each question of each article is answered once; then what is said
    of each article, and all that is said where there is no answer."""
    found = []
    for article in content.articles.values():
        first_due = min(review.due for review in content.reviews_of(article.id))
        due = first_due + datetime.timedelta(days=1)
        for question in article.questions:
            day = content.review_of(question.name).due  # on which it is not withdrawn
            found += _try(
                content,
                (question.name, article.path, question.line),
                partial(replies.answer_question, content, question.name, day, CONFIDENCE),
                partial(replies.quote_passage, content, question.name, 0, day, CONFIDENCE, True),
            )
        name = f"{article.id}.{replies.ARTICLE_INFO}"
        found += _try(
            content,
            (name, article.path, 1),
            partial(replies.article_info, content, article.id, first_due, CONFIDENCE),
            partial(replies.article_info, content, article.id, due, CONFIDENCE),
            partial(replies.talk_reply, content, "greeting", article.id),
        )
    if found:  # what is said besides names the same titles
        return found
    place = f"{content.folder}/{TEXTS}", 1
    for topic in replies.TALK:
        found += _try(content, (topic, *place), partial(replies.talk_reply, content, topic))
    return found + _try(content, ("what is not covered", *place), *_refusals(content))


def _refusals(content: SiteContent) -> list[Maker]:
    """Functions that make each reply that is no answer and no talk."""
    names = list(content.questions)[:2]
    ranking = [(name, 0.5) for name in names]
    day = content.review_of(names[0]).due
    return [
        lambda: replies.ask_back(content, ranking),
        lambda: replies.ask_back(content, []),
        lambda: replies.ask_back(content, ranking[:1]),
        lambda: replies.clarify_which(content, names),
        lambda: replies.clarify_article(content, replies.ARTICLE_INFO),
        lambda: replies.not_covered(content, ranking),
        lambda: replies.not_covered(content, ranking, "a term"),
        lambda: replies.not_covered_facet(content, "a term", names),
        lambda: replies.not_covered_held(content, "a word", names),
        lambda: replies.quote_passage(content, names[0], 0, day, CONFIDENCE, False),
        lambda: replies.personal_advice(content, ranking, afraid=True),
        lambda: replies.out_of_scope(content),
    ]


def _try(content: SiteContent, place: tuple[str, str, int], *makers: Maker) -> list[Failure]:
    """The first Failure of the replies that `makers` make, also where they come again, [] for
    none."""
    for make in makers:
        try:
            reply = make()
            if reply is not None:
                Reply(**reply, id="trial")
                Reply(**replies.vary_refusal(content, reply), id="trial")
        except FAULTS as error:
            return [Failure(*place, _say(error))]
    return []


def _say(error: Exception) -> str:
    """What is wrong, for editors: the field, and what it must be."""
    if not isinstance(error, ValidationError):
        return "a value in it is not text"
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return f"{field}: {first['msg'].removeprefix('Value error, ')}".removeprefix(": ")
