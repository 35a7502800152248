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

LISTS = Path(__file__).parents[1] / "data" / "masking.yml"


@dataclass(frozen=True)
class Words:
    """The lists of data/masking.yml, lower case, and the protected phrases as one pattern."""

    given: frozenset[str]
    given_and_word: frozenset[str]
    medical: frozenset[str]
    words: frozenset[str]
    never: frozenset[str]
    phrases: re.Pattern[str]
    phrase_starts: frozenset[str]


@functools.cache
def load() -> Words:
    """The lists of data/masking.yml, read once."""
    lists = yaml.safe_load(LISTS.read_text(encoding="utf-8"))
    phrases = lists.pop("phrases")
    sets = {name: frozenset(words.split()) for name, words in lists.items()}
    openings = [phrase.split()[0] for phrase in phrases]
    return Words(
        never=sets["words"] | sets["medical"] | TITLES,
        phrases=re.compile(rf"(?:{'|'.join(map(re.escape, phrases))})\b", re.I),
        phrase_starts=frozenset(
            word for first in openings for word in (first.strip("."), first.removesuffix("'s"))
        ),
        **sets,
    )


RELATION = (
    "son|daughter|mum|mom|mother|dad|father|nan|nana|gran|grandma|granny|grandad|granddad|grandpa|grandfather"
    "|grandmother|husband|hubby|wife|partner|fiancé|fiancée|fiance|fiancee|boyfriend|girlfriend|bf|gf|brother|sister"
    "|cousin|uncle|aunt|auntie|niece|nephew|friend|neighbour|neighbor|baby|kid|child|boy|girl|one|twins|kids|children"
    "|patient|client|carer|caregiver|therapist|neurologist|consultant|gp|teacher|colleague|boss"
)
TITLE = "dr|doctor|prof|professor|mr|mrs|ms|miss|mx|nurse|sister|herr|frau|madame|mme|señor|señora"
ENDING = (
    "thanks|thank you|thx|cheers|regards|wishes|sincerely|faithfully|truly|yours|love|best|signed"
)
# What stands before a name, and how far it is to be believed: see `_is_first`. Tried only at the
# words of STARTS.
INTRODUCTION = re.compile(
    r"(?P<sure>name(?: is |['’]?s is |['’]s |\s?[:=]\s?)|my names |(?:i am|i['’]?m) "
    r"(?:called|named) "
    r"|signed[, :]+(?:by )?|call me )"
    r"|(?P<self>(?:i am|i['’]m|im|we are|i,|name|from:|contact:) )"
    r"|(?P<this>(?:this is|it['’]s|its|it is|(?:is|was|s) (?:called|named)|hi|hello|hey|dear),? )"
    rf"|(?P<title>(?:{TITLE})\b\.? )"
    rf"|(?P<kin>(?:{RELATION})(?:[ -]in[ -]law)?,? )"
    rf"|(?P<end>(?:{ENDING})(?: in advance| again)?[,.!]?\s+)",
    re.I,
)
STARTS = frozenset(
    "name names i i'm i’m im signed call my we from contact this it its is was s hi hello hey "
    "dear".split()
    + f"{RELATION}|{TITLE}|{ENDING}|thank".split("|")
)
# "... is it bad? - Ingrid"
DASH = re.compile(r"(?:^|[\n.?!])\s?[-–—~] ?([^\W\d_][^\n(]{1,40})\s*$")
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
HERE = re.compile(r" (?:here|speaking)(?:[,.!:;]|$)", re.I | re.M)
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


def cut(text: str, keep: frozenset[str] = frozenset()) -> Message:
    """`text` as a Message; `keep`: further lower-case words that are never a name."""
    lists = load()
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


def find(message: Message) -> Iterator[tuple[int, int]]:
    """(start, end) of each name in the message."""
    text, tokens, words, lists = message.text, message.tokens, message.words, message.lists
    likely = {
        place for word in lists.given & message.places.keys() for place in message.places[word]
    }
    likely.update(message.capitals)
    firsts: dict[int, str | None] = {
        place: None for place in likely if _stands_alone(message, place)
    }
    protected = [phrase.span() for phrase in message.match_at(lists.phrases, lists.phrase_starts)]
    for match in message.match_at(INTRODUCTION, STARTS):
        _introduce(message, message.find_place(match.end()), match.lastgroup, firsts)
    if match := DASH.search(text):
        _introduce(message, message.find_place(match.start(1)), "end", firsts)
    for place, introduction in firsts.items():
        first, last = place, _last(message, place, introduction)
        end = tokens[last].end() - 2 * message.written[last].endswith(("'s", "’s"))
        while (
            first
            and words[first - 1] in TITLES
            and text[tokens[first - 1].end() : tokens[first].start()].strip(".") == " "
        ):
            first -= 1
        start = tokens[first].start()
        if introduction == "end" and not ENDS.match(text, end) and words[place] not in lists.given:
            continue
        if not any(begin < end and start < stop for begin, stop in protected):
            yield start, end


def _introduce(
    message: Message, place: int | None, introduction: str, firsts: dict[int, str | None]
) -> None:
    """Notes in `firsts` the place where a name starts, if one does after this introduction."""
    while place is not None and message.words[place] in TITLES and message.follows(place):
        place += 1
    if place is not None and _is_first(message, place, introduction):
        firsts[place] = introduction


def _stands_alone(message: Message, place: int) -> bool:
    """Whether the word is a given name without anything that introduces it."""
    word = message.words[place]
    if word not in message.lists.given and (
        not message.is_capital(place) or message.is_refused(place)
    ):
        return False
    token = message.tokens[place]
    if place and message.words[place - 1] in ("st", "saint"):
        return False
    if word in message.lists.given or word.split("-")[0] in message.lists.given:
        return not EPONYM.match(message.text, token.end()) and word not in message.lists.medical
    family = place + 1 if message.follows(place) else None
    if len(token[0]) == 2 and token[0][1] == ".":  # "J. P. Castellano"
        return bool(
            family
            and message.tokens[family][0][1:] == "."
            and _last(message, place, None) >= place + 2
        )
    if place < 4 and HERE.match(message.text, token.end()):
        return not ADJECTIVE.search(word)
    starts = message.text[: token.start()].rstrip(" ")[-1:] in ("", ".", "!", "?", "\n")
    return bool(
        word in message.lists.given_and_word
        and family
        and not starts
        and message.is_capital(family)
        and not message.is_refused(family)
        and not EPONYM.match(message.text, message.tokens[family].end())
    )


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
    if introduction == "sure":
        return message.is_capital(place) or not ADJECTIVE.search(word)  # "No name is stored"
    if not message.is_capital(place) or ADJECTIVE.search(word):
        return False
    return introduction in ("self", "title", "kin", "end")


def _last(message: Message, first: int, introduction: str | None) -> int:
    """The place of the last word of the name that starts at `first`."""
    last = first
    while last - first < 4 and message.follows(last):
        following = last + 1
        if (
            message.words[following] in PARTICLES
            and message.follows(following)
            and message.is_capital(following + 1)
            or message.is_capital(following)
            and not message.is_refused(following)
        ):
            last = following
        else:
            break
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
