"""A question as a form sends it, and as the fields that its article's text is written from."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from bot.editor.shared import content_files, form_texts
from bot.editor.shared.article_document import QuestionFields

Line = Annotated[str, StringConstraints(max_length=2_000)]
Lines = Annotated[str, StringConstraints(max_length=60_000), form_texts.NEWLINES]


class QuestionForm(BaseModel):
    """What an editor sent of a question; `train` and `test` have a phrase a line. `base`: what
    names the text that was opened; `then`: the pressed button.

    What is empty or left out is "": FastAPI takes an empty field for one that was not sent."""

    model_config = ConfigDict(frozen=True)
    base: Line = ""
    then: Line = ""
    ask: Line = ""
    facet: Line = ""
    about: Line = ""
    heading: Line = ""
    text: Lines = ""
    train: Lines = ""
    test: Lines = ""

    def to_fields(self) -> QuestionFields:
        """The question as article_document writes it."""
        return {
            "ask": join_lines(self.ask),
            "about": join_lines(self.about),
            "facet": join_lines(self.facet),
            "heading": join_lines(self.heading),
            "text": content_files.tidy_text(self.text).strip("\n"),
            "train": _split_phrases(self.train),
            "test": _split_phrases(self.test),
        }


def join_lines(text: str) -> str:
    """A text as one line."""
    return " ".join(text.split())


def _split_phrases(text: str) -> list[str]:
    return [join_lines(line) for line in text.splitlines() if line.strip()]
