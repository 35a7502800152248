"""What the forms of the review send: wordings, and what is to be done with them."""

import datetime
from collections.abc import Iterable
from typing import Annotated
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, Json, StringConstraints

from bot.editor.insights import conversation_pages
from bot.editor.review.teaching import as_phrase
from bot.editor.shared import pages
from bot.store import review

MOST = 200  # texts of a group, and groups at once
Name = Annotated[str, StringConstraints(max_length=200)]
Address = Annotated[str, StringConstraints(max_length=2000)]
Texts = Annotated[list[str], Field(max_length=MOST)]


class TickedGroup(BaseModel):
    """A group that was ticked to be done with beside others: its texts, those of them that are to
    be phrases, and the articles beside which they were asked, "" for none."""

    model_config = ConfigDict(frozen=True)
    text: Texts
    phrase: Texts = []
    beside: Annotated[list[Name], Field(max_length=MOST)] = []


class WordingsForm(BaseModel):
    """Wordings to be done with: those of one group, or of all that were ticked; and the page to go
    `back` to."""

    model_config = ConfigDict(frozen=True)
    text: Texts = []
    phrase: Texts = []
    beside: Annotated[list[Name], Field(max_length=MOST)] = []
    group: Annotated[list[Json[TickedGroup]], Field(max_length=MOST)] = []
    back: Address = ""

    def list_texts(self) -> list[str]:
        """All texts, of every group."""
        return [*self.text, *(text for group in self.group for text in group.text)]

    def list_chosen(self) -> list[str]:
        """The texts of which phrases are wanted: the ticked ones of each group, or its first."""
        groups = [(self.text, self.phrase), *((group.text, group.phrase) for group in self.group)]
        return [phrase for text, ticked in groups for phrase in ticked or text[:1]]

    def list_pages(self) -> list[str]:
        """The articles beside which the texts were asked, "" for none; each once."""
        asked = [*self.beside, *(page for group in self.group for page in group.beside)]
        return list(dict.fromkeys(asked))


class TeachForm(WordingsForm):
    """Wordings, and the question that they are to teach (`other`: chosen in the list of all
    questions)."""

    question: Name = ""
    other: Name = ""


class NewQuestionForm(WordingsForm):
    """Wordings of which a question is to begin, and the question that is `nearest`."""

    nearest: Name = ""

    def list_phrases(self) -> list[str]:
        """The question's first phrases: the chosen ones, then the other texts; but for those that
        an editor mended, which stand in their place."""
        chosen, texts = self.list_chosen(), self.list_texts()
        is_mended = not set(chosen) <= set(texts)
        return _unique(chosen if is_mended else [*chosen, *texts])


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, map(as_phrase, texts))))


class ReviewQuery(BaseModel):
    """What of the review is shown: its page, and what its messages must hold."""

    text: Name = ""
    article: Name = ""
    channel: Name = ""
    why: Name = ""
    since: Name = ""
    until: Name = ""
    page: Annotated[int, Field(ge=0, lt=2**31)] = 1

    def as_filter(self) -> review.Filter:
        text, article, channel = (
            pages.blank_nul(given) for given in (self.text, self.article, self.channel)
        )
        until = conversation_pages.read_moment(self.until)
        return review.Filter(
            tuple(text.split()),
            article,
            channel,
            self.why,
            conversation_pages.read_moment(self.since),
            until and until + datetime.timedelta(days=1),
        )

    def as_address(self, **changes: object) -> str:
        """The address of this view, or of one that differs in `changes`."""
        given = {**self.model_dump(), **changes}
        empty = ReviewQuery().model_dump()
        query = urlencode({key: value for key, value in given.items() if value != empty[key]})
        return "/editor/review" + (f"?{query}" if query else "")
