"""Masking: personal data in a visitor's text is replaced by a bracketed word before anything else
sees the text.

`mask("I'm Sarah Jones, call 07700 900123")` is `"I'm [name], call [phone]"`. Patterns, check digits
and word lists (data/masking.yml): no model, no other service. docs/privacy.md says how well it
does; benchmarks/masking.py measures it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.privacy import addresses, online_addresses, person_names
from bot.privacy.plain_form import make_plain_form

# the earlier one wins
KINDS = (
    "link",
    "email",
    "handle",
    "card",
    "number plate",
    "place",
    "record number",
    "birth date",
    "phone",
    "address",
    "date",
    "name",
)


@dataclass(frozen=True)
class Span:
    """One piece of personal data: `text[start:end]`, and what it is (one of KINDS)."""

    start: int
    end: int
    kind: str


def load_lists() -> None:
    """Reads the word lists, once. Call it at start-up, so that the first visitor doesn't wait for
    it."""
    person_names.load_words()


def mask_text(text: str, keep: frozenset[str] = frozenset()) -> str:
    """`text` with every piece of personal data replaced by "[name]", "[phone]" and so on.

    `keep`: lower-case words that are never a name (medicines and conditions of data/terms.yml). A
    masked text stays as it is when masked again: masking goes on until nothing is found, and no
    mask is ever found."""
    while spans := find_personal_data(text, keep):
        for span in reversed(spans):
            text = f"{text[: span.start]}[{span.kind}]{text[span.end :]}"
    return text


def find_personal_data(text: str, keep: frozenset[str] = frozenset()) -> list[Span]:
    """The personal data in `text`, in order, without overlaps; `keep` as for `mask`.

    What is read is the text's plain form: a number with a no-break blank or an invisible sign in it
    is that number."""
    plain, places = make_plain_form(text)
    spans = _find_in_plain_form(person_names.cut_message(plain, keep))
    if places is None:
        return spans
    ends = [*places[1:], len(text)]
    return [Span(places[span.start], ends[span.end - 1], span.kind) for span in spans]


def _find_in_plain_form(message: person_names.Message) -> list[Span]:
    text = message.text
    found = [
        *_spans("email", online_addresses.find_emails(text)),
        *_spans("link", online_addresses.find_links(message)),
        *_spans("handle", online_addresses.find_handles(message)),
        *_spans("address", addresses.find_addresses(message)),
    ]
    if DIGIT.search(text):
        found += _spans("place", addresses.find_coordinates(message))
        found += _spans("number plate", addresses.find_plates(message))
        found += _spans("record number", _labelled(message))
        found += _spans("birth date", _births(message))
    if LONG_NUMBER.search(text) or SHORT_CODE.search(text):
        found += _spans("card", _cards(message))
        found += _spans("record number", _records(message))
        found += _spans("phone", _phones(message))
    if not SPOKEN_WORDS.isdisjoint(message.places):
        found += _spans("phone", _spoken_numbers(message))
        found += _spans("birth date", _spoken_births(message))
    found += _spans("name", person_names.find_names(message))
    if DIGIT.search(text):
        found += _spans("date", _dates(message, found))
    return _merge(found)


def _spans(kind: str, places: Iterator[tuple[int, int]]) -> list[Span]:
    return [Span(start, end, kind) for start, end in places]


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
SHORT_CODE = re.compile(r"[A-Za-z]{2}[ \-/#:]?\d{2}|\d{2}[A-Z]|[A-Z]\d{3}|/\d{4}")

# --- payment cards: a valid check digit, or groups of four

CARD = re.compile(
    r"\d(?<![\w+.-]\d)(?:\d{3}([ -]?)\d{4}\1\d{4}\1\d{1,7}|\d{3}([ -]?)\d{6}\2\d{5})(?![\w-])"
)


def _cards(message: person_names.Message) -> Iterator[tuple[int, int]]:
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

# a label that only a person's number follows ...
SURE = (
    r"nhs|nhi|ihi|ndis|ssn|mrn|chi|nino?|sin|ppsn?|hcn|ohip|ramq|bsn|dni|nie|pesel|nip|aadhaar"
    r"|aadhar|abha|uhid"
    r"|bvn|iban|tfn|crn|vhi|dva|emis|steuer-?id|steuernummer|ahv|insee|codice fiscale|cpf|cpr"
    r"|personnummer|pwz"
    r"|(?:social|national) (?:security|insurance)|sécurité sociale|medicare|medicaid|medibank|group"
    r"|member(?:ship)?|subscriber|id|uid|prescription|rx|sort(?: code)?|versichertennummer"
    r"|krankenversicherung\w*"
    r"|(?:renten|pensions)\w*(?:nummer|nr)|(?:bank )?acc(?:oun)?t|acc|a/c|our ref|your ref|ref"
    r"|driv(?:er(?:'?s)?|ing)(?: licen[cs]e)?|licen[cs]e|booking|pnr|(?:ration|health|insurance"
    r"|donor|blue|green)"
    r" card|voter(?: id)?|prisoner|inmate|student|pupil|employee|staff|docket|warrant|ticket"
    r"|incident|invoice"
    r"|receipt|claim|policy|episode|accession|wristband|barcode|visa|cc|credit card|debit card"
    r"|donor|referral|ubrn|case"
    r"|passport|personalausweis|ausweis|reisepass|dowód|paszport|legitymacja|nr telefonu|matric"
    r"|enrolment|file|hospital|hosp|hn|pt id|patient id|urn|ur no|ipd|opd|cr no|reg no|card"
)
# ... and one that needs "number" or the like behind it
UNSURE = (
    r"patient|pt|records?|insurance|policy|medical|health|chart|identity|ni|reference|unit|study"
    r"|trial|order"
    r"|number of my \w+|krankenkasse|versicherung|school|registration|pan|nin"
)
LABELS = frozenset(
    re.findall(r"[^\W\d_]+", re.sub(r"\\w[*+]?|\(\?:|[?()\[\]]", " ", f"{SURE} {UNSURE}"))
) | frozenset(
    "steuer steuerid steuer-id nino ppsn ppsn's pps licence license drivers driver's driving "
    "number account acct"
    " rentenversicherungsnummer pensionskassennr pensionsversicherungsnummer rentennummer"
    " krankenversichertennummer krankenversicherungsnummer records nin ni claim no card".split()
)
LABEL = re.compile(
    rf"(?:(?P<sure>{SURE})|(?:{UNSURE})\b(?: (?:insurance|policy|record|ref))?)\b\.?"
    r"(?P<number>(?:\s?(?:number|no\b\.?|nr\b\.?|num\b|id\b|card\b|code\b|ref(?:erence)?\b|#"
    r"|n°)){0,3})"
    r"(?:'s)?(?: (?:at|for|from|on|of|with) [^\d\n.?!:]{2,30}?(?= is |:))?"
    r"[\s:=#(-]{0,3}(?:(?:which )?(?:is|was|are|reads|says)\b[\s:]{0,2})?",
    re.I,
)
CODE = re.compile(r"[ ./-]?([^\W_]+)")
BOOKING = re.compile(r"booking|pnr|ticket|prisoner|inmate", re.I)
LOCATOR = re.compile(r"(?=[A-Z]*\d)[A-Z\d]{5,8}\b")
SHAPE = re.compile(
    r"(?<![\w-])(?:\d{3}-\d{2}-\d{4}"  # US social security
    r"|(?i:[A-CEGHJ-PQR-TW-Z][A-Z] ?\d\d ?\d\d ?\d\d ?[A-D])"  # UK national insurance
    r"|[12] \d\d \d\d \d[\dAB] \d{3} \d{3}(?: \d\d)?"  # France
    r"|[A-Z]\d{9})(?![\w-])"  # Germany
)
# what no other thing is written like: a bank account, codes in groups, a letter before many digits
IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z\d]{4}){3,7}(?: ?[A-Z\d]{1,4})?(?!\w)")
GROUPS = re.compile(
    r"(?<![\w/-])(?:[A-Z]{2,6}(?:/[A-Za-z\d]{1,8}){0,4}/\d{2,9}(?:/\d{1,9})*"
    r"|[A-Z]{1,6}-(?:[A-Z\d]{1,8}-){0,3}\d{3,12}(?:-[A-Z\d]{1,4})?"
    r"|\d{4}-[A-Z\d]{1,8}-(?:[A-Z\d]{1,8}-){0,2}\d{3,12}"
    r"|[A-Z]{1,4}\d{6,14}[A-Z]?|[A-Z]\d{4}[A-Z]{2}|\d{6,10}[A-Z]{1,2}|[A-Z]{5}\d{4}[A-Z]"
    r"|[A-Z\d]{5}\d{6}[A-Z\d]{5}|\d{2}[A-Z]\d{7}|\d{17}X|\d{6,10}-\d{2,5}[A-Z]?)(?![\w/-])"
)
NO_PERSONS = re.compile(
    r"(?:NCT|PMC|PMID|GO|RS|ENS[A-Z]*|NM|NP|ISRCTN|OMIM|ORPHA|CVCL|HP|SARS|COVID|ISBN|ISSN"
    r"|ICD)[-_]?\d",
    re.I,
)
BARE_NUMBER = re.compile(r"(?<![\w.,/=-])(?:\d{9,18})(?![\w-]|[.,]\d)")
THREES = re.compile(r"(?<![\w.,/=-])(?<!\d )\d{3}([ -])\d{3}\1\d{3}(?![\w-]|[.,]\d| \d)")
# letters and digits in groups, six digits of them or more
MIXED = re.compile(
    r"(?<![\w/.-])(?=[A-Z\d-]{0,20}[A-Z])[A-Z\d]{2,8}(?:-[A-Z\d]{2,8}){1,4}(?![\w/-])"
)
US_MEDICARE = re.compile(
    r"[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y\d]\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y\d]\d-?[AC-HJKMNP-RT-Y]{2}\d\d\b"
)
NHS = re.compile(r"\d(?<![\w+.-]\d)\d\d[ -]?\d{3}[ -]?\d{4}(?![\w-])")


def _labelled(message: person_names.Message) -> Iterator[tuple[int, int]]:
    for label in message.match_at(LABEL, LABELS):
        end, digits = _read_code(message.text, label.end())
        # of a page, not of a person
        in_address = message.text[label.start() - 1 : label.start()] in ("?", "&", "/")
        enough = 4 if label["number"] else 5 if label["sure"] else 99
        locator = BOOKING.match(label[0]) and LOCATOR.match(message.text, label.end())
        if locator:
            end, digits = locator.end(), enough
        if not in_address and digits >= enough:
            yield label.end(), end
    for match in US_MEDICARE.finditer(message.text):
        yield match.span()


def _records(message: person_names.Message) -> Iterator[tuple[int, int]]:
    for match in SHAPE.finditer(message.text):
        yield match.span()
    yield from _find_codes(message.text)
    for match in NHS.finditer(message.text):
        number = [int(char) for char in match[0] if char.isdigit()]
        check = (
            11
            - sum(digit * weight for digit, weight in zip(number, range(10, 1, -1), strict=False))
            % 11
        )
        if number[0] in (4, 6, 7, 9) and check % 11 == number[9]:
            yield match.span()


def _find_codes(text: str) -> Iterator[tuple[int, int]]:
    """Numbers without a label that no dose, date or gene is written like."""
    for pattern in (IBAN, GROUPS):
        for match in pattern.finditer(text):
            digits = sum(map(str.isdigit, match[0]))
            if digits >= 5 and not NO_PERSONS.match(match[0]) and not ANY_DATE.fullmatch(match[0]):
                yield match.span()
    for match in MIXED.finditer(text):
        if sum(map(str.isdigit, match[0])) >= 6 and not NO_PERSONS.match(match[0]):
            yield match.span()
    yield from (match.span() for match in BARE_NUMBER.finditer(text))
    for match in THREES.finditer(text):
        if any(int(part) % 5 for part in re.split("[ -]", match[0])):  # no row of doses
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
            short
            and (
                part[1] in "BCDFM"
                or not re.match(r" (?!\d)", text[part.end() : part.end() + 2])
                or not digits
            )
        ):
            break
        digits, end = digits + count, part.end()
    return end, digits


# --- dates of birth: a date that a birth word, or a name, introduces

MONTH = (
    r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec"
    r"|januar|februar|märz|mai|okt|dez|stycz|lut|mar[cz]|kwie|maj|czerw|lip|sierp|wrze|paźdz|list"
    r"|grud"
    r"|janv|févr|avr|juin|juil|août|enero|abril|mayo|junio|julio|agosto|dic|gennaio|giugno"
    r"|luglio)[^\W\d_]*\.?"
)
YEAR = r"(?:18|19|20)\d\d"
ROMAN = "(?:I{1,3}|IV|V|VI{1,3}|IX|X|XI|XII)"
DATE = (
    rf"(?:\d{{1,2}} ?[./-] ?\d{{1,2}} ?[./-] ?(?:{YEAR}|\d\d)|\d{{1,2}}[./ -]{ROMAN}[./ -]{YEAR}"
    rf"|{YEAR}[./-]\d{{1,2}}[./-]\d{{1,2}})(?![\d/])"
)
WORDED = (
    rf"(?:the )?\d{{1,2}}(?:st|nd|rd|th|\.)?(?: of)?[ -]?{MONTH},?[ -]?(?:{YEAR}|'\d\d)\b(?: r\.)?"
    rf"|{MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? (?:{YEAR}|'\d\d)\b"
)
WEEKDAY = r"(?:(?:mon|tues?|wednes|wed|thurs?|fri|satur|sat|sun)(?:day)?,? )?"
BIRTHS = frozenset(
    "born birth birthdate birthday bday date dob d.o d geboren geb né née nato nata nacido nacida "
    "ur"
    " urodzony urodzona geburtsdatum naissance".split()
)
BIRTH = re.compile(
    r"(?:born|birth[ -]?(?:date|day)|b-?day|date of birth|d\.? ?o\.? ?b|geboren|geburtsdatum|geb"
    r"|n[ée]{1,2}e?\b"
    r"|nat[oa]|nacid[oa]|ur(?:odzon[ya])?|(?:date de )?naissance)\b"
    r"(?:[\s:.,=()?#-]|\b(?:is|was|on|in|am|le|il|el|dnia)\b){0,8}"
    rf"({DATE}|\d{{1,2}} \d{{1,2}} \d{{2,4}}\b|\d{{8}}\b|\d{{6}}\b"
    rf"|{WEEKDAY}(?:the )?\d{{1,2}}(?:st|nd|rd|th|\.)?(?: of)?[ -]?{MONTH}(?:,?[ -]?"
    rf"(?:'?\d\d\b|{YEAR}))?(?: r\.)?"
    rf"|{MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? (?:19|20)?\d\d\b)?)",
    re.I,
)
IS_BIRTHDAY = re.compile(
    r",? (?:is|was|'s) (?:my|his|her|our|their|\w+'s) (?:birthday|b-?day|dob|date of birth|birth)",
    re.I,
)
ANY_DATE = re.compile(DATE)
FULL_DATE = re.compile(rf"(?<![\w./-])(?=[\dadfjkmnosglpw])(?:{DATE}|{WORDED})", re.I)
BEFORE_DATE = re.compile(rf"\b{WEEKDAY}$", re.I)
# What happens to one person on one day, before its date
ONCE = re.compile(
    r"\b(?:admitted|discharged?|died|dead|death|deceased|passed(?: away)?|buried|funeral"
    r"|transplanted?|dictated"
    r"|operated|typed|wedding|married|gave birth|delivered|arrested|crashed|accident"
    r"|expir\w+)\b[^\n.?!]{0,20}$",
    re.I,
)
LONG_AGO = 2005  # a full date of before is more often a birth date than any other


def _births(message: person_names.Message) -> Iterator[tuple[int, int]]:
    for match in message.match_at(BIRTH, BIRTHS):
        yield match.span(1)
    if not BIRTHS.isdisjoint(message.places):
        for match in FULL_DATE.finditer(message.text):
            if IS_BIRTHDAY.match(message.text, match.end()):
                yield match.span()


def _dates(message: person_names.Message, found: list[Span]) -> Iterator[tuple[int, int]]:
    """A full date that says who somebody is: beside a name or a number of theirs, long ago, or of
    what happens once."""
    text = message.text
    for match in FULL_DATE.finditer(text):
        year = re.search(YEAR, match[0])
        beside = any(span.end <= match.start() or span.start >= match.end() for span in found)
        if (
            beside
            or year
            and int(year[0]) < LONG_AGO
            or ONCE.search(text, max(0, match.start() - 45), match.start())
        ):
            weekday = BEFORE_DATE.search(text, max(0, match.start() - 12), match.start())
            yield weekday.start() if weekday else match.start(), match.end()


# --- phone numbers: international, North American, with a trunk 0; others only after "call", "my
# number is", ...

PHONE = re.compile(
    r"(?<![\w=/.-])(?:"
    r"\(?(?:\+|00)[1-9]\d{0,2}\)?(?:[ .\-/()]{0,4}\d){6,13}"
    r"|(?:1[ .-]?)?(?:\([2-9]\d\d\)[ -]?|[2-9]\d\d[ .-]?)[2-9](?!11)\d\d[ .-]?\d{4}"
    r"|\(?0-?[1-9]\d{0,4}\)?(?:[ \-/.]{0,3}\d){5,9}"
    r"|1[38]00[ -]?\d{3}[ -]?\d{3}"
    r"|[6-9]\d{4} ?\d{5}"
    r")(?![\w/-]|[.,:]\d)"
)
CALLS = frozenset(
    "telephone phone ph tel telefon mobile mobil mob cell call calling dial ring rang text txt "
    "whatsapp sms fax"
    " reach number no nr contact landline rufnummer nummer numero numéro handy numer komórka "
    "viber".split()
)
CALL = re.compile(
    r"\w+\.?[^\d\n?!]{0,25}(\d{3}[ .-]\d{4}|\d(?:[ .-]?\d){7,14})(?![\w/-]|[.,:]\d)", re.I
)
LOCAL_NUMBER = re.compile(r"(?<![\w.,/-])(\d{3}[ -]\d{4})(?![\w/-]|[.,:]\d)")
NUMBER_WORD = re.compile(r"[^\n.?!]{0,20}\b(?:area code|phone|mobile|cell|landline|number)\b", re.I)

# --- numbers that are told in words: "oh seven seven double oh nine hundred"

SPOKEN = (
    r"(?:zero|oh|o|nought|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen"
    r"|fourteen|fifteen"
    r"|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    r"|hundred|thousand"
    r"|double|triple|treble|and|plus)"
)
SPOKEN_WORDS = frozenset(
    "zero oh nought double triple treble nineteen twenty thousand born birth dob birthday".split()
)
SPOKEN_NUMBER = re.compile(rf"\b{SPOKEN}(?:[ ,-]{{1,2}}{SPOKEN}\b){{6,18}}", re.I)
ONLY_IN_NUMBERS = frozenset("zero oh nought double triple treble".split())
SPOKEN_DATE = re.compile(
    r"\b(?:the )?(?:(?:twenty|thirty)[ -])?(?:first|second|third|fourth|fifth|sixth|seventh|eighth"
    r"|ninth|tenth|eleventh"
    r"|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth"
    r"|twentieth|thirtieth)"
    rf"(?: of)? {MONTH},? (?:nineteen|twenty|two thousand)(?:[ -](?:and )?{SPOKEN}\b){{0,3}}",
    re.I,
)
SPOKEN_BIRTH = re.compile(
    rf"\b(?:born|birth|dob|birthday|d\.o\.b)\b\W{{0,3}}(?:(?:is|on"
    rf"|was) )?({SPOKEN}(?:[ ,-]{{1,2}}{SPOKEN}\b){{2,8}})",
    re.I,
)


def _spoken_numbers(message: person_names.Message) -> Iterator[tuple[int, int]]:
    if ONLY_IN_NUMBERS.isdisjoint(message.places):
        return
    for match in SPOKEN_NUMBER.finditer(message.text):
        if not ONLY_IN_NUMBERS.isdisjoint(re.split("[ ,-]+", match[0].lower())):
            yield match.span()


def _spoken_births(message: person_names.Message) -> Iterator[tuple[int, int]]:
    yield from (match.span(1) for match in SPOKEN_BIRTH.finditer(message.text))
    yield from (match.span() for match in SPOKEN_DATE.finditer(message.text))


def _phones(message: person_names.Message) -> Iterator[tuple[int, int]]:
    for match in PHONE.finditer(message.text):
        digits = sum(char.isdigit() for char in match[0])
        least = 9 if match[0].lstrip("(").startswith("0") else 8
        if digits >= least and not ANY_DATE.search(match[0]):
            yield match.span()
    for match in message.match_at(CALL, CALLS):
        if not ANY_DATE.search(match[1]):
            yield match.span(1)
    for match in LOCAL_NUMBER.finditer(message.text):
        if NUMBER_WORD.match(message.text, match.end()):
            yield match.span(1)
