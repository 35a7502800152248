"""Masking: personal data in a visitor's text is replaced by a bracketed word before anything else
sees the text.

`mask("I'm Sarah Jones, call 07700 900123")` is `"I'm [name], call [phone]"`. Patterns, check digits
and word lists (data/masking.yml): no model, no other service. docs/privacy.md says how well it
does; benchmarks/masking.py measures it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot import names

# the earlier one wins
KINDS = ("email", "card", "record number", "birth date", "phone", "address", "name")


@dataclass(frozen=True)
class Span:
    """One piece of personal data: `text[start:end]`, and what it is (one of KINDS)."""

    start: int
    end: int
    kind: str


def load() -> None:
    """Reads the word lists, once. Call it at start-up, so that the first visitor doesn't wait for
    it."""
    names.load()


def mask(text: str, keep: frozenset[str] = frozenset()) -> str:
    """`text` with every piece of personal data replaced by "[name]", "[phone]" and so on.

    `keep`: lower-case words that are never a name (medicines and conditions of data/terms.yml). A
    masked text stays as it is when masked again: masking goes on until nothing is found, and no
    mask is ever found."""
    while spans := find(text, keep):
        for span in reversed(spans):
            text = f"{text[: span.start]}[{span.kind}]{text[span.end :]}"
    return text


def find(text: str, keep: frozenset[str] = frozenset()) -> list[Span]:
    """The personal data in `text`, in order, without overlaps; `keep` as for `mask`."""
    message = names.cut(text, keep)
    found = [Span(start, end, "email") for start, end in _emails(text)]
    if DIGIT.search(text):
        for kind, finder in (
            ("record number", _labelled),
            ("birth date", _births),
            ("address", _addresses),
        ):
            found += (Span(start, end, kind) for start, end in finder(message))
    if LONG_NUMBER.search(text):
        for kind, finder in (("card", _cards), ("record number", _records), ("phone", _phones)):
            found += (Span(start, end, kind) for start, end in finder(message))
    people = [Span(start, end, "name") for start, end in names.find(message)]
    # "Arthur Pym, 04/07/1933" on a form or a letter: the date is the birth date.
    births = [
        Span(*match.span(1), "birth date")
        for name in people
        if (match := AFTER_NAME.match(text, name.end))
    ]
    return _merge([*found, *births, *people])


def _merge(spans: list[Span]) -> list[Span]:
    """Overlapping spans become one that covers them all, under the kind that stands first in
    KINDS."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        if merged and span.start < merged[-1].end:
            last = merged.pop()
            span = Span(
                last.start, max(last.end, span.end), min(last.kind, span.kind, key=KINDS.index)
            )
        merged.append(span)
    return merged


DIGIT = re.compile(r"\d")
LONG_NUMBER = re.compile(r"\d(?:[ ().\-/]{0,3}\d){5}")

# --- e-mail: also "sarah dot jones at example dot com", "tony [at] example.com"

EMAIL = re.compile(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+")
SPELLED = re.compile(r"[\[(]\s?(?:at|dot)\s?[\])]| dot ", re.I)
SPELLED_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]+(?: dot \w+)?(?:@|\s?[\[(]\s?at\s?[\])]\s?| at (?=[\w-]+ dot))"
    r"[\w-]+(?:(?:\.|\s?[\[(]?\bdot\b[\])]?\s?)[\w-]+)+",
    re.I,
)


def _emails(text: str) -> Iterator[tuple[int, int]]:
    done = 0
    while (place := text.find("@", done)) >= 0:
        start = place
        while start > done and not text[start - 1].isspace():
            start -= 1
        match = EMAIL.search(text, start)
        if match and match.start() < place:
            yield match.span()
        done = max(place + 1, match.end() if match else 0)
    if SPELLED.search(text):
        for match in SPELLED_EMAIL.finditer(text):
            yield match.span()


# --- payment cards: a valid check digit, or groups of four

CARD = re.compile(
    r"\d(?<![\w+.-]\d)(?:\d{3}([ -]?)\d{4}\1\d{4}\1\d{1,7}|\d{3}([ -]?)\d{6}\2\d{5})(?![\w-])"
)


def _cards(message: names.Message) -> Iterator[tuple[int, int]]:
    for match in CARD.finditer(message.text):
        digits = re.sub(r"\D", "", match[0])
        if digits[0] in "23456" and (match[1] or match[2] or _has_luhn_digit(digits)):
            yield match.span()


def _has_luhn_digit(digits: str) -> bool:
    doubled = (
        sum(divmod(2 * int(digit), 10)) if place % 2 else int(digit)
        for place, digit in enumerate(digits[::-1])
    )
    return sum(doubled) % 10 == 0


# --- record, insurance and identity numbers: after a label, or by their shape

LABELS = frozenset(
    "nhs ssn mrn chi nin nino sin pps hcn bsn dni pesel aadhaar iban social national sécurité "
    "medicare"
    " medicaid patient hospital hosp"
    " record records insurance policy member membership subscriber medical health case chart claim"
    " account group passport driver licence"
    " license identity id ni reference ref prescription rx unit sort number versichertennummer "
    "krankenkasse".split()
)
LABEL = re.compile(
    r"(?:(?P<sure>nhs|ssn|mrn|chi|nino?|sin|pps|hcn|bsn|dni|pesel|aadhaar|iban|(?:social|national)"
    r" (?:security|insurance)"
    r"|sécurité sociale|medicare|medicaid|group|member(?:ship)?|subscriber|id|prescription|rx|sort code"  # noqa: E501
    r"|versichertennummer"
    r"|(?:bank )?account|our ref|ref|driver(?: licen[cs]e)?|licen[cs]e)"
    r"|(?:patient|hosp(?:ital)?|records?|insurance|policy|medical|health|case|chart|claim|passport"
    r"|identity|ni|reference|unit"
    r"|number of my \w+|krankenkasse)\b(?: (?:insurance|policy|record|ref))?)\b"
    r"(?P<number>(?:\s?(?:number|no\b\.?|nr\b\.?|num\b|id\b|card\b|ref(?:erence)?\b|#|n°)){0,2})"
    r"(?: (?:at|for|from|on|of|with) [^\d\n.?!:]{2,30}?(?= is |:))?"
    r"[\s:=#-]{0,3}(?:(?:which )?(?:is|was)\b[\s:]{0,2})?",
    re.I,
)
CODE = re.compile(r"[ ./-]?([^\W_]+)")
SHAPE = re.compile(
    r"(?<![\w-])(?:\d{3}-\d{2}-\d{4}"  # US social security
    r"|(?i:[A-CEGHJ-PQR-TW-Z][A-Z] ?\d\d ?\d\d ?\d\d ?[A-D])"  # UK national insurance
    r"|[12] \d\d \d\d \d[\dAB] \d{3} \d{3}(?: \d\d)?"  # France
    r"|[A-Z]\d{9})(?![\w-])"  # Germany
)
US_MEDICARE = re.compile(
    r"[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y\d]\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y\d]\d-?[AC-HJKMNP-RT-Y]{2}\d\d\b"
)
NHS = re.compile(r"\d(?<![\w+.-]\d)\d\d ?\d{3} ?\d{4}(?![\w-])")


def _labelled(message: names.Message) -> Iterator[tuple[int, int]]:
    for label in message.match_at(LABEL, LABELS):
        end, digits = _read_code(message.text, label.end())
        # of a page, not of a person
        in_address = message.text[label.start() - 1 : label.start()] in ("?", "&", "/")
        if not in_address and digits >= (4 if label["number"] else 5 if label["sure"] else 99):
            yield label.end(), end
    for match in US_MEDICARE.finditer(message.text):
        yield match.span()


def _records(message: names.Message) -> Iterator[tuple[int, int]]:
    for match in SHAPE.finditer(message.text):
        yield match.span()
    for match in NHS.finditer(message.text):
        number = [int(char) for char in match[0] if char.isdigit()]
        check = (
            11
            - sum(digit * weight for digit, weight in zip(number, range(10, 1, -1), strict=False))
            % 11
        )
        if number[0] in (4, 6, 7, 9) and check % 11 == number[9]:
            yield match.span()


def _read_code(text: str, start: int) -> tuple[int, int]:
    """Where the code from `start` on ends, and how many digits it has: groups with digits, and
    short capital ones."""
    end = start
    digits = 0
    for _ in range(8):
        part = CODE.match(text, end)
        if not part or (end == start and part.start() != part.start(1)):
            break
        count = sum(char.isdigit() for char in part[1])
        short = part[1].isupper() and len(part[1]) <= (2 if digits else 5)
        if not count and not (
            short and (part[1] in "BCDFM" or text[part.end() : part.end() + 1] != " " or not digits)
        ):
            break
        digits, end = digits + count, part.end()
    return end, digits


# --- dates of birth: a date that a birth word, or a name, introduces

MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?"
DATE = r"(?:\d{1,2}[./-]\d{1,2}[./-](?:(?:18|19|20)\d\d|\d\d)|(?:18|19|20)\d\d[./-]\d{1,2}[./-]\d{1,2})(?![\d/])"  # noqa: E501
BIRTHS = frozenset("born birth birthdate birthday date dob d.o d geboren geb né née".split())
BIRTH = re.compile(
    r"(?:born|birth[ -]?(?:date|day)|date of birth|d\.?o\.?b|geboren|geb|née?)\b"
    r"(?:[\s:.,=()-]|\b(?:is|was|on|in|am|le)\b){0,8}"
    rf"({DATE}|\d{{8}}\b|(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}(?:,? "
    rf"?'?(?:19|20)?\d\d\b)?"
    rf"|(?:the )?{DATE}|{MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? (?:19|20)?\d\d\b)?)",
    re.I,
)
ANY_DATE = re.compile(DATE)
AFTER_NAME = re.compile(rf"[\s,(]{{1,3}}({DATE})")


def _births(message: names.Message) -> Iterator[tuple[int, int]]:
    for match in message.match_at(BIRTH, BIRTHS):
        yield match.span(1)


# --- phone numbers: international, North American, with a trunk 0; others only after "call", "my
# number is", ...

PHONE = re.compile(
    r"(?<![\w=/.-])(?:"
    r"(?:\+|00)[1-9]\d{0,2}(?:[ .\-/()]{0,3}\d){6,13}"
    r"|(?:1[ .-]?)?(?:\([2-9]\d\d\)[ -]?|[2-9]\d\d[ .-]?)[2-9](?!11)\d\d[ .-]?\d{4}"
    r"|\(?0[1-9]\d{0,4}\)?(?:[ \-/.]{0,2}\d){5,9}"
    r")(?![\w/-]|[.,:]\d)"
)
CALLS = frozenset(
    "telephone phone tel mobile mob cell call ring text whatsapp sms fax reach number no contact"
    " rufnummer nummer numero numéro handy".split()
)
CALL = re.compile(
    r"\w+\.?[^\d\n.?!]{0,25}(\d{3}[ .-]\d{4}|\d(?:[ .-]?\d){8,14})(?![\w/-]|[.,:]\d)", re.I
)


def _phones(message: names.Message) -> Iterator[tuple[int, int]]:
    for match in PHONE.finditer(message.text):
        digits = sum(char.isdigit() for char in match[0])
        least = 9 if match[0].lstrip("(").startswith("0") else 8
        if digits >= least and not ANY_DATE.search(match[0]):
            yield match.span()
    for match in message.match_at(CALL, CALLS):
        if not ANY_DATE.search(match[1]):
            yield match.span(1)


# --- postal addresses: a street with its number, a PO box, and what stands before a postcode

STREETS = frozenset(
    "street st road rd avenue ave lane ln drive dr close crescent terrace boulevard blvd court "
    "ct place"
    " pl way gardens grove parade"
    " hill square sq walk row mews rise view parkway pkwy highway hwy circle cir approach green "
    "park"
    " wharf quay trail".split()
)
SMALL_STREETS = frozenset(
    "street road lane avenue drive close crescent terrace boulevard gardens court ave rd".split()
)
NOT_A_STREET = frozenset(
    "in the a an of on my our your at to from for with per and or is by down up times time hour "
    "hours"
    " minute minutes min mins day"
    " days week weeks mile miles km metre metres meter meters mg ml different big long year "
    "years month"
    " months second seconds way"
    " more such".split()
)
STREET = re.compile(r"\d{1,5}[a-z]?,? ((?:[\w'’.-]+ ){1,4}?)([^\W\d_]+)\b", re.I)
FLAT_BEFORE = re.compile(r"\b(?:flat|apt|apartment|unit|suite)\b\.? ?#?\w{1,4},? $", re.I)
FLAT_AFTER = re.compile(r",? (?:apt|apartment|unit|suite|flat)\b\.? ?#?\w{1,4}", re.I)
EIRCODE = re.compile(
    r"(?:,? [A-Z][\w-]+(?: \d{1,2})?)?,? [AC-FHKNPRTV-Y]\d[\dW] ?[\dAC-FHKNPRTV-Y]{4}\b"
)
FIVE_DIGITS = re.compile(r"\d{5}")
GERMAN_STREETS = ("straße", "strasse", "str.", "weg", "platz", "allee", "gasse", "damm", "ufer")
GERMAN = re.compile(
    rf"[A-ZÄÖÜ](?:[\w.-]*(?:{'|'.join(map(re.escape, GERMAN_STREETS))})"
    r"|[\w-]+(?: [A-ZÄÖÜ][\w-]+){0,2}(?= \d{1,4}[a-z]?,? \d{5} [A-ZÄÖÜ]))"
    r" ?\d{1,4}[a-z]?\b(?:,? (?:D-)?\d{5} [A-ZÄÖÜ][\w-]+)?"
)
ROMANCES = frozenset(
    "rue avenue boulevard place chemin impasse via viale piazza corso calle plaza avenida rua".split()  # noqa: E501
)
ROMANCE = re.compile(r"\w+(?: [^\W\d][\w'’-]*){1,4}?(?:,? \d{1,4}\b)?,? \d{5} [A-ZÀ-Ý][\w-]+")
ROMANCE_NUMBER = re.compile(r"\b\d{1,4}(?: bis| ter)?,? $")
PO_BOX = re.compile(r"P\.? ?O\.? ?Box \d+", re.I)
# United Kingdom; United States after the state
POSTCODE = re.compile(r"[A-Z]{1,2}(?:\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{2}|,? \d{5}(?:-\d{4})?)\b")
SAID_POSTCODE = re.compile(
    r"(?:post ?code|zip(?: code)?)\b[ :]*(?:is )?([a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}|\d{5})\b", re.I
)
TITLED = re.compile(r"(?:\d{1,5}\w?|[A-ZÀ-Ý][\w'’.-]*|of|the|upon|flat|apt|apartment|unit|house)$")


def _addresses(message: names.Message) -> Iterator[tuple[int, int]]:
    text = message.text
    yield from _find_streets(text)
    yield from _find_romance_streets(message)
    if FIVE_DIGITS.search(text) or any(street in text for street in GERMAN_STREETS):
        yield from (match.span() for match in GERMAN.finditer(text))
    yield from (match.span() for match in PO_BOX.finditer(text))
    yield from _find_postcodes(message)


def _find_streets(text: str) -> Iterator[tuple[int, int]]:
    """A number before a street's name, with the flat before or behind it."""
    for match in STREET.finditer(text):
        words, kind = match[1].split(), match[2]
        if kind.lower() not in STREETS or text[match.start() - 1 : match.start()].isalnum():
            continue
        written = (
            all(word[0].isupper() or word[0].isdigit() for word in words) and kind[0].isupper()
        )
        small = len(words) <= 2 and kind.lower() in SMALL_STREETS
        if (written or small) and NOT_A_STREET.isdisjoint(word.lower() for word in words):
            flat = FLAT_BEFORE.search(text, max(0, match.start() - 20), match.start())
            tail = FLAT_AFTER.match(text, match.end()) or EIRCODE.match(text, match.end())
            yield flat.start() if flat else match.start(), tail.end() if tail else match.end()


def _find_romance_streets(message: names.Message) -> Iterator[tuple[int, int]]:
    """A street as French, Italian, Spanish and Portuguese write it, with the number before it."""
    for match in message.match_at(ROMANCE, ROMANCES):
        number = ROMANCE_NUMBER.search(message.text, max(0, match.start() - 12), match.start())
        yield number.start() if number else match.start(), match.end()


def _find_postcodes(message: names.Message) -> Iterator[tuple[int, int]]:
    """What stands before a postcode, with it; and a postcode alone that is called one."""
    text = message.text
    for match in POSTCODE.finditer(text):
        if not text[match.start() - 1 : match.start()].isalnum():
            yield _find_start(text, match.start()), match.end()
    for match in message.match_at(SAID_POSTCODE, frozenset({"postcode", "post", "zip"})):
        yield match.span(1)


def _find_start(text: str, end: int) -> int:
    """Where the address begins whose postcode starts at `end`: at most five parts of capital words
    and numbers."""
    for _ in range(5):
        comma, line, colon = (
            text.rfind(",", 0, max(0, end - 2)),
            text.rfind("\n", 0, end),
            text.rfind(":", 0, end),
        )
        before = max(comma, line, colon, end - 60) + 1
        words = text[before:end].rstrip(", ").split(" ")
        kept = len(words)
        while kept and (not words[kept - 1] or TITLED.match(words[kept - 1])):
            kept -= 1
        part = " ".join(words[kept:]).strip()
        if part:
            end = text.rindex(part, before, end)
        if not part or kept or text[before - 1 : before] != ",":
            break
    return end
