"""Texts of forms: how long they may be, and what is said of one that is longer."""

from pydantic import BeforeValidator

BEGINNING = 40  # characters of a text by which its writer knows it


class TooLong(ValueError):
    """A text of a form is longer than it may be; the message is a sentence for who wrote it, `name`
    that of its field."""

    def __init__(self, said: str, name: str) -> None:
        super().__init__(said)
        self.name = name


def say_too_long(text: str, longest: int) -> str:
    """The sentence about a text of more than `longest` characters."""
    begins = " ".join(text[: 2 * BEGINNING].split())[:BEGINNING]
    return (
        f"The text that begins “{begins} …” has {len(text):,} characters; at most {longest:,} can "
        f"be saved."
    )


def check_length(text: str, longest: int, name: str) -> str:
    """The text of a field; raises TooLong where it has more than `longest` characters."""
    if len(text) > longest:
        raise TooLong(say_too_long(text, longest), name)
    return text


def join_newlines[T](text: T) -> T | str:
    """A text as its browser counted it: a new line is one character, and is sent as two."""
    return text.replace("\r\n", "\n") if isinstance(text, str) else text


NEWLINES = BeforeValidator(join_newlines)  # in a field's type; the last one there comes first
