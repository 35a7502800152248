"""What a reply is, for whoever makes, checks or sends one: its fields and their kinds."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from bot.domain.reply_kinds import ReplyKind
from bot.domain.web_addresses import say_address_fault

ReplyBody = dict[str, Any]  # a Reply as JSON has it
OWN_PAGE = re.compile(r"/articles/[a-z0-9_]+")  # of an article, on the site itself


def _check_address(address: str) -> str:
    """The address; raises ValueError for one that a page must not link to."""
    if said := say_address_fault(address):
        raise ValueError(said)
    return address


def _check_place(address: str) -> str:
    """As _check_address, or an article's page of this site."""
    return address if OWN_PAGE.fullmatch(address) else _check_address(address)


WebAddress = Annotated[str, AfterValidator(_check_address)]


class Choice(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str
    value: str


class Said(BaseModel):
    """What a source says about one statement of the answer: `where` in it, what it `states` there,
    and whether that bears the statement out: supported, partly, or by_several together."""

    statement: str
    where: str
    states: str
    verdict: str


class Source(BaseModel):
    """A source of an answer; `read`: how it was read, `version`: the day of what was read,
    `checked`: both and the day of reading, as a sentence; `says`: what it says about the answer's
    statements."""

    n: int
    title: str
    publisher: str
    url: WebAddress
    read: str | None = None
    version: str | None = None
    checked: str | None = None
    says: list[Said] = []


class Number(BaseModel):
    """A telephone line: what it is, and whom it is for; `tel`: a link to call or text it; `url`:
    one to open, for a list or a chat."""

    label: str
    number: str
    tel: str | None = None
    url: WebAddress | None = None


class Urgent(BaseModel):
    """Whom to call in an emergency, as one small line below a reply that has no numbers."""

    text: str
    numbers: list[Number]


class Warned(BaseModel):
    """What stands above a usual answer to a message that may tell of a danger."""

    kind: str
    text: str
    numbers: list[Number]


class ArticleOf(BaseModel):
    id: str
    title: str
    url: Annotated[str, AfterValidator(_check_place)]
    written_by: str
    written_on: str
    reviewed_by: str | None
    reviewed_on: str | None
    review: str | None
    revision: str


class Feedback(BaseModel):
    ask: str
    reasons: dict[str, str]


class Reply(BaseModel):
    """One reply. `kind` tells which of the other fields it has; an answer has them all.

    A passage has a `section` in the place of a question: the name of the question whose section its
    `text` is quoted from, and as its `title` that section's heading."""

    model_config = ConfigDict(extra="forbid", use_enum_values=True)
    id: str
    kind: ReplyKind
    text: str
    note: str | None = None  # above the text, as that it was shown before, or is a passage
    more: str | None = None
    topic: str | None = None
    question: str | None = None
    section: str | None = None
    title: str | None = None
    article: ArticleOf | None = None
    sources: list[Source] | None = None
    disclaimer: str | None = None
    feedback: Feedback | None = None
    instead: list[Choice] | None = None  # below an answer that may not be meant
    choices: list[Choice] | None = None
    numbers: list[Number] | None = None
    language: str | None = None  # of text, where it isn't English
    warning: Warned | None = None
    emergency: Urgent | None = None
    confidence: float | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == ReplyKind.ANSWER and not (
            self.question and self.article and self.disclaimer
        ):
            raise ValueError(
                "an answer comes with its question, its article and its disclaimer, or not at all"
            )
        if self.kind == ReplyKind.PASSAGE and not (
            self.section and self.article and self.disclaimer
        ):
            raise ValueError("a passage comes with its section, its article and its disclaimer")
        return self
