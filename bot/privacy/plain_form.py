"""A text as masking reads it: every sign that looks like an ordinary one made that one, and where
each stood in the text as it was typed."""

from __future__ import annotations

import html
import re
import unicodedata

HYPHENS = dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\u2043\ufe63\uff0d", "-")
APOSTROPHES = dict.fromkeys("’‘ʼ′´`＇", "'") | dict.fromkeys("“”„″", '"')
ALIKE = HYPHENS | APOSTROPHES
ENTITY = re.compile(r"&(?:#\d{1,6}|#x[\da-f]{1,5}|[a-z]{2,8});", re.I)
# "O7700 9OO 156": the letter in the place of a nought
NOUGHTS = re.compile(r"(?<![^\W_])(?=[Oo]*\d)(?=\d*[Oo])[Oo\d]{3,}(?![^\W_])")


def make_plain_form(text: str) -> tuple[str, list[int] | None]:
    """(plain, places): `plain[i]` was typed at `text[places[i]]`; None where nothing was changed.

    Blanks and hyphens of every kind are the ordinary ones, invisible signs and accents that stand
    by themselves are left out, full-width signs and HTML entities are what they show."""
    plain, places = text, None
    if not text.isascii() or "&" in text and ENTITY.search(text):
        signs: list[str] = []
        places = []
        at = 0
        while at < len(text):
            entity = ENTITY.match(text, at) if text[at] == "&" else None
            shown = html.unescape(entity[0]) if entity else text[at]
            for sign in shown:
                plainer = _make_plain(sign)
                signs.append(plainer)
                places += [at] * len(plainer)
            at = entity.end() if entity else at + 1
        plain = "".join(signs)
    plain = NOUGHTS.sub(lambda found: re.sub("[Oo]", "0", found[0]), plain)
    return plain, places


def _make_plain(sign: str) -> str:
    """What a sign shows: one of its like, or nothing."""
    if sign.isascii():
        return sign
    if sign in ALIKE:
        return ALIKE[sign]
    if sign.isspace() or unicodedata.category(sign) == "Zs":
        return " "
    if unicodedata.category(sign) in ("Cf", "Cc", "Mn", "Me"):
        return ""
    shown = unicodedata.normalize("NFKC", sign)
    return shown if shown.isalnum() or len(shown) == 1 else sign
