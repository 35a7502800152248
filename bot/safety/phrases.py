"""The words of a message and of the table: told apart, slips of typing undone, and found again in a
tree of phrases."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.language import word_caches

NUMBERS = {
    word: str(n)
    for n, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen "
        "eighteen nineteen".split(),
        1,
    )
} | dict(twenty="20", thirty="30", forty="40", fifty="50", sixty="60", hundred="100")
# words and numbers
TOKEN = re.compile(
    r"\d+(?:st|nd|rd|th)\b|\d+(?:[.,]\d+)?|[a-z](?:[a-z0-9']|\*+(?=[a-z]))*"
    # ends of sentences, ends of clauses
    r"|[.!?;\n…]+|[,:()\[\]\"–—/]|(?<=\s)-(?=\s)"
)
TWO_SLIPS = 10  # letters of a word from which on two typing slips are understood, not one

Speller = Callable[[str], str]  # word -> the known word that it most likely is
# A tree of phrases: {key: the tree behind it}, and under None the names of what ends there.
Tree = dict[Any, Any]
Keys = Callable[[str], tuple[Any, ...]]  # word -> the keys of a tree that it fits
Span = tuple[int, int]  # of words: the first, and the one behind the last
Hits = dict[str, list[Span]]  # where each name of a tree occurs


@dataclass(frozen=True)
class Words:
    """A message as the screen sees it: words, and for each its sentence and clause."""

    words: list[str]
    sentence: list[int]
    clause: list[int]


@dataclass(frozen=True)
class SlipIndex:
    """Known words by what a slip of typing leaves of them: by the word without one letter, and the
    long ones by their first letter, each with its letters as bits."""

    by_deletion: dict[str, list[str]]
    by_letter: dict[str, list[tuple[str, int]]]


def to_words(spell: Speller, same: tuple[Tree, Keys], text: str) -> Words:
    folded = text.lower().replace("`", "'")
    if not text.isascii():
        folded = (
            unicodedata.normalize("NFKD", folded)
            .replace("’", "'")
            .replace("‘", "'")
            .replace("ʼ", "'")
        )
        folded = "".join(c for c in folded if unicodedata.category(c) not in ("Mn", "Cf"))
    words: list[str] = []
    sentence: list[int] = []
    clause: list[int] = []
    s = c = 0
    for token in TOKEN.findall(folded):
        if token[0].isalnum():
            words.append(token if token[0].isdigit() else spell(token))
            sentence.append(s)
            clause.append(c)
        elif token[0] in ".!?;\n…":
            s, c = s + 1, c + 1
        else:
            c += 1
    return replace_spellings(same, Words(words, sentence, clause))


def replace_spellings(same: tuple[Tree, Keys], message: Words) -> Words:
    """Other spellings ("can not") replaced by the one that the table uses ("cant"), the longest
    first."""
    best: dict[int, tuple[int, str]] = {}
    for name, spans in find_in_tree(*same, message).items():
        for start, end in spans:
            if end > best.get(start, (0, ""))[0]:
                best[start] = (end, name)
    words: list[str] = []
    sentence: list[int] = []
    clause: list[int] = []
    i = 0
    while i < len(message.words):
        end, name = best.get(i, (i + 1, message.words[i]))
        for word in name.split():
            words.append(word)
            sentence.append(message.sentence[i])
            clause.append(message.clause[i])
        i = end
    return Words(words, sentence, clause)


def make_speller(known: set[str], real: set[str], fitting: tuple[Keys, ...]) -> Speller:
    """Return a function that gives the known word that a slip stands for, or the word itself.

    Words among `real` are no slips, close as they may be to one of ours: "chess" is not "chest";
    nor are words that a key of the trees fits (`fitting`: their `keys_of`), as "drooped" does
    "droop*"."""
    index = _index_slips(known)

    def spell(word: str) -> str:
        if word in known:
            return NUMBERS.get(word, word)
        word = _shorten_drawn(NUMBERS.get(word, word).replace("'", ""), known, real)
        if (
            word in known
            or word in real
            or not 4 <= len(word) <= 20
            or any(len(keys(word)) > 1 for keys in fitting)
        ):
            return NUMBERS.get(word, word)
        return min(
            (
                (slips, other)
                for other in _near_words(index, word)
                if (slips := _slips(word, other)) <= _allowed(word, other)
            ),
            default=(0, word),
        )[1]

    return word_caches.cache_by_word(spell, most=20_000)


def _index_slips(known: set[str]) -> SlipIndex:
    index = SlipIndex({}, {})
    for word in sorted(known):
        if len(word) >= TWO_SLIPS:
            index.by_letter.setdefault(word[0], []).append((word, _letters(word)))
        for key in _deletions(word) if len(word) >= 4 else ():
            index.by_deletion.setdefault(key, []).append(word)
    return index


def _near_words(index: SlipIndex, word: str) -> set[str]:
    """The known words that a word may be a slip of; how many slips, is still to be counted."""
    near = {
        other
        for key in _deletions(word)
        for other in index.by_deletion.get(key, ())
        if other[0] == word[0] or other[:2] == word[1::-1]
    }
    if len(word) >= TWO_SLIPS - 1:
        letters = _letters(word)
        near.update(
            other
            for other, theirs in index.by_letter.get(word[0], ())
            if abs(len(other) - len(word)) <= 2 and (letters ^ theirs).bit_count() <= 3
        )
    return near


def _shorten_drawn(word: str, known: set[str], real: set[str]) -> str:
    """A word without the letters by which it is drawn out: "helppp", "pleeease"."""
    drawn = re.sub(r"(.)\1\1+", r"\1\1", word)
    if drawn == word:
        return word
    once = re.sub(r"(.)\1", r"\1", drawn)
    return next((each for each in (drawn, once) if each in known or each in real), drawn)


def _allowed(word: str, other: str) -> int:
    """Slips allowed: swapped letters from 4 letters on, any one slip from 5 on, two from 10 on."""
    return (
        2
        if len(other) >= TWO_SLIPS
        else 1
        if len(other) > 4 or sorted(other) == sorted(word)
        else 0
    )


def _letters(word: str) -> int:
    """The set of a word's letters as bits."""
    return sum(1 << ord(letter) % 64 for letter in set(word))


def _deletions(word: str) -> set[str]:
    return {word} | {word[:i] + word[i + 1 :] for i in range(len(word))}


def _slips(a: str, b: str) -> int:
    """Optimal string alignment distance."""
    row = last = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, last, row = last, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
    return row[-1]


# Phrases: "a/b" either, "a?" perhaps, "a*" any ending, "^a" a at the start, "_" any word, "5+" a
# number from 5 on, "1-28" a number between


def phrase_entries(entry: str) -> list[str]:
    return [phrase for phrase in map(str.strip, entry.split(",")) if phrase]


def phrase_variants(phrase: str) -> list[list[str]]:
    slots = []
    for item in phrase.lower().split():
        optional, item = item.endswith("?"), item.removesuffix("?")
        slots.append(item.split("/") + ([""] if optional else []))
    return [[word for word in words if word] for words in itertools.product(*slots)]


def add_to_tree(tree: Tree, words: Sequence[str], name: str) -> None:
    key: str | tuple[str, str] | tuple[float, float]
    for word in words:
        number = re.fullmatch(r"(\d+)(?:\+|-(\d+))", word)
        if number:
            key = (float(number[1]), float(number[2] or "inf"))
        elif word.endswith("*"):
            key = ("", word[:-1])
        elif word.startswith("^"):
            key = ("^", word[1:])
        else:
            key = NUMBERS.get(word, word)
        tree = tree.setdefault(key, {})
    tree.setdefault(None, []).append(name)


def keys_of(tree: Tree) -> Keys:
    """Return a function from a word to the keys of the tree that it fits, besides "^word"."""
    keys: set[Any] = set()
    stack = [tree]
    while stack:
        for key, child in stack.pop().items():
            if key is not None:
                keys.add(key)
                stack.append(child)
    ranges = [key for key in keys if type(key) is tuple and type(key[0]) is float]

    def fitting(word: str) -> tuple[Any, ...]:
        fit: list[Any] = [
            key
            for key in (word, *(("", word[:end]) for end in range(1, len(word) + 1)))
            if key in keys
        ]
        if word[0].isdigit() and word[-1].isdigit():
            fit += [key for key in ranges if key[0] <= float(word.replace(",", ".")) <= key[1]]
        return (*fit, "_")

    return word_caches.cache_by_word(fitting, most=20_000)


def find_in_tree(tree: Tree, keys: Keys, message: Words) -> Hits:
    """Return every occurrence of every name in the tree: `{name: [(start, end), ...]}`, in order,
    within a sentence."""
    hits: Hits = {}
    sentence, clause, n = message.sentence, message.clause, len(message.words)
    fitting = [keys(word) for word in message.words]
    for at in range(n):
        if at == 0 or clause[at] != clause[at - 1]:
            fitting[at] += (("^", message.words[at]),)
    for start in range(n):
        reached = [(tree[key], start + 1) for key in fitting[start] if key in tree]
        for node, at in reached:
            for name in node.get(None, ()):
                hits.setdefault(name, []).append((start, at))
            if at < n and sentence[at] == sentence[start]:
                for key in fitting[at]:
                    if key in node:
                        reached.append((node[key], at + 1))
    return hits
