"""The trial of a content: every reply that it can give is made once, and held by the model by which
visitors get it."""

import datetime
from dataclasses import dataclass

from pydantic import ValidationError

from bot import replies
from bot.reply_model import Reply

CONFIDENCE = 1.0
# what a value of the wrong kind raises where a reply is made of it
FAULTS = (ValidationError, TypeError, ValueError, LookupError, AttributeError)
TEXTS = "texts.yml"


@dataclass(frozen=True)
class Failure:
    """A reply that can't be given: of which question or article (or what else), in which file and
    line of the content it stands, and why."""

    name: str
    path: str
    line: int
    why: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.name} can't be answered: {self.why}"


def find_failures(content):
    """The Failures of a Content: each question of each article is answered once; then what is said
    of each article, and all that is said where there is no answer."""
    found = []
    for article in content.articles.values():
        day = article.reviewed_on or article.written_on  # on which it is not withdrawn
        due = article.review_due() + datetime.timedelta(days=1)
        for question in article.questions:
            found += _try(
                content,
                (question.name, article.path, question.line),
                lambda name=question.name, day=day: replies.answer(content, name, day, CONFIDENCE),
            )
        name = f"{article.id}.{replies.ARTICLE_INFO}"
        found += _try(
            content,
            (name, article.path, 1),
            lambda id=article.id, day=day: replies.article_info(content, id, day, CONFIDENCE),
            lambda id=article.id, due=due: replies.article_info(content, id, due, CONFIDENCE),
            lambda id=article.id: replies.talk(content, "greeting", id),
        )
    if found:  # what is said besides names the same titles
        return found
    place = f"{content.folder}/{TEXTS}", 1
    for topic in replies.TALK:
        found += _try(content, (topic, *place), lambda topic=topic: replies.talk(content, topic))
    return found + _try(content, ("what is not covered", *place), *_refusals(content))


def _refusals(content):
    """Functions that make each reply that is no answer and no talk."""
    names = list(content.questions)[:2]
    ranking = [(name, 0.5) for name in names]
    return [
        lambda: replies.clarify(content, ranking),
        lambda: replies.clarify(content, []),
        lambda: replies.clarify(content, ranking[:1]),
        lambda: replies.clarify_which(content, names),
        lambda: replies.clarify_article(content, replies.ARTICLE_INFO),
        lambda: replies.not_covered(content, ranking),
        lambda: replies.not_covered(content, ranking, "a term"),
        lambda: replies.not_covered_aspect(content, "a term", names),
        lambda: replies.not_covered_held(content, "a word", names),
        lambda: replies.personal_advice(content, ranking, afraid=True),
        lambda: replies.out_of_scope(content),
    ]


def _try(content, place, *makers):
    """The first Failure of the replies that `makers` make, also where they come again, [] for
    none."""
    for make in makers:
        try:
            reply = make()
            if reply is not None:
                Reply(**reply, id="trial")
                Reply(**replies.vary(content, reply), id="trial")
        except FAULTS as error:
            return [Failure(*place, _say(error))]
    return []


def _say(error):
    """What is wrong, for editors: the field, and what it must be."""
    if not isinstance(error, ValidationError):
        return "a value in it is not text"
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return f"{field}: {first['msg'].removeprefix('Value error, ')}".removeprefix(": ")
