"""Masking: personal data in a visitor's text is replaced by a bracketed word before anything else sees the text.

`mask("I'm Sarah Jones, call 07700 900123")` is `"I'm [name], call [phone]"`. Patterns, checksums and word lists
(data/masking.yml) only: no model, no other service, no package beyond PyYAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot import names

KINDS = ("email", "card", "record number", "birth date", "phone", "address", "name")  # the earlier one wins


@dataclass(frozen=True)
class Span:
    """One piece of personal data: `text[start:end]`, and what it is (one of KINDS)."""

    start: int
    end: int
    kind: str


def load() -> None:
    """Reads the word lists, once. Call it at start-up, so that the first visitor doesn't wait for it."""
    names.load()


def mask(text: str, keep: frozenset[str] = frozenset()) -> str:
    """`text` with every piece of personal data replaced by "[name]", "[phone]" and so on.

    `keep`: lower-case words that are never a name (medicines and conditions of data/terms.yml).
    A masked text stays as it is when masked again: masking goes on until nothing is found, and no mask is ever found.
    """
    while spans := find(text, keep):
        for span in reversed(spans):
            text = f"{text[:span.start]}[{span.kind}]{text[span.end:]}"
    return text


def find(text: str, keep: frozenset[str] = frozenset()) -> list[Span]:
    """The personal data in `text`, in order, without overlaps; `keep` as for `mask`."""
    found: list[Span] = []
    if "@" in text or OBFUSCATED_AT.search(text):
        found += (Span(*match.span(), "email") for match in EMAIL.finditer(text))
    if DIGIT.search(text):
        for kind, finder in (
            ("card", _cards), ("record number", _records), ("birth date", _births), ("phone", _phones), ("address", _addresses)
        ):
            found += (Span(start, end, kind) for start, end in finder(text))
    taken = _merge(found)
    people = [Span(start, end, "name") for start, end in names.find(text, keep)]
    # "Arthur Pym, 04/07/1933" on a form or a letter: the date is the birth date.
    births = [Span(*match.span(1), "birth date") for name in people if (match := AFTER_NAME.match(text, name.end))]
    return _merge([*taken, *births, *people])


def _merge(spans: list[Span]) -> list[Span]:
    """Overlapping spans become one that covers them all, under the kind that stands first in KINDS."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        if merged and span.start < merged[-1].end:
            last = merged.pop()
            span = Span(last.start, max(last.end, span.end), min(last.kind, span.kind, key=KINDS.index))
        merged.append(span)
    return merged


DIGIT = re.compile(r"\d")

# --- e-mail: also "sarah dot jones at example dot com", "tony [at] example.com"

OBFUSCATED_AT = re.compile(r"[\[(]\s?at\s?[\])]|\bat\b[^\n]{1,40}\bdot\b", re.I)
EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+'-]+(?: dot \w+)?(?:@|\s?[\[(]\s?at\s?[\])]\s?)[\w-]+(?:(?:\.|\s?[\[(]?\bdot\b[\])]?\s?)[\w-]+)+"
    r"|(?<![\w.+-])[\w.+-]+(?: dot \w+)? at [\w-]+ dot [a-z]{2,6}(?: dot [a-z]{2})?\b",
    re.I,
)

# --- payment cards: a valid check digit, or the look of one

CARD = re.compile(r"(?<![\w+.-])(?:\d{4}([ -]?)\d{4}\1\d{4}\1\d{1,7}|3\d{3}([ -]?)\d{6}\2\d{5})(?![\w-])")


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for match in CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if digits[0] in "23456" and (match[1] or match[2] or _has_luhn_digit(digits)):
            yield match.span()


def _has_luhn_digit(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) if place % 2 else int(digit) for place, digit in enumerate(digits[::-1]))
    return sum(doubled) % 10 == 0


# --- record, insurance and identity numbers: after a label, or by their shape

LABEL = re.compile(
    r"\b(?:(?P<sure>nhs|ssn|mrn|chi|nino?|sin|pps|hcn|(?:social|national) (?:security|insurance)|sécurité sociale|medicare|medicaid)"
    r"|(?:patient|hospital|records?|insurance|policy|member(?:ship)?|subscriber|medical|health|case|chart|claim|account|group|passport"
    r"|licen[cs]e|identity|ni|h[- ]?c)\b(?: (?:insurance|policy|record|card|account))?)"
    r"(?P<number>(?:\s?(?:number|no\b\.?|nr\b\.?|num\b|id\b|card\b|#|n°)){0,2})"
    r"[\s:=#-]{0,3}(?:(?:is|was)\b[\s:]{0,2})?",
    re.I,
)
CODE = re.compile(r"[ ./-]?([^\W_]+)")
SHAPE = re.compile(
    r"(?<![\w-])(?:\d{3}-\d{2}-\d{4}"  # US social security
    r"|(?i:[A-CEGHJ-PQR-TW-Z][A-Z] ?\d\d ?\d\d ?\d\d ?[A-D])"  # UK national insurance
    r"|[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y\d]\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y\d]\d-?[AC-HJKMNP-RT-Y]{2}\d\d"  # Medicare
    r"|[12] \d\d \d\d \d[\dAB] \d{3} \d{3}(?: \d\d)?"  # France
    r"|[A-Z]\d{9})(?![\w-])"  # Germany
)
NHS = re.compile(r"(?<![\w+.-])\d{3} ?\d{3} ?\d{4}(?![\w-])")


def _records(text: str) -> Iterator[tuple[int, int]]:
    for label in LABEL.finditer(text):
        start = end = label.end()
        digits = 0
        for _ in range(8):
            part = CODE.match(text, end)
            if not part or (end == start and part.start() != part.start(1)):
                break
            count = sum(char.isdigit() for char in part[1])
            letters = part[1].isupper() and len(part[1]) <= (2 if digits else 5) and text[part.end():part.end() + 2].strip(" ")
            if not count and not (letters or (digits and part[1] in "ABCDFM" and part[1].isupper())):
                break
            digits, end = digits + count, part.end()
        needed = 4 if label["number"] else 5 if label["sure"] or label[0].lower().startswith(("group", "member")) else 99
        if digits >= needed:
            yield start, end
    for match in SHAPE.finditer(text):
        yield match.span()
    for match in NHS.finditer(text):
        digits = [int(char) for char in match[0] if char.isdigit()]
        check = 11 - sum(digit * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)) % 11
        if digits[0] in (4, 6, 7, 9) and check % 11 == digits[9]:
            yield match.span()


# --- dates of birth: a date that a birth word, or a name, introduces

MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?"
DATE = r"(?:\d{1,2}[./-]\d{1,2}[./-](?:(?:18|19|20)\d\d|\d\d)|(?:18|19|20)\d\d[./-]\d{1,2}[./-]\d{1,2})(?![\d/])"
BIRTH = re.compile(
    r"\b(?:born|birth[ -]?(?:date|day)|date of birth|d\.?o\.?b|geboren|geb|née?)\b"
    r"(?:[\s:.,=()-]|\b(?:is|was|on|the|in|am|le)\b){0,8}"
    rf"({DATE}|\d{{8}}\b|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}(?:,? ?'?(?:19|20)?\d\d\b)?"
    rf"|{MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? (?:19|20)?\d\d\b)?)",
    re.I,
)
AFTER_NAME = re.compile(rf"[\s,(]{{1,3}}({DATE})")


def _births(text: str) -> Iterator[tuple[int, int]]:
    for match in BIRTH.finditer(text):
        yield match.span(1)


# --- phone numbers: international, North American, with a trunk 0; shorter ones only after "call", "my number is", ...

PHONE = re.compile(
    r"(?<![\w=/.-])(?:"
    r"(?:\+|00)[1-9]\d{0,2}(?:[ .\-/()]{0,3}\d){6,13}"
    r"|(?:1[ .-]?)?(?:\([2-9]\d\d\)[ -]?|[2-9]\d\d[ .-]?)[2-9](?!11)\d\d[ .-]?\d{4}"
    r"|\(?0[1-9]\d{0,4}\)?(?:[ \-/.]{0,2}\d){5,9}"
    r")(?![\w/-]|[.,:]\d)"
)
CALL = re.compile(
    r"\b(?:(?:tele)?phone|tel|mobile|mob|cell|call|ring|text|whatsapp|sms|fax|reach|number|no|contact|rufnummer|nummer|numero|numéro|handy)\b"
    r"[^\d\n.?!]{0,25}\.?[^\d\n?!]{0,4}(\d{3}[ .-]\d{4}|\d(?:[ .-]?\d){8,14})(?![\w/-]|[.,:]\d)",
    re.I,
)
ANY_DATE = re.compile(DATE)


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for match in PHONE.finditer(text):
        digits = sum(char.isdigit() for char in match[0])
        least = 10 if match[0].startswith(("0", "(0", "1")) else 8
        if digits >= least - match[0].startswith("0") and not ANY_DATE.search(match[0]):
            yield match.span()
    for match in CALL.finditer(text):
        if not ANY_DATE.search(match[1]):
            yield match.span(1)


# --- postal addresses: from the street's number to the postcode

FLAT = r"(?:\b(?:flat|apt|apartment|unit|suite)\b\.? ?#?\w{1,4},? )?"
STREET = re.compile(rf"{FLAT}(?<![\w.-])\d{{1,5}}[a-z]?,? ((?:[\w'’.-]+ ){{1,4}}?)([^\W\d]+)\b\.?(,? (?:apt|unit|suite|flat)\b\.? ?#?\w{{1,4}})?", re.I)
GERMAN = re.compile(
    r"\b(?:[A-ZÄÖÜ][\w.-]*(?:stra(?:ß|ss)e|str\.|weg|platz|allee|gasse|damm|ufer)|(?:[A-ZÄÖÜ][\w-]+ ){1,3}(?=\d{1,4}[a-z]?,? \d{5} [A-ZÄÖÜ])) ?\d{1,4}[a-z]?\b"
    r"(?:,? (?:D-)?\d{5} [A-ZÄÖÜ][\w-]+)?"
)
ROMANCE = re.compile(
    r"(?:\b\d{1,4}(?: bis| ter)?,? )?\b(?:rue|avenue|boulevard|place|chemin|impasse|via|viale|piazza|corso|calle|plaza|avenida|rua)"
    r"((?: [\w'’-]+){1,4}?)(?:,? \d{1,4}\b)?,? \d{5} [A-ZÀ-Ý][\w-]+",
    re.I,
)
PO_BOX = re.compile(r"\bP\.? ?O\.? ?Box \d+", re.I)
POSTCODE = re.compile(
    r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{2}\b"  # United Kingdom
    r"|\b[A-Z]{2},? \d{5}(?:-\d{4})?\b(?! ?mg)"  # United States
    r"|(?:(?<=postcode )|(?<=postcode is )|(?<=post code ))(?i:[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}|\d{4,5})\b"
)
EIRCODE = re.compile(r"(?:,? [A-Z][\w-]+(?: \d{1,2})?)?,? [AC-FHKNPRTV-Y]\d[\dW] ?[\dAC-FHKNPRTV-Y]{4}\b")
TITLED = re.compile(r"(?:\d{1,5}[a-zA-Z]?|[A-ZÀ-Ý][\w'’.-]*|of|the|upon|flat|apt|apartment|unit|house|\d+\w*)$")
STREETS = frozenset(
    "street st road rd avenue ave lane ln drive dr close crescent terrace boulevard blvd court ct place pl way gardens grove parade hill"
    " square sq walk row mews rise view parkway pkwy highway hwy circle cir approach green park wharf quay trail".split()
)
NOT_A_STREET = frozenset(
    "in the a an of on my our your at to from for with per and or is by down up times time hour hours minute minutes min mins day days"
    " week weeks mile miles km metre metres meter meters mg ml different big long years year months month seconds way more such".split()
)


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    for match in STREET.finditer(text):
        name, kind = match[1].split(), match[2]
        written = all(word[0].isupper() or word[0].isdigit() for word in name) and kind[0].isupper()
        if kind.lower() in STREETS and not NOT_A_STREET.intersection(word.lower() for word in name):
            if written or (len(name) <= 2 and kind.lower() in LOWER_STREETS):
                town = EIRCODE.match(text, match.end())
                yield match.start(), town.end() if town else match.end()
    for pattern in (GERMAN, ROMANCE, PO_BOX):
        for match in pattern.finditer(text):
            yield match.span()
    for match in POSTCODE.finditer(text):
        yield _left_of_postcode(text, match.start()), match.end()


LOWER_STREETS = frozenset("street road lane avenue drive close crescent terrace boulevard gardens court ave rd".split())


def _left_of_postcode(text: str, start: int) -> int:
    """Where the address that ends in the postcode at `start` begins: up to five parts of capitalised words and numbers."""
    for _ in range(5):
        line = max(text.rfind(",", 0, max(0, start - 2)), text.rfind("\n", 0, start), text.rfind(":", 0, start), start - 60) + 1
        words = text[line:start].rstrip(", ").split(" ")
        kept = len(words)
        while kept and (not words[kept - 1] or TITLED.match(words[kept - 1])):
            kept -= 1
        part = " ".join(words[kept:]).strip()
        if part:
            start = text.index(part, line)
        if not part or kept or line < 2 or text[line - 1] != ",":
            break
    return start
