"""The names of persons in a visitor's text: after an introduction, in a signature, and given names
wherever they stand.

No statistical model: the words around a name, its capital letter, and the lists of
data/masking.yml."""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

LISTS = Path(__file__).parents[2] / "data" / "masking.yml"
FOLDER = Path(__file__).parent / "lists"


@dataclass(frozen=True)
class Words:
    """The lists of data/masking.yml, lower case, and the protected phrases as one pattern."""

    given: frozenset[str]
    given_and_word: frozenset[str]
    medical: frozenset[str]
    words: frozenset[str]
    never: frozenset[str]
    every_given: frozenset[
        str
    ]  # also the rarer ones of bot/privacy/lists, which need a capital letter
    english_given: frozenset[str]  # those of English-speaking countries, which don't
    english: frozenset[str]
    phrases: re.Pattern[str]
    phrase_starts: frozenset[str]


@functools.cache
def load_words() -> Words:
    """The lists of data/masking.yml, read once."""
    lists = yaml.safe_load(LISTS.read_text(encoding="utf-8"))
    phrases = lists.pop("phrases")
    sets = {name: frozenset(words.split()) for name, words in lists.items()}
    never = sets["words"] | sets["medical"] | TITLES
    known = sets["given_and_word"] | never
    rare = {name: _read_list(name) - known for name in ("given_names", "english_given_names")}
    openings = [phrase.split()[0] for phrase in phrases]
    return Words(
        never=never,
        every_given=sets["given"] | rare["given_names"],
        english_given=sets["given"] | rare["english_given_names"],
        english=_read_list("english_words"),
        phrases=re.compile(rf"(?:{'|'.join(map(re.escape, phrases))})\b", re.I),
        phrase_starts=frozenset(
            word for first in openings for word in (first.strip("."), first.removesuffix("'s"))
        ),
        **sets,
    )


def _read_list(name: str) -> frozenset[str]:
    """The words of a list of bot/privacy/lists."""
    return frozenset((FOLDER / f"{name}.txt").read_text(encoding="utf-8").split())


RELATION = (
    "son|daughter|mum|mom|mother|dad|father|nan|nana|gran|grandma|granny|grandad|granddad|grandpa"
    "|grandfather"
    "|grandmother|husband|hubby|wife|partner|fiancé|fiancée|fiance|fiancee|boyfriend|girlfriend|bf"
    "|gf|brother|sister"
    "|cousin|uncle|aunt|auntie|niece|nephew|friend|neighbour|neighbor|baby|kid|child|boy|girl|one"
    "|twins|kids|children"
    "|patient|client|carer|caregiver|therapist|neurologist|consultant|gp|teacher|colleague|boss"
    "|lad|lass|ex|mate|mates|pal|lady|fella|physio|midwife|keyworker|manager|landlord|mama|papa"
    "|mutter|vater"
    "|mami|bro|sis|cuz|hubs|missus|toddler|newborn|grandson|granddaughter|stepson|stepdaughter"
    "|stepdad|stepmum"
    "|bub|nanny|grandpa|pa|ma|amma|appa|pt|mate's|student|pupil|resident|roommate|flatmate"
    "|housemate|fiancee"
)
TITLE = "dr|doctor|prof|professor|mr|mrs|ms|miss|mx|nurse|sister|herr|frau|madame|mme|señor|señora"
ENDING = (
    "thanks|thank you|thx|cheers|regards|wishes|sincerely|faithfully|truly|yours|love|best|signed"
)
# What stands before a name, and how far it is to be believed: see `_is_first`. Tried only at the
# words of STARTS.
INTRODUCTION = re.compile(
    r"(?P<sure>name(?: is |['’]?s is |['’]s |\s?[:=]\s?)|my names |surname:? |(?:first|last|family"
    r"|maiden) name:? "
    r"|(?:policy ?holder|next of kin|emergency contact|patient|client|pt|re|attn|claimant|insured"
    r"|mutter|vater)\s?: "
    r"|policy ?holder |(?:i am|i['’]?m) "
    r"(?:called|named) "
    r"|signed[, :]+(?:by )?|call me )"
    r"|(?P<self>(?:i am|i['’]m|im|am|we are|i,|name|from:|contact:) )"
    r"|(?P<this>(?:this is|it['’]s|its|it is|(?:is|was|s) (?:called|named)|hi|hello|hey|dear),? )"
    rf"|(?P<title>(?:{TITLE})(?<!nurse\b)(?<!sister\b)\b\.? |(?:nurse|sister) )"
    rf"|(?P<kin>(?:(?:{RELATION})(?:[ -]in[ -]law)?,?|ask for|speak to|talk to|spoke to|signed by"
    rf"|cc|attn) )"
    rf"|(?P<end>(?:{ENDING})(?: in advance| again)?[,.!]?\s+)",
    re.I,
)
STARTS = frozenset(
    "name names i i'm i’m im signed call my we from contact this it its is was s hi hello hey "
    "dear".split()
    + "surname first last family maiden policy policyholder next emergency re attn claimant"
    " insured ask am speak spoke talk cc".split()
    + f"{RELATION}|{TITLE}|{ENDING}|thank".split("|")
)
# "... is it bad? - Ingrid"
DASH = re.compile(r"(?:^|[\n.?!])\s?[-–—~] ?([^\W\d_][^\n(]{1,40})\s*$")
SCLEROSIS = "MS"  # in capitals it is no title: "I have MS. What helps?"
MOST_BEFORE = 6  # titles or initials before a name
TITLES = frozenset(TITLE.split("|"))
PARTICLES = frozenset(
    "van von de der den del della di da dos du la le el al bin ibn ter ten o'".split()
)
TOKEN = re.compile(r"[A-Z]\.(?= ?[A-Z])|[^\W\d_]+(?:['’-][^\W\d_]+)*")
ADJECTIVE = re.compile(r"(?:ed|ing|ish|ful|ous|ive|able|ible|less|ic|ese|ly|ist|ness|tic|phic)$")
EPONYM = re.compile(
    r"(?:['’]?s?['’]?)[ "
    r"-](?:disease|syndrome|palsy|sign|reflex|chorea|ataxia|encephal\w+|bod(?:y|ies)|wort|test)\b",
    re.I,
)
# "Patient: HOLLOWAY, Irene M" on a letter
FORMAL = re.compile(
    r"\b(?:patient|name|pt|client|re|surname|claimant|insured|policy ?holder|resident"
    r"|pupil)\s?[:=]\s?"
    r"((?-i:[A-Z])[\w'-]+(?: (?-i:[A-Z])[\w'-]+)?), ((?-i:[A-Z])[\w'-]+)"
    r"(?: (?-i:[A-Z])[\w'-]*\.?)?",
    re.I,
)
SURNAME_FIRST = re.compile(r"(?<![\w-])([A-Z][A-Z'-]{2,}), ([A-Z][a-zà-ž'-]+)(?: [A-Z]\b\.?)?")
HERE = re.compile(r" (?:here|speaking)(?:[,.!:;]|$)", re.I | re.M)
# what follows a whole name at the start: "May Thistlewood, aged 88", "Will Farnaby here"
WHOLE = re.compile(r" (?:here|speaking)\b|,? (?:aged?|born|dob)\b|, \d|\n(?=[\d+])", re.I)
ENDS = re.compile(r"\s*[.!,]?\s*(?:$|\n|[(+]?\d|\S+@|[\[(])")
PAUSE = re.compile(r"\s*(?:[.,;:!?()\n]|$)|,? (?:and|n|from|here|speaking|again)\b")


@dataclass(frozen=True)
class Message:
    """A text cut into words (lower case, without 's), and whether its capitals tell anything.

    They don't in A TEXT IN CAPITALS, nor In One That Capitalises Every Word.
    """

    text: str
    tokens: list[re.Match[str]]
    written: list[str]
    words: list[str]
    places: dict[str, list[int]]  # where each word stands in tokens
    capitals: list[int]  # the places of the words that begin with one
    capitals_tell: bool
    lists: Words
    refused: frozenset[str]

    def is_capital(self, place: int) -> bool:
        return self.capitals_tell and self.written[place][0].isupper()

    def is_refused(self, place: int) -> bool:
        word = self.words[place]
        return (
            word in self.refused
            or "-" in word
            and not self.lists.medical.isdisjoint(word.split("-"))
        )

    def is_given(self, place: int) -> bool:
        """Whether the word, or the first part of one with hyphens, is a given name of any land."""
        word = self.words[place]
        return word in self.lists.every_given or word.split("-")[0] in self.lists.every_given

    def is_unknown(self, place: int) -> bool:
        """Whether the word is in no list: of words, medicines or conditions."""
        word = self.words[place]
        return len(word) > 2 and word not in self.lists.english and not self.is_refused(place)

    def is_short_form(self, place: int) -> bool:
        """Whether the word is written like one: DVLA."""
        return self.capitals_tell and self.written[place].isupper() and len(self.written[place]) < 7

    def touches_a_digit(self, place: int) -> bool:
        """Whether it is part of something else: of a gene, as TOR in TOR1A."""
        token = self.tokens[place]
        around = self.text[max(0, token.start() - 1) : token.start()], self.text[token.end() :][:1]
        return any(sign.isdigit() or sign == "_" for sign in around if sign)

    def match_at(self, pattern: re.Pattern[str], starts: frozenset[str]) -> Iterator[re.Match[str]]:
        """The matches of `pattern` that begin with a word of `starts`: far faster than to try it at
        every letter."""
        for word in sorted(starts & self.places.keys()):
            for place in self.places[word]:
                if match := pattern.match(self.text, self.tokens[place].start()):
                    yield match

    def find_place(self, start: int) -> int | None:
        """The place of the word that starts at this letter of the text."""
        place = bisect.bisect_left(self.tokens, start, key=re.Match.start)
        return place if place < len(self.tokens) and self.tokens[place].start() == start else None

    def follows(self, place: int) -> bool:
        """Whether the next word stands one blank further on."""
        after = self.tokens[place + 1 : place + 2]
        return bool(after) and self.text[self.tokens[place].end() : after[0].start()] == " "


def cut_message(text: str, keep: frozenset[str] = frozenset()) -> Message:
    """`text` as a Message; `keep`: further lower-case words that are never a name."""
    lists = load_words()
    tokens = list(TOKEN.finditer(text))
    written = [token[0] for token in tokens]
    words = [word.lower() for word in written]
    places: dict[str, list[int]] = {}
    for place, word in enumerate(words):
        if word[-2:-1] in ("'", "’") and word[-1] == "s":
            words[place] = word = word[:-2]
        if word in places:
            places[word].append(place)
        else:
            places[word] = [place]
    common = sum(len(places[word]) for word in lists.words & places.keys() if len(word) > 1)
    large = [place for place, word in enumerate(written) if word[0].isupper()]
    capitals = sum(words[place] in lists.words and len(words[place]) > 1 for place in large)
    never = lists.never | keep if keep else lists.never
    return Message(
        text,
        tokens,
        written,
        words,
        places,
        large,
        capitals < 2 or 2 * capitals <= common,
        lists,
        never,
    )


def find_names(message: Message) -> Iterator[tuple[int, int]]:
    """(start, end) of each name in the message."""
    text, tokens, words, lists = message.text, message.tokens, message.words, message.lists
    likely = {
        place
        for word in lists.english_given & message.places.keys()
        for place in message.places[word]
    }
    likely.update(message.capitals)
    firsts: dict[int, str | None] = {
        place: None for place in sorted(likely) if _stands_alone(message, place)
    }
    protected = [phrase.span() for phrase in message.match_at(lists.phrases, lists.phrase_starts)]
    for match in message.match_at(INTRODUCTION, STARTS):
        if match[0].startswith(SCLEROSIS) and not text.isupper():
            continue
        _introduce(message, message.find_place(match.end()), match.lastgroup or "", firsts)
    if dash := DASH.search(text):
        _introduce(message, message.find_place(dash.start(1)), "end", firsts)
    for place, introduction in firsts.items():
        first, last = place, _last(message, place, introduction)
        end = tokens[last].end() - 2 * message.written[last].endswith(("'s", "’s"))
        while (
            first > place - MOST_BEFORE
            and first
            and words[first - 1] in TITLES
            and text[tokens[first - 1].end() : tokens[first].start()].strip(".") == " "
        ):
            first -= 1
        start = tokens[first].start()
        if introduction == "end" and not ENDS.match(text, end) and words[place] not in lists.given:
            continue
        if not any(begin < end and start < stop for begin, stop in protected):
            yield start, end
    yield from _find_family_first(message)


def _find_family_first(message: Message) -> Iterator[tuple[int, int]]:
    """Names as a letter or a form has them, the family name first."""
    for match in FORMAL.finditer(message.text):
        parts = [part.lower() for part in (*match[1].split(), match[2])]
        if message.refused.isdisjoint(parts) and not message.lists.english.issuperset(parts):
            yield match.start(1), match.end()
    for match in SURNAME_FIRST.finditer(message.text):
        if (
            match[2].lower() in message.lists.every_given
            and match[1].lower() not in message.refused
        ):
            yield match.span()


def _introduce(
    message: Message, place: int | None, introduction: str, firsts: dict[int, str | None]
) -> None:
    """Notes in `firsts` the place where a name starts, if one does after this introduction."""
    for _ in range(MOST_BEFORE):
        if place is not None and message.words[place] in TITLES and message.follows(place):
            place += 1
    if place is not None and _is_first(message, place, introduction):
        firsts[place] = introduction


def _stands_alone(message: Message, place: int) -> bool:
    """Whether a name begins here without anything that introduces it: a given name, an initial
    before a family name, or two capital words that nobody knows."""
    word, token, lists = message.words[place], message.tokens[place], message.lists
    capital = message.is_capital(place)
    if place and message.words[place - 1] in ("st", "saint"):
        return False
    if word in lists.given or word.split("-")[0] in lists.given:
        return not EPONYM.match(message.text, token.end()) and word not in lists.medical
    if EPONYM.match(message.text, token.end()) or message.touches_a_digit(place):
        return False
    if message.is_refused(place):
        return capital and word in lists.given_and_word and _is_whole_name(message, place)
    if message.is_given(place):
        if message.is_short_form(place):
            return False
        return capital or word in lists.english_given and len(word) > 3
    if not capital:
        return False
    if len(token[0]) == 2 and token[0][1] == ".":  # "J. P. Castellano", "R. Sandhu"
        return _is_initial_of_a_name(message, place)
    if place < 4 and HERE.match(message.text, token.end()):
        return not ADJECTIVE.search(word)
    return _is_whole_name(message, place)


def _is_initial_of_a_name(message: Message, place: int) -> bool:
    following = place
    most = min(place + MOST_BEFORE, len(message.tokens) - 1)
    while message.tokens[following][0][1:] == "." and following < most:
        following += 1
    unknown = message.is_unknown(following) or message.is_given(following)
    return following - place > 1 or unknown and message.written[following][0].isupper()


def _is_whole_name(message: Message, place: int) -> bool:
    """Whether two capital words here are a person's: the first may be a name, the second is no
    word."""
    family = place + 1 if message.follows(place) else None
    if not family or not message.is_capital(family) or message.is_refused(family):
        return False
    if EPONYM.match(message.text, message.tokens[family].end()):
        return False
    token = message.tokens[place]
    starts = message.text[: token.start()].rstrip(" ")[-1:] in ("", ".", "!", "?", "\n")
    unknown = message.is_unknown(family)
    if starts and unknown and WHOLE.match(message.text, message.tokens[family].end()):
        return True
    if message.words[place] in message.lists.given_and_word:
        return not starts and not message.is_refused(place) or unknown and not starts
    return message.is_unknown(place) and unknown and not message.is_short_form(family)


def _is_first(message: Message, place: int, introduction: str) -> bool:
    """Whether the word after an introduction is a name, or something else that stands there ("I'm
    Worried")."""
    word, lists = message.words[place], message.lists
    end = message.tokens[place].end()
    if word in lists.given:
        return True
    doubtful = word in lists.given_and_word
    if message.is_refused(place):
        return doubtful and introduction in ("sure", "kin", "self") and message.is_capital(place)
    if EPONYM.match(message.text, end) or len(word) < 2:
        return False
    if doubtful:
        alone = introduction in ("self", "kin") and bool(PAUSE.match(message.text, end))
        return message.is_capital(place) or introduction == "sure" or alone
    if message.is_given(place):
        return (
            introduction in ("sure", "self")
            or message.is_capital(place)
            or word in lists.english_given
            or not message.capitals_tell
        )
    return _may_be_first(message, place, introduction)


def _may_be_first(message: Message, place: int, introduction: str) -> bool:
    """Whether a word of no list of names is one after this introduction."""
    word, lists = message.words[place], message.lists
    if introduction == "sure":  # "No name is stored", "the name is correct"
        return message.is_capital(place) or not ADJECTIVE.search(word) and word not in lists.english
    if ADJECTIVE.search(word) and (introduction == "self" or not message.is_unknown(place)):
        return False
    if not message.is_capital(place):
        return introduction == "self" and _are_rare(message, place)
    if message.is_short_form(place) or message.touches_a_digit(place):
        return False
    if introduction == "title":
        return True
    if introduction == "this":
        return message.is_unknown(place) and not _is_near_a_word(message, word)
    return word not in lists.english or bool(ENDS.match(message.text, message.tokens[place].end()))


def _are_rare(message: Message, place: int) -> bool:
    """Whether this word and the next are both unlike any word: a name in small letters."""
    return message.follows(place) and all(
        message.is_unknown(one)
        and len(message.words[one]) > 3
        and not ADJECTIVE.search(message.words[one])
        and not _is_near_a_word(message, message.words[one])
        for one in (place, place + 1)
    )


def _is_near_a_word(message: Message, word: str) -> bool:
    """Whether one slip of the fingers lies between this and a word that everybody knows."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    cuts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    near = {before + after[1:] for before, after in cuts}
    near |= {before + after[1::-1] + after[2:] for before, after in cuts}
    near |= {before + letter + after[1:] for before, after in cuts for letter in letters}
    near |= {before + letter + after for before, after in cuts for letter in letters}
    return not near.isdisjoint(message.lists.english) or not near.isdisjoint(message.refused)


def _last(message: Message, first: int, introduction: str | None) -> int:
    """The place of the last word of the name that starts at `first`."""
    last = first
    while last - first < 4 and message.follows(last):
        following = last + 1
        initial = len(message.words[following]) == 1 and message.written[following].isupper()
        if (
            message.words[following] in PARTICLES
            and message.follows(following)
            and message.is_capital(following + 1)
            or message.is_capital(following)
            and (not message.is_refused(following) or initial)
            or not message.capitals_tell
            and message.written[first].isupper()
            and (initial or message.is_unknown(following))
        ):
            last = following
        else:
            break
    if last == first and introduction in ("self", "kin") and message.follows(last):
        # "i'm dariusz kowalewicz"
        following = last + 1
        unlike = message.is_unknown(following) and not _is_near_a_word(
            message, message.words[following]
        )
        if unlike or message.is_given(following) and not message.is_refused(following):
            return following
    if (
        last == first
        and introduction == "sure"
        and message.follows(last)
        and not message.is_capital(first)
    ):
        # "my name is kevin o'leary n i": a family name in small letters ends before a pause or a
        # common word
        following = last + 1
        common = (
            following + 1 < len(message.tokens)
            and message.words[following + 1] in message.lists.words
        )
        if not message.is_refused(following) and (
            common or PAUSE.match(message.text, message.tokens[following].end())
        ):
            last = following
    return last
