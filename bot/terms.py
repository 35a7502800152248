"""Terms: conditions, medicines and treatments under all their names, and where a text names them."""

import re
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from bot import articles

KINDS = {"conditions": "condition", "medicines": "medicine", "treatments": "treatment"}
ONE_TYPO, TWO_TYPOS = 6, 9  # letters from which a name is found in spite of so many typos


@dataclass(frozen=True)
class Mention:
    """A term named in a text: its canonical name, its kind, and the characters that name it."""

    term: str
    kind: str
    start: int
    end: int


def read(folder):
    """(kinds, names, faults) of data/terms.yml: {term: kind} and {any of its names: term}, in small letters."""
    path = Path(folder, "terms.yml")
    if not path.is_file():
        return {}, {}, [f"{path}:1: the file is missing; docs/articles.md shows one"]
    data, lines, faults = articles.read_yaml(path.read_text(encoding="utf-8"), path)
    if data is None:
        return {}, {}, faults
    kinds, names = {}, {}
    for group, terms in data.items():
        if group not in KINDS or not isinstance(terms, dict):
            faults.append(f"{path}:{lines[(group,)]}: {group} is unknown; use {', '.join(KINDS)}, each with `term: [other names]`")
            continue
        for term, others in terms.items():
            line = lines[(group, term)]
            if not isinstance(others, list | None) or not all(isinstance(name, str) for name in [term, *(others or [])]):
                faults.append(f"{path}:{line}: {term} needs a list of other names, each of them text: `{term}: [name, name]`")
                continue
            kinds[term] = KINDS[group]
            for name in [term, *(others or [])]:
                key = name.lower().strip()
                if names.setdefault(key, term) != term:
                    faults.append(f"{path}:{line}: \"{name}\" names {names[key]} too; leave it with one of them")
    return kinds, names, faults


def make_finder(kinds, names, real_words=None):
    """A function text -> [Mention, ...], longest names first, in the order of the text.

    Whole words only, whatever their case; a hyphen is as good as a blank. Given `real_words`, what is none of them may be
    a mistyped name: one word of 6 letters or more with one typo; of a medicine, with 9 letters or more, with two.
    """
    import spacy
    from spacy.matcher import PhraseMatcher
    from spacy.util import filter_spans

    language = spacy.blank("en")
    matcher = PhraseMatcher(language.vocab, attr="LOWER")
    by_term = {}
    for name, term in names.items():
        by_term.setdefault(term, []).append(language.make_doc(_plain(name)))
    for term, docs in by_term.items():
        matcher.add(term, docs)
    typos = _typo_index(kinds, names) if real_words is not None else {}
    longest = max(map(len, names), default=0) + 2  # what is longer is no mistyped name, and has very many deletions

    def find(text):
        doc = language.make_doc(_plain(text))
        spans = filter_spans(matcher(doc, as_spans=True))
        mentions = [Mention(span.label_, kinds[span.label_], span.start_char, span.end_char) for span in spans]
        taken = {i for span in spans for i in range(span.start, span.end)}
        for token in doc:
            if (typos and token.i not in taken and ONE_TYPO <= len(token) <= longest and token.is_alpha
                    and token.lower_ not in real_words):
                name = _nearest(token.lower_, typos)
                if name:
                    mentions.append(Mention(names[name], kinds[names[name]], token.idx, token.idx + len(token)))
        return sorted(mentions, key=lambda mention: mention.start)

    return find


def _plain(text):
    """`text` with its hyphens as blanks and its apostrophes straight; as long as before."""
    return text.replace("-", " ").replace("’", "'")


def _typo_index(kinds, names):
    """{a name with letters left out: [(the name that it came from, its typos allowed)]} (Garbe's symmetric deletion)."""
    index = {}
    for name, term in names.items():
        if len(name) >= ONE_TYPO and re.fullmatch(r"[a-z]+", name):
            most = 2 if len(name) >= TWO_TYPOS and kinds[term] == "medicine" else 1
            for part in _deletions(name, most):
                index.setdefault(part, []).append((name, most))
    return index


def _deletions(word, most):
    return {"".join(letter for i, letter in enumerate(word) if i not in gone)
            for n in range(most + 1) for gone in combinations(range(len(word)), n)}


def _nearest(word, index):
    """The name that `word` is a mistyping of, or None; the first letter must be right, as it nearly always is."""
    best = None
    for part in _deletions(word, 2):
        for name, most in index.get(part, ()):
            distance = _distance(word, name)
            if name[0] == word[0] and distance <= most and (best is None or (distance, name) < best):
                best = (distance, name)
    return best and best[1]


def _distance(a, b):
    """Letters put in, left out, exchanged, or swapped with their neighbour, to get from `a` to `b`
    (optimal string alignment)."""
    before, row = None, list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        after = [i]
        for j, right in enumerate(b, 1):
            cost = min(row[j] + 1, after[j - 1] + 1, row[j - 1] + (left != right))
            if before and i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                cost = min(cost, before[j - 2] + 1)
            after.append(cost)
        before, row = row, after
    return row[-1]
