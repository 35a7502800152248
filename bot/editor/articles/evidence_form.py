"""A question's evidence as its form sends it: beside the statements of the article, and written
into the ledger."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request

from bot.content import articles, evidence
from bot.content.articles import Article, Question
from bot.content.evidence import Ledger
from bot.domain.faults import Fault
from bot.editor.articles import evidence_document
from bot.editor.articles.evidence_document import Row, Side
from bot.editor.shared import content_cache, form_texts, session

LONGEST = 2_000  # characters of a field
MOST = 400  # fields of one kind in a form
READING = ("read", "on", "date", "how")
NUMBER = re.compile(r"\d{1,9}")


@dataclass(frozen=True)
class EvidenceForm:
    """What an editor sent of a question's evidence, by the names of the form's fields. `dropped`:
    the lines of those entries of the ledger that go; `by`: the editor's name.

    It is no model of pydantic: the names hold the numbers of statements, rows and sources."""

    sent: Mapping[str, str]
    dropped: Sequence[int]
    by: str

    @property
    def base(self) -> str:
        """What names the ledger's text that was opened; "" where there was none."""
        return self.sent.get("base", "")

    def change_side(self, side: Side) -> Side:
        """A Side as the form has it; one of other words stays as it was until its editor says that
        they are borne out, too."""
        n = self._find_place(side)
        if n is None:
            return side
        rows = [self._read_row(f"{n}.{i}") for i in range(MOST) if self._has_row(f"{n}.{i}")]
        if side.was and not self.sent.get(f"confirmed.{n}"):
            return replace(side, rows=tuple(rows))
        return evidence_document.with_rows(side, rows)

    def change_reading(self, n: int, reading: Mapping[str, str]) -> dict[str, str]:
        """How source `n` was read, of its fields before, as the form has it."""
        names = {key: f"reading.{n}.{key}" for key in READING}
        return {
            **reading,
            **{key: self.sent[name] for key, name in names.items() if name in self.sent},
        }

    def write_ledger(self, opened: content_cache.Opened, asked: Question, before: str) -> str:
        """A ledger's text `before`, with what the form says of a question's statements and of how
        their sources were read; raises articles.ContentError where the article no longer makes
        them."""
        article, path = opened.article, opened.ledger_path
        ledger = evidence.read_ledger(before, path)[0] if before else Ledger()
        rows = evidence_document.statement_rows(article, asked, ledger, path)
        sides = [side for _, sides in rows for side in sides]
        if faults := self._moved_faults(sides):
            raise articles.ContentError(faults)
        try:
            return evidence_document.write_ledger(
                before,
                self._changed_readings(article, ledger),
                [new for side in sides if (new := self.change_side(side)) != side and not new.was],
                self.dropped,
            )
        except articles.ContentError as error:
            raise articles.ContentError(
                [replace(fault, path=str(path)) for fault in error.faults]
            ) from None

    def _find_place(self, side: Side) -> int | None:
        """Under which number the form has the statement; None where it hasn't."""
        wanted = (side.says, _join_numbers(side))
        return next((n for n in range(MOST) if self._statement(str(n)) == wanted), None)

    def _statement(self, n: str) -> tuple[str | None, str | None]:
        """(words, numbers) of a statement of the form."""
        return self.sent.get(f"says.{n}"), self.sent.get(f"numbers.{n}")

    def _has_row(self, place: str) -> bool:
        return NUMBER.fullmatch(self.sent.get(f"{place}.source", "")) is not None

    def _read_row(self, place: str) -> Row:
        return Row(
            int(self.sent[f"{place}.source"]),
            " ".join(self.sent.get(f"{place}.where", "").split()),
            " ".join(self.sent.get(f"{place}.states", "").split()),
            self.sent.get(f"{place}.verdict", ""),
        )

    def _moved_faults(self, sides: Iterable[Side]) -> list[Fault]:
        """What is wrong where the form has statements that the article no longer makes."""
        now = {(side.says, _join_numbers(side)) for side in sides}
        return [
            Fault.from_sentence(
                f"“{words[:90]}” no longer stands in the article with these numbers: somebody "
                f"changed its text meanwhile. Copy what you wrote, and open this page again."
            )
            for name, words in self.sent.items()
            if name.startswith("says.") and self._statement(name.partition(".")[2]) not in now
        ]

    def _changed_readings(self, article: Article, ledger: Ledger) -> dict[int, dict[str, str]]:
        """{n: how the source was read} of what the form says otherwise than the ledger."""
        changed = {}
        for source in article.sources:
            now = show_reading(source.n, ledger)
            new = self.change_reading(source.n, now)
            if new["read"] and new != now:
                changed[source.n] = {**new, "by": self.by}
        return changed


def show_reading(n: int, ledger: Ledger) -> dict[str, str]:
    """How source `n` was read, as fields of a form."""
    reading = ledger.readings.get(n)
    return {
        "read": str(reading.read) if reading else "",
        "on": str(reading.on) if reading else "",
        "date": str(reading.version or "") if reading else "",
        "how": reading.how if reading else "",
        "by": reading.by if reading else "",
    }


def _join_numbers(side: Side) -> str:
    return " ".join(map(str, side.numbers))


def _read_field(name: str, text: str) -> str:
    """A field's text; raises form_texts.TooLong."""
    return form_texts.check_length(form_texts.join_newlines(text).strip(), LONGEST, name)


async def _read_form(request: Request, person: session.Editor) -> EvidenceForm:
    form = await request.form(**session.FORM_LIMITS)
    return EvidenceForm(
        {name: _read_field(name, str(value)) for name, value in form.items() if name != "drop"},
        [int(line) for line in map(str, form.getlist("drop")) if NUMBER.fullmatch(line)],
        person.name,
    )


SentEvidence = Annotated[EvidenceForm, Depends(_read_form)]  # in a page's signature
