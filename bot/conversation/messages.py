"""Which texts of visitors can be taken."""

import re

from bot.language.normal_form import make_normal_form

LONGEST_TEXT = 2000
UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class BadText(ValueError):
    """A text that can't be taken; the argument is the key of the fixed text that says why."""


def check_text(text: str) -> None:
    """Nothing, or BadText."""
    if not make_normal_form(text).strip():
        raise BadText("text_empty")
    if len(text) > LONGEST_TEXT:
        raise BadText("text_too_long")
    if UNREADABLE.search(text):
        raise BadText("text_unreadable")
