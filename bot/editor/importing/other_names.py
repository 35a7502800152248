"""What a text calls its subject: a name out of its title, and the other names that it gives."""

import re

LONGEST, MOST_WORDS, MOST = 60, 4, 12  # letters and words of a name, and names
BEFORE = re.compile(
    r"\A(?:living with|about|understanding|all about|what (?:is|are)|facts (?:on|about)|"
    r"an introduction to|introduction to|the)\s+",
    re.IGNORECASE,
)
CALLED = re.compile(
    r"\b(?:also|sometimes|often|formerly|once|commonly|usually)\s+"
    r"(?:called|known\s+as|named|referred\s+to\s+as|written)\s+(?:the\s+|an?\s+)?"
    r"([^.;:()\[\]]{2,200})",
    re.IGNORECASE,
)
BETWEEN = re.compile(r"\s*,?\s+(?:or|and)\s+|\s*,\s*")
NO_NAME = re.compile(r"(?:into|by|for|to|in|on|at|of|as|it|this|that|they)\b", re.IGNORECASE)
ENDS = re.compile(r"\s(?:is|are|was|were|has|have|can|may|which|that|in|by|because|when|for)\s.*")
SHORT = r"\s*\(([A-Z][A-Za-z-]{1,9})\)"  # an abbreviation in brackets behind what it is short for


def name_subject(title: str, text: str) -> str:
    """The subject of a title as the terms list would name it, where the text names it too; "" for
    none."""
    name = BEFORE.sub("", title).strip(" ?!.:").replace("’", "'")
    if not _is_name(name) or not re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE):
        return ""
    first, *rest = name.split()
    is_proper = "'" in first or not first[1:].islower() or any(word[0].isupper() for word in rest)
    return name if is_proper else f"{first.lower()} {' '.join(rest)}".strip()


def find_other_names(text: str, term: str) -> list[str]:
    """The other names of a term that a text gives, in small letters where it begins no proper name:
    "also called ...", and an abbreviation behind it in brackets."""
    found = []
    for said in CALLED.findall(text):
        parts = BETWEEN.split(ENDS.sub("", f"{said} ").strip())
        found += [part.strip(" “”\"'’*_") for part in parts]
    found += re.findall(rf"\b{re.escape(term)}{SHORT}", text, re.IGNORECASE)
    names = {name.lower(): name for name in reversed(found) if _is_name(name)}
    names.pop(term.lower(), None)
    return list(reversed(names.values()))[:MOST]


def _is_name(name: str) -> bool:
    return (
        1 < len(name) <= LONGEST
        and len(name.split()) <= MOST_WORDS
        and not NO_NAME.match(name)
        and bool(re.fullmatch(r"[^\W\d_][\w' -]*", name))
    )
