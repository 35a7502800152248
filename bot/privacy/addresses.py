"""Where a person lives, stands or drives, in a visitor's text: addresses, postcodes, coordinates "
"and
number plates."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.privacy import person_names

# --- streets: a number before a street's name, a house's name before both

DIGIT = re.compile(r"\d")
STREETS = frozenset(
    "street st road rd avenue ave av lane ln drive dr close cl crescent cres terrace tce terr "
    "boulevard"
    " blvd bvd court ct place pl way gardens gdns grove gr parade pde hill square sq walk row mews "
    "rise"
    " view parkway pkwy highway hwy circle cir approach green park wharf quay trail esplanade "
    "drift brae"
    " wynd vale heights estate marg salai nagar colony gate bank end loop bend chase mount villas"
    " cottages buildings chowk sector layout".split()
)
SMALL_STREETS = frozenset(
    "street road lane avenue drive close crescent cres terrace boulevard blvd gardens court ave rd "
    "st"
    " grove mews parade estate".split()
)
NOT_A_STREET = frozenset(
    "in the a an my our your at to from for with per and or is by down up times time hour "
    "hours minute minutes min mins day days week weeks mile miles km metre metres meter meters mg "
    "ml"
    " different big long year years month months second seconds more such people patients of on"
    " road-traffic that this were was".split()
)
NUMBER = r"(?:(?:no|nr|number)\.? ?)?\d{1,5}[a-z]?(?: ?[/-] ?(?:\d{1,4}[a-z]?|[a-z]\d?|\dF\d))?"
HOUSE_NUMBER = re.compile(rf"(?<![\w.,/-]){NUMBER}(?:,? (?:(?:bis|ter)\b,? )?)(?=[^\W_])", re.I)
ORDINAL = re.compile(r"\d{1,3}(?:st|nd|rd|th)", re.I)
STREET_WORD = re.compile(r"[\w'.-]+")
PART_BEFORE = re.compile(
    r"(?:\b(?:flat|apt|apartment|unit|suite|block|house|plot|villa|room|lot|floor)\b\.? ?#?\w{1,5}"
    r"|\b(?:the )?[A-Z][\w'-]+(?: [A-Z][\w'-]+)? (?:Cottage|House|Court|Lodge|Farm|Hall|Villa"
    r"|Forge|Manor"
    r"|Barn|Mill|Rectory|Towers?|Heights|Mansions?|Buildings?|Flats|Apartments|Residency|Enclave"
    r"|Grange))"
    r",? $",
    re.I,
)
PART_AFTER = re.compile(r",? (?:apt|apartment|unit|suite|flat|floor|#)\b\.? ?#?\w{1,5}", re.I)
NAMED_HOUSE = re.compile(
    r"\b(?:The )?[A-Z][\w'-]+(?: [A-Z][\w'-]+)? (?:Cottage|House|Lodge|Farm|Hall|Villa|Forge|Manor"
    r"|Barn|Mill"
    r"|Rectory|Grange), (?:[A-Z][\w'-]+ ){1,3}(?:Street|St|Road|Rd|Lane|Ln|Avenue|Ave|Close|Drive"
    r"|Way|Hill)\b"
    r"|\b(?:The )(?:Old|New) [A-Z][\w'-]+, (?:[A-Z][\w'-]+ ){1,3}(?:Street|St|Road|Rd|Lane|Ln)\b"
)
DOOR = re.compile(
    r"\b(?:h\.? ?no|house no|door no|d\.? ?no|plot no|flat no)\b[.:]? ?#?\d[\w/-]{0,12}"
    r"|#\d{1,5}[\w/-]{0,6},? (?:\d{1,3}(?:st|nd|rd|th) )?(?:cross|main|floor|block|street|phase"
    r"|[A-Z]\w+ (?:Road|Street|Nagar))\b",
    re.I,
)
PLOT = re.compile(
    r"\b(?:(?:block|house|plot|flat|villa|no)\.? (?:\d{1,5}[a-z]?|[a-z]),? ){1,3}"
    r"(?:[A-Z][\w'-]+ ){1,4}(?:Estate|Street|St|Road|Rd|Close|Crescent|Avenue|Way|Layout|Extension"
    r"|Phase"
    r"|Nagar|Colony|Gardens|Drive|Lane|Apartments?|Residency|Towers?|Society|Complex|Enclave"
    r"|Heights|Building|Cross|Main)\b",
    re.I,
)
EIRCODE = re.compile(
    r"(?:,? [A-Z][\w-]+(?: \d{1,2})?)?,? [AC-FHKNPRTV-Y]\d[\dW] ?[\dAC-FHKNPRTV-Y]{4}\b"
)
BOX = re.compile(
    r"\bP\.? ?O\.? ?Box \d+|\b(?:R\.?R\.?|rural route|HC) ?#?\d{1,3},? Box \d+\w?"
    r"|\bPrivate Bag \w?\d+"
    r"|\bGPO Box \d+|\bPostfach \d[\d ]{2,8}",
    re.I,
)

# --- streets as other languages write them

GERMAN_STREETS = (
    "straße",
    "strasse",
    "str.",
    "weg",
    "platz",
    "allee",
    "gasse",
    "damm",
    "ufer",
    "ring",
)
GERMAN = re.compile(
    rf"[A-ZÄÖÜ](?:[\w.-]*(?:{'|'.join(map(re.escape, GERMAN_STREETS))})"
    r"|[\w-]+(?: [A-ZÄÖÜ][\w-]+){0,2}(?= \d{1,4}[a-z]?,? \d{5} [A-ZÄÖÜ]))"
    r" ?\d{1,4}(?: ?[a-z]\b|\b)(?:,? (?:D-)?\d{5} [A-ZÄÖÜ][\w-]+)?"
)
DUTCH = re.compile(
    r"\b[A-Z][\w-]*(?:straat|laan|plein|gracht|kade|dijk|gata|gatan|vej|gade|katu) \d{1,4}\w?\b"
)
POLISH = re.compile(
    r"\b(?:ul|os|al|pl)\.? (?:[A-ZĄĆĘŁŃÓŚŹŻ][\w.-]*|\d+)(?: [A-ZĄĆĘŁŃÓŚŹŻ][\w-]*){0,3} \d{1,4}\w?"
    r"(?: ?(?:/|m\.?|lok\.?) ?\d{1,4})?\b"
)
ROMANCES = frozenset(
    "rue avenue boulevard place chemin impasse via viale piazza corso calle plaza avenida rua quai "
    "allée"
    " travessa largo carrer paseo".split()
)
ROMANCE = re.compile(r"\w+(?: [^\W\d][\w'-]*){1,4}?(?:,? \d{1,4}\b)?,? \d{5} [A-ZÀ-Ý][\w-]+")
ROMANCE_NUMBER = re.compile(r"\b\d{1,4}(?: bis| ter)?,? $")
NUMBERED_ROMANCE = re.compile(
    r"\b\d{1,4}(?: bis| ter)?,? (?i:rue|avenue|av\.|boulevard|bd|place|chemin|impasse|quai|allée)"
    r"(?: (?:de|du|des|la|le|les|l'|d'))*(?: |(?<='))[A-ZÀ-Ý0-9][\w'-]*(?: [A-ZÀ-Ý][\w'.-]*){0,3}",
)
ROMANCE_BEFORE_NUMBER = re.compile(
    r"\b(?:[Vv]ia|[Vv]iale|[Pp]iazza|[Cc]orso|[Cc]alle|C/|[Pp]laza|[Aa]venida|[Rr]ua|[Tt]ravessa"
    r"|[Cc]arrer)"
    r"(?: (?:de|del|della|dei|di|da|do|dos|la|las"
    r"|los))* (?:[A-ZÀ-Ý][\w'-]*)(?: [A-ZÀ-Ý][\w'-]*){0,3},? \d{1,4}\b"
)

# --- postcodes

# United Kingdom; United States after the state
POSTCODE = re.compile(r"[A-Z]{1,2}(?:\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{2}|,? \d{5}(?:-\d{4})?)\b")
BARE_POSTCODE = re.compile(
    r"(?<![\w-])(?:[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] ?\d[ABCEGHJ-NPRSTV-Z]\d"  # Canada
    r"|[AC-FHKNPRTV-Y]\d[\dW] [\dAC-FHKNPRTV-Y]{4}"  # Ireland
    r"|\d{5}-\d{4}"  # United States
    r"|[a-z]{1,2}\d{1,2}[a-z]? \d(?!th|hr|ug|rd|st"
    r"|yr)[abd-hjlnp-uw-z]{2}"  # United Kingdom, in small letters
    r"|(?:NSW|VIC|QLD|TAS|ACT|WA|SA|NT),? \d{4}"  # Australia
    r"|[1-9]\d{3} ?[A-Z]{2}(?=,? [A-Z][a-z]{3,})"  # Netherlands
    r"|(?:\d\d-\d{3}|\d{5})(?= [A-ZŁŚŻ][a-ząćęłńóśźż]{3,})"  # Poland, Germany ...
    r")(?![\w-])"
)
CODE = r"(?P<code>[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}|[a-z]\d[\dw] ?[\da-z]{4}|[a-z]\d[a-z] ?\d[a-z]\d|\d{2}[ -]\d{3}|\d{3} ?\d{3}|\d{5}(?:-\d{4})?|\d{4}(?: ?[a-z]{2}\b)?|[a-z]{1,2}\d{1,2}[a-z]?)"  # noqa: E501
POSTCODE_LABELS = frozenset(
    "postcode post postal zip zipcode eircode pin pincode plz p code cap cep kod "
    "postleitzahl".split()
)
SAID_POSTCODE = re.compile(
    r"(?:p(?:ost)?(?:al)?[ /]?code|zip(?: ?code)?|eircode|pin(?: ?code)?|plz|cap|cep|code postal"
    r"|kod pocztowy"
    rf"|postleitzahl)\b(?:'s)?[ :=]*(?:(?:is|was)\b:? ?)?{CODE}(?![\w-])",
    re.I,
)
IS_POSTCODE = re.compile(
    rf"(?<![\w-]){CODE} (?:is|'s) (?:my|our|the|his|her|mums?|mom's) (?:post ?code|zip|eircode"
    rf"|pin ?code)",
    re.I,
)
FROM_POSTCODE = re.compile(
    r"\b(?:from|in|near|around|live in|based in) (\d{4,5}),? (?=[A-Z][a-z]{3})"
)
AFTER_ADDRESS = re.compile(
    r"[,\n ]{1,3}(?:[A-Z][\w'-]+,? ){0,3}(?:[A-Z]{2,3},? )?(\d{4,6}"
    r"|\d{3} \d{3})(?![\w.,/-]*\d)(?! ?(?:mg|ml|mcg))"
)  # noqa: E501
TITLED = re.compile(r"(?:\d{1,5}\w?|[A-ZÀ-Ý][\w'.-]*|of|the|upon|flat|apt|apartment|unit|house)$")


def find_addresses(message: person_names.Message) -> Iterator[tuple[int, int]]:
    """(start, end) of each postal address, part of one, or postcode."""
    text = message.text
    if not DIGIT.search(text):
        yield from (match.span() for match in NAMED_HOUSE.finditer(text))
        return
    spans = [*_find_streets(text), *_find_foreign_streets(message)]
    for pattern in (BOX, NAMED_HOUSE, PLOT, DOOR):
        spans += (match.span() for match in pattern.finditer(text))
    for _, end in spans:
        if match := AFTER_ADDRESS.match(text, end):
            yield match.span(1)
    yield from spans
    yield from _find_postcodes(message)


def _find_streets(text: str) -> Iterator[tuple[int, int]]:
    """A number before a street's name, with the flat or the house's name before or behind it."""
    for number in HOUSE_NUMBER.finditer(text):
        end = _read_street(text, number.end())
        if end:
            start = number.start()
            while part := PART_BEFORE.search(text, max(0, start - 45), start):
                start = part.start()
            tail = PART_AFTER.match(text, end) or EIRCODE.match(text, end)
            yield start, tail.end() if tail else end


def _read_street(text: str, start: int) -> int | None:
    """Where the street's name that begins here ends: the first of its words that is a kind of
    street, or the second where that one goes on ("Old Mill Rd")."""
    words: list[str] = []
    end, found = start, None
    for _ in range(5):
        word = STREET_WORD.match(text, end)
        if not word:
            break
        kind = word[0].strip(".").lower()
        if words and kind in STREETS and _is_street(words, word[0]):
            found = word.end() - word[0].endswith(".")
        elif found or kind in NOT_A_STREET:
            break
        words.append(word[0])
        if text[word.end() : word.end() + 1] != " ":
            break
        end = word.end() + 1
    return found


def _is_street(words: list[str], kind: str) -> bool:
    """Whether these words before a kind of street are its name, by their capitals."""
    if any(word[0].isdigit() and not ORDINAL.fullmatch(word) for word in words):
        return False
    written = kind[0].isupper() and all(word[0].isupper() or word[0].isdigit() for word in words)
    small = len(words) <= 2 and kind.strip(".").lower() in SMALL_STREETS
    return written or small


def _find_foreign_streets(message: person_names.Message) -> Iterator[tuple[int, int]]:
    """Streets as German, Dutch, Polish, French, Italian, Spanish and Portuguese write them."""
    text = message.text
    for pattern in (GERMAN, DUTCH, POLISH, NUMBERED_ROMANCE, ROMANCE_BEFORE_NUMBER):
        yield from (match.span() for match in pattern.finditer(text))
    for match in message.match_at(ROMANCE, ROMANCES):
        number = ROMANCE_NUMBER.search(text, max(0, match.start() - 12), match.start())
        yield number.start() if number else match.start(), match.end()


def _find_postcodes(message: person_names.Message) -> Iterator[tuple[int, int]]:
    """What stands before a postcode, with it; and a postcode alone that is called one."""
    text = message.text
    for match in POSTCODE.finditer(text):
        if not text[match.start() - 1 : match.start()].isalnum():
            yield _find_start(text, match.start()), match.end()
    for match in BARE_POSTCODE.finditer(text):
        town = re.match(r" ([^\W\d]+)", text[match.end() : match.end() + 40])
        if not town or town[1].lower() not in message.lists.english | message.refused:
            yield match.span()
    for match in message.match_at(SAID_POSTCODE, POSTCODE_LABELS):
        yield match.span("code")
    for match in IS_POSTCODE.finditer(text):
        yield match.span("code")
    for match in FROM_POSTCODE.finditer(text):
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


# --- coordinates: degrees with three decimals or more, minutes and seconds, grid references

DEGREES = r"[-+]?\d{1,3}\.\d{3,}"
SIDE = r" ?°?(?: ?[NSEW](?![a-z]))?"
MINUTES = r"\d{1,3} ?[°º ] ?\d{1,2}(?:\.\d+)?(?: ?['′ ] ?\d{1,2}(?:\.\d+)?)? ?(?:''|[\"″'′])?"
COORDINATES = re.compile(
    rf"(?<![\w.])(?:{DEGREES}{SIDE} ?[,;/ ] ?{DEGREES}{SIDE}"
    rf"|{MINUTES} ?[NS](?![a-z])[ ,;/]{{0,3}}{MINUTES} ?[EWO](?![a-z])"
    r"|[NS] ?\d{1,2}[° ] ?\d{1,2}(?:\.\d+)?'?(?: ?\d{1,2}(?:\.\d+)?\"?)?[ ,;/]{1,3}"
    r"[EW] ?\d{1,3}[° ] ?\d{1,2}(?:\.\d+)?'?"
    r"(?: ?\d{1,2}(?:\.\d+)?\"?)?"
    r"|-?\d{1,3}\.\d+ ?°? ?[NS],? ?/? ?-?\d{1,3}\.\d+ ?°? ?[EW]"
    r"|[NS] ?\d{1,2}\.\d{3,}°?[ ,;/]{1,3}[EW] ?\d{1,3}\.\d{3,}"
    r"|[HNOST][A-HJ-Z] \d{4,5} \d{4,5}"
    r"|[23456789CFGHJMPQRVWX]{4,8}\+[23456789CFGHJMPQRVWX]{2,3}"
    r")(?!\w)"
)
MAP_WORDS = frozenset(
    "lat latitude lon lng long longitude gps coord coords coordinate coordinates grid os what w "
    "geo location"
    " position pin".split()
)
SAID_COORDINATES = re.compile(
    r"(?:lat(?:itude)?|lo?ng?(?:itude)?|gps|coord(?:inate)?s?|grid(?: ref(?:erence)?)?|os ref"
    r"|what ?(?:3|three) ?words"
    r"|w3w|geo|location|position|pin)\b(?: (?:is|are|says|reads|at))?[ :=]{0,3}"
    r"([-+]?\d{1,3}\.\d{2,}°?(?: ?[NSEW]\b)?(?: ?[,;/ ] ?[-+]?\d{1,3}\.\d{2,}°?(?: ?[NSEW]\b)?)?"
    r"|[A-Z]{2} ?\d{2,5} ?\d{2,5}\b"
    r"|/{0,3}[a-z]{3,}\.[a-z]{3,}\.[a-z]{3,})",
    re.I,
)
THREE_WORDS = re.compile(r"///[a-z]{3,}\.[a-z]{3,}\.[a-z]{3,}", re.I)


def find_coordinates(message: person_names.Message) -> Iterator[tuple[int, int]]:
    """(start, end) of each place on the map."""
    text = message.text
    yield from (match.span() for match in COORDINATES.finditer(text))
    yield from (match.span(1) for match in message.match_at(SAID_COORDINATES, MAP_WORDS))
    yield from (match.span() for match in THREE_WORDS.finditer(text))


# --- number plates: by their shape, or after a word for one

PLATE = re.compile(
    r"(?<![\w-])(?:[A-HJ-PR-Y][A-HJ-PR-Y]\d\d ?[A-HJ-PR-Z]{3}"  # United Kingdom
    r"|\d{2,3}-[A-Z]{1,2}-\d{3,6}"  # Ireland
    r"|[A-Z]{2}[ -]?\d{2}[ -]?[A-Z]{1,3}[ -]?\d{4}"  # India
    r"|[A-Z]{3}-\d{3}-?[A-Z]{2}"  # Nigeria
    r"|[A-Z]{2}-\d{3}-[A-Z]{2}"  # France, Italy
    r")(?![\w-])"
)
TRAFFIC = frozenset(
    "car van lorry truck taxi bus drive drives drove driver driving vehicle dvla dmv motorbike "
    "scooter reg plate"
    " plates parked auto wagen fahre fahren fahrer licence license".split()
)
PLATE_LABELS = frozenset(
    "number numberplate numberplates license licence licencse plate plates reg registration rego "
    "car van lorry truck"
    " taxi bike motorbike vehicle auto wagen kennzeichen immatriculation targa matricula matrícula "
    "rejestracja"
    " tablica numberplate's".split()
)
PLATE_IN_TRAFFIC = re.compile(
    r"(?<![\w-])(?:[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} ?\d{1,4}[EH]?"  # Germany
    r"|[A-Z] ?\d{1,3} ?[A-Z]{3}"  # older British ones
    r"|[A-Z]{3} ?\d{1,3} ?[A-Z]"
    r"|[A-Z]{2} ?\d{2} ?[A-Z]{2} ?[A-Z]{2}|[A-Z]{2}\d{3}[A-Z]{2}|\d[A-Z]{3}\d{3}"
    r"|[A-Z]{3} \d{3} ?(?:GP|EC|NC|L|MP|FS|NW)|[A-Z]{2} \d{2,3}-\d{2,3})(?![\w-])"
)
PLATE_LABEL = re.compile(
    r"(?:(?:number|license|licence|car|licencse)? ?plates?(?: (?:number|no|nr))?\.?"
    r"|numberplates?|reg(?:istration|o)?(?:\.? ?(?:plate|number|no|nr)\.?)?"
    r"|(?:car|van|lorry|truck|taxi|bike|motorbike|vehicle|auto|wagen)(?=[:=,] )|kennzeichen"
    r"|immatriculation|targa|matr[íi]cula|rejestracja|tablica)(?:'s)?"
    r"(?:(?: of)? [^\d\n.?!:]{2,30}?(?= (?:is |was )?[A-Z]{1,3}[ -]?\d))?"
    r"[\s:=#(,-]{1,3}(?:(?:is|was|reads|says)\b[\s:]{0,2})?"
    r"(?P<plate>(?!(?:999|111|112|911|000)\b)"
    r"(?=[\w -]{0,6}\d)(?=[\w -]{0,7}[a-z])[a-z\d]{1,4}(?:[ -]?[a-z\d]{1,7}){0,3})(?![\w-])",
    re.I,
)


def find_plates(message: person_names.Message) -> Iterator[tuple[int, int]]:
    """(start, end) of each number plate."""
    text = message.text
    yield from (match.span() for match in PLATE.finditer(text))
    if not TRAFFIC.isdisjoint(message.places):
        yield from (match.span() for match in PLATE_IN_TRAFFIC.finditer(text))
    for match in message.match_at(PLATE_LABEL, PLATE_LABELS):
        if end := _read_plate(text, match.start("plate"), match.end("plate")):
            yield match.start("plate"), end


def _read_plate(text: str, start: int, end: int) -> int | None:
    """Where the plate ends: groups that hold a digit, or are short and in capitals."""
    kept = None
    for group in re.finditer(r"[^\W_]+", text[start:end]):
        short = len(group[0]) <= 3 and (group[0].isupper() or start + group.start() == start)
        if not short and not any(sign.isdigit() for sign in group[0]):
            break
        kept = start + group.end()
    code = text[start:kept] if kept else ""
    return kept if any(map(str.isdigit, code)) and any(map(str.isalpha, code)) else None
