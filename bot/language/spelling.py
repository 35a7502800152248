"""Typing slips: how far one word is from another, and which words a mistyped text meant.

`learn` counts the words of known phrases and their pairs; `make_reader` makes of that a function
that reads a text as the likeliest one: how common each word is beside its neighbours, against how
likely fingers slip from it to what was typed (the noisy channel of Kernighan, Church and Gale
1990)."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from bot.language import word_caches

type Counts = npt.NDArray[np.int8]
type Reading = tuple[str, float]  # what a word may mean, and the cost of the slips
type Path = tuple[float, tuple[str, ...]]  # the cost of the words up to there, and the words
WORD = re.compile(r"[^\W\d_]+")
EDGE = ""  # the neighbour of a text's first and last word
LONGEST = 24  # letters of a word that is corrected
ONE_TYPO, TWO_TYPOS = 3, 5  # letters from which a word may hold so many typos
# what a slip costs, as minus its log likelihood: the usual kinds, others, and more for the first
# letter
LIKELY, UNLIKELY, FIRST = 3.0, 5.0, 1.0
DOUBT = 8.0  # what it costs besides to take one English word for another
STRANGE = 20.0  # what it costs to leave a word that nobody knows
RARE = 0.05  # so often as a word of the phrases is one met that only English knows
ALONE = 10.0  # what a word alone weighs beside its pairs, in counts
MOST_READINGS = 8  # of one word
PLACE = {
    letter: (x + 0.4 * y, y)
    for y, row in enumerate(("qwertyuiop", "asdfghjkl", "zxcvbnm"))
    for x, letter in enumerate(row)
}


def typing_distance(a: str, b: str) -> float:
    """Letters put in, left out, exchanged, or swapped with their neighbour, to get from `a` to `b`
    (optimal string alignment)."""
    return _align(a, b, lambda *_: 1.0)


def count_words(phrases: Iterable[str]) -> tuple[dict[str, int], dict[str, int]]:
    """(words, pairs): how often the phrases hold each word, and each two neighbours ("first
    second")."""
    words: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for text in phrases:
        found = [word.lower() for word in WORD.findall(text)]
        words.update(found)
        pairs.update(f"{a} {b}" for a, b in pairwise([EDGE, *found, EDGE]))
    return dict(words), dict(pairs)


def make_corrector(
    words: Mapping[str, int], pairs: Mapping[str, int], names: Iterable[str], real: Set[str]
) -> Callable[[str], str]:
    """A function text -> the text as it was probably meant. `words`, `pairs`: what `learn` found,
    the `names` of terms among it; `real`: other English words.

    A word of the phrases stays as it is, as does one with a letter that isn't English. No English
    word is read as a name: "confusion" is no concussion."""
    known = sorted(words.keys() | {word for word in real if len(word) > ONE_TYPO})
    known = [word for word in known if word.isascii() and 1 < len(word) <= LONGEST]
    befores: Counter[str] = Counter()
    for pair, count in pairs.items():
        befores[pair.partition(" ")[0]] += count
    lexicon = Lexicon(
        words=words,
        pairs=pairs,
        befores=befores,
        real=real,
        total=sum(words.values()) + RARE * len(real),
        named={word.lower() for name in names for word in WORD.findall(name)},
        known=known,
        lengths=np.array([len(word) for word in known]),
        letters=np.array([_letters(word) for word in known], dtype=np.int8).reshape(-1, 26),
    )
    readings = word_caches.cache_by_word(partial(_find_readings, lexicon), 10_000)
    return partial(_read, lexicon, readings)


@dataclass(frozen=True, eq=False)
class Lexicon:
    """The words that a reader knows, and how often they are met."""

    words: Mapping[str, int]  # word of the phrases -> how often
    pairs: Mapping[str, int]  # "first second" of the phrases -> how often
    befores: Counter[str]  # word -> how often it is the first of a pair
    real: Set[str]  # other English words
    total: float  # the sum of how often each word is met
    named: Set[str]  # words of the terms' names
    known: list[str]  # words that a mistyped one may mean, in order
    lengths: npt.NDArray[np.int64]  # of `known`
    letters: Counts  # of `known`, a row a word: how often it holds each of the 26

    def share(self, word: str) -> float:
        """The probability of a word, whatever stands before it."""
        often = self.words.get(word, 0) + (RARE if word in self.real else 0) + 1e-3
        return often / self.total

    def follows(self, before: str, word: str) -> float:
        """The log of the probability of a word behind another."""
        often = self.pairs.get(f"{before} {word}", 0) + ALONE * self.share(word)
        return math.log(often / (self.befores[before] + ALONE))


def _find_readings(lexicon: Lexicon, word: str) -> list[Reading]:
    """[(what a word may mean, the cost of the slips)], the likeliest first."""
    if word in lexicon.words or len(word) > LONGEST or not word.isascii():
        return [(word, 0.0)]
    found = [(word, 0.0 if word in lexicon.real else STRANGE)]
    if len(word) < ONE_TYPO:
        return found
    found += _find_near_words(lexicon, word)
    for i in range(2, len(word) - 1):  # a blank left out
        if word[:i] in lexicon.words and word[i:] in lexicon.words:
            cost = UNLIKELY - math.log(lexicon.share(word[:i]))
            found.append((f"{word[:i]} {word[i:]}", cost))
    return sorted(
        found,
        key=lambda one: (one[1] - math.log(lexicon.share(one[0].rpartition(" ")[2])), one[0]),
    )[:MOST_READINGS]


def _find_near_words(lexicon: Lexicon, word: str) -> list[Reading]:
    """[(known word, the cost of the slips)] of those that few enough typos part from `word`."""
    found = []
    is_real = word in lexicon.real
    most = 1 if is_real else 1 + (len(word) >= TWO_TYPOS)
    apart = np.abs(lexicon.letters - _letters(word)).sum(axis=1)
    for i in np.flatnonzero((apart <= 2 * most) & (np.abs(lexicon.lengths - len(word)) <= most)):
        near = lexicon.known[i]
        allowed = min(most, 2 if near in lexicon.words and len(near) >= TWO_TYPOS else 1)
        if (
            near != word
            and not (is_real and near in lexicon.named)
            and typing_distance(word, near) <= allowed
        ):
            found.append((near, _align(near, word, _cost) + (DOUBT if is_real else 0.0)))
    return found


def _read(lexicon: Lexicon, readings: Callable[[str], list[Reading]], text: str) -> str:
    """The text as it was probably meant; `readings(word)`: what one word may mean."""
    typed = list(WORD.finditer(text))
    lowered = [match.group().lower() for match in typed]
    if all(word in lexicon.words for word in lowered):
        return text
    path = _find_likeliest_path(lexicon, readings, lowered)
    for match, word, meant in reversed(list(zip(typed, lowered, path, strict=False))):
        if meant != word:
            text = text[: match.start()] + meant + text[match.end() :]
    return text


def _find_likeliest_path(
    lexicon: Lexicon, readings: Callable[[str], list[Reading]], typed: list[str]
) -> tuple[str, ...]:
    """What was meant by each of the words `typed`, and EDGE behind them."""
    paths: dict[str, Path] = {EDGE: (0.0, ())}  # the last word: what leads there
    for word in [*typed, EDGE]:
        ahead: dict[str, Path] = {}
        for meant, cost in readings(word) if word else [(EDGE, 0.0)]:
            first, last = meant.split(" ")[0], meant.rpartition(" ")[2]
            nearest, path = min(
                (before[0] - lexicon.follows(end, first), before[1])
                for end, before in paths.items()
            )
            value = (nearest + cost, (*path, meant))
            ahead[last] = min(value, ahead.get(last, value))
        paths = ahead
    return paths[EDGE][1]


def _letters(word: str) -> Counts:
    """How often a word holds each of the 26 letters."""
    counts = np.zeros(26, dtype=np.int8)
    for letter in word:
        if "a" <= letter <= "z":
            counts[ord(letter) - 97] += 1
    return counts


def _cost(kind: str, place: int, letter: str, other: str) -> float:
    """What one slip costs: `other` was typed for the `letter` at `place`, or one of them is
    missing."""
    usual = kind != "exchanged" or _are_near(letter, other)
    return (LIKELY if usual else UNLIKELY) + (FIRST if place == 0 else 0.0)


def _are_near(a: str, b: str) -> bool:
    return a in PLACE and b in PLACE and math.dist(PLACE[a], PLACE[b]) < 1.5


def _align(a: str, b: str, cost: Callable[[str, int, str, str], float]) -> float:
    """The least sum of `cost(kind, place, letter of a, letter of b)` of the slips that make `b` of
    `a`."""
    before: list[float] | None = None
    row = [0.0]
    for j, typed in enumerate(b):
        row.append(row[-1] + cost("put in", j, "", typed))
    for i, meant in enumerate(a):
        after = [row[0] + cost("left out", i, meant, "")]
        for j, typed in enumerate(b):
            value = min(
                row[j + 1] + cost("left out", i, meant, ""),
                after[j] + cost("put in", i, "", typed),
                row[j] + (cost("exchanged", i, meant, typed) if meant != typed else 0.0),
            )
            if before and i and j and meant == b[j - 1] and a[i - 1] == typed:
                value = min(value, before[j - 1] + cost("swapped", i - 1, meant, typed))
            after.append(value)
        before, row = row, after
    return row[-1]
