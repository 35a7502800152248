"""An article's particulars and sources as its form sends them."""

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Request

from bot.content import articles
from bot.domain.faults import Fault
from bot.editor.articles.question_form import join_lines
from bot.editor.shared import article_document, form_texts, session
from bot.editor.shared.article_document import ArticleFields, SourceFields

LONGEST = 500  # characters of a field
NAME = re.compile(r"other\.\d+")  # of a field with another name of a draft's term
PARTICULARS = [key for key in article_document.FRONT if not key.startswith("reviewed_")]
MARKS: tuple[Literal["changed", "withdrawn"], ...] = ("changed", "withdrawn")  # of a source


@dataclass(frozen=True)
class ArticleForm:
    """What an editor sent, by the names of the form's fields.

    It is no model of pydantic: the names hold the numbers of sources, and an empty field takes a
    line out of the file, where one that was not sent changes nothing. FastAPI takes both for
    one."""

    sent: Mapping[str, str]

    @property
    def base(self) -> str:
        """What names the text that was opened."""
        return self.sent.get("base", "")

    @property
    def new_words(self) -> str:
        """The words that are to name a question that is begun."""
        return self.sent.get("new", "").strip()

    @property
    def new_question(self) -> str:
        """The id of the question that is to be begun; "" where there is none."""
        return re.sub(r"[^a-z0-9]+", "_", self.new_words.lower()).strip("_")[:60]

    def find_faults(self) -> list[Fault]:
        """What forbids to begin the question: a name that none can have."""
        id = self.new_question
        if not self.new_words or (articles.ID.match(id) and id != articles.MADE_BY_US):
            return []
        said = (
            f"“{self.new_words}” can't name a question; write one or two words that begin with a "
            f"letter of a to z, as side effects"
        )
        return [Fault.from_sentence(said)]

    def change_fields(self, before: ArticleFields) -> ArticleFields:
        """An article's fields with what was sent; of its questions the facets may be, the rest
        stays."""
        fields = before.copy()
        for key in PARTICULARS:
            if key in self.sent:
                fields[key] = self._read_line(key)
        fields["sources"] = self._change_sources(before["sources"])
        fields["questions"] = {
            id: {**question, "facet": self._read_line(f"facet.{id}") or question["facet"]}
            for id, question in before["questions"].items()
        }
        return fields

    def teach(self, before: Mapping[str, Mapping[str, list[str]]]) -> dict[str, list[str]]:
        """{question: the phrases that teach it} of what a draft's page sent: those that were
        written, a line each (or those from `before`), and those that were ticked."""
        found: dict[str, list[str]] = {}
        for name, said in self.sent.items():
            field, _, rest = name.partition(".")
            id, lines = rest.partition(".")[0], [join_lines(line) for line in said.splitlines()]
            if field == "phrases":
                found[id] = [*lines, *found.get(id, [])]
            elif field == "phrase":
                is_written = f"phrases.{id}" in self.sent
                begun = [] if is_written else before.get(id, {}).get("train", [])
                found[id] = [*found.get(id, begun), *lines]
        return {
            id: list(dict.fromkeys(line[:LONGEST] for line in listed if line))
            for id, listed in found.items()
        }

    @property
    def phrases_base(self) -> str:
        """What names the text of the phrases that was opened."""
        return self.sent.get("phrases_base", "")

    @property
    def term_group(self) -> str:
        """The group of the terms list into which the draft's term is to be put; "" for none."""
        return self._read_line("group")

    @property
    def other_names(self) -> list[str]:
        """The other names of the draft's term that were ticked, or written with commas."""
        ticked = [self._read_line(name) for name in self.sent if NAME.fullmatch(name)]
        return [*ticked, *self._read_line("others").split(",")]

    def _change_sources(self, before: Mapping[int, SourceFields]) -> dict[int, SourceFields]:
        """The sources as they were sent, one of them marked where its button says so; without
        those whose fields are empty."""
        sources = {n: source.copy() for n, source in before.items()}
        for n in (*before, max(before, default=0) + 1):
            if f"source.{n}.title" in self.sent:
                sources[n] = self._read_source(n)
        marked, _, wanted = self.sent.get("mark", "").partition(".")
        for mark in (mark for mark in MARKS if mark == wanted):
            for source in (source for n, source in sources.items() if str(n) == marked):
                source[mark] = str(datetime.datetime.now(datetime.UTC).date())
        return {n: source for n, source in sources.items() if any(source.values())}

    def _read_source(self, n: int) -> SourceFields:
        return {
            "title": self._read_line(f"source.{n}.title"),
            "publisher": self._read_line(f"source.{n}.publisher"),
            "url": self._read_line(f"source.{n}.url"),
            "date": self._read_line(f"source.{n}.date"),
            "changed": self._read_line(f"source.{n}.changed"),
            "withdrawn": self._read_line(f"source.{n}.withdrawn"),
        }

    def _read_line(self, name: str) -> str:
        """A field as one line; "" where it was not sent. Raises form_texts.TooLong."""
        return form_texts.check_length(join_lines(self.sent.get(name, "")), LONGEST, name)


async def _read_form(request: Request) -> ArticleForm:
    form = await request.form(**session.FORM_LIMITS)
    return ArticleForm({name: str(value) for name, value in form.items()})


SentArticle = Annotated[ArticleForm, Depends(_read_form)]  # in a page's signature
