"""The screen: from the words of a message alone, an emergency, a crisis, or nothing.

Reads `safety.yml` (words, red flags, fixed texts) and `emergency_numbers.yml`; docs/safety.md explains their notation.
Needs PyYAML and nothing else, so that it answers when everything behind it is down.
"""
from __future__ import annotations

import itertools
import re
import unicodedata
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

KINDS = ("emergency", "crisis")
LINES = ("emergency", "poison", "crisis")  # the telephone lines a text may ask for
# What these concepts mean to the screen is written here; which words they hold, in safety.yml.
CUES = ("figure", "negation", "not_negation", "past", "now", "study", "not_study", "lesson", "person", "turn")
NEAR = 16  # words between two concepts joined by "&"
EXCUSES = ("negation", "past", "study")  # what can take a danger back
CLOSE = 3  # words that may lie between two concepts joined by ">"
ABOUT = 7  # words after "my dad", "she" ... that are about that person
NEGATES = 3  # words that may lie between "no", "not" ... and what it takes back
NUMBERS = {word: str(n) for n, word in enumerate(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen".split(), 1)} | dict(twenty="20", thirty="30", forty="40", fifty="50", sixty="60", hundred="100")
TOKEN = re.compile(r"\d+(?:st|nd|rd|th)\b|\d+(?:[.,]\d+)?|[a-z](?:[a-z0-9']|\*+(?=[a-z]))*"  # words and numbers
                   r"|[.!?;\n…]+|[,:()\[\]\"–—/]|(?<=\s)-(?=\s)")  # ends of sentences, ends of clauses
TWO_SLIPS = 10  # letters of a word from which on two typing slips are understood, not one


class SafetyFileError(ValueError):
    """A file of the screen can't be used; the message lists the faults as `path:line: what is wrong`."""


@dataclass(frozen=True)
class Danger:
    kind: str  # "emergency" or "crisis"
    flag: str  # the red flag's id in safety.yml


@dataclass(frozen=True)
class Flag:
    id: str
    kind: str
    text: str
    when: tuple  # alternatives; each is groups joined by "&"; each group, concepts joined by ">"
    unless: tuple  # concepts whose sentence raises nothing
    even_if: frozenset  # EXCUSES that don't count
    must: tuple
    must_not: tuple


@dataclass(frozen=True)
class Screen:
    """A loaded screen, for `screen`, `reply` and `numbers`; immutable, safe to share between threads."""
    flags: tuple
    concepts: tuple  # the phrase tree of all concepts, and its `_keys`
    same: tuple  # the same for other spellings
    spell: object  # word -> the word of the table that it most likely is
    texts: dict
    countries: dict
    must: dict  # kind -> messages that may never be missed


@dataclass(frozen=True)
class Words:
    """A message as the screen sees it: words, and for each its sentence and clause."""
    words: list
    sentence: list
    clause: list


def load(folder: Path) -> Screen:
    """Return the screen read from `folder`/safety.yml and `folder`/emergency_numbers.yml (the project's `data`).

    Raises SafetyFileError, with path:line, when a file is missing or broken; examples are left to `check`.
    """
    loaded, faults = _parse(Path(folder))
    if faults:
        raise SafetyFileError("\n".join(faults))
    return loaded


def check(folder: Path) -> list[str]:
    """Return every fault of the two files as `path:line: what is wrong and what to write instead`; [] when good."""
    loaded, faults = _parse(Path(folder))
    if faults:
        return faults
    path = Path(folder) / "safety.yml"
    table, lines = _read(path)
    used = set(CUES).union(*(flag.unless for flag in loaded.flags),
                           *(group for flag in loaded.flags for groups in flag.when for group in groups))
    faults += [f"{path}:{lines['words', name]}: no flag uses '{name}'; use it or take it out" for name in table["words"]
               if name not in used]
    for flag in loaded.flags:
        for side, examples in (("must", flag.must), ("must_not", flag.must_not)):
            for i, example in enumerate(examples):
                found = screen(loaded, example)
                line = lines[("flags", flag.id, side, i)]
                if side == "must" and (found is None or found.kind != flag.kind):
                    got = f"is seen as {found.kind} ({found.flag})" if found else "is seen as harmless"
                    faults.append(f"{path}:{line}: '{example}' must match {flag.id} but {got}; widen its 'when' or the "
                                  "words that it uses")
                if side == "must_not" and found is not None:
                    faults.append(f"{path}:{line}: '{example}' must not match but does ({found.flag}); narrow that "
                                  "flag, or add the wording to 'figure', 'past' or 'study'")
    for kind, messages in loaded.must.items():
        for i, message in enumerate(messages):
            found = screen(loaded, message)
            if found is None or found.kind != kind:
                faults.append(f"{path}:{lines[('must', kind, i)]}: '{message}' must be seen as {kind} but is seen as "
                              f"{found.kind if found else 'harmless'}; widen the flag that should catch it")
    return faults


def screen(loaded: Screen, text: str) -> Danger | None:
    """Return the first red flag, in the order of safety.yml, that `text` raises, or None. Never raises; under 5 ms."""
    message = _words(loaded.spell, loaded.same, text)
    hits = _hits(*loaded.concepts, message)
    if "figure" in hits:
        hits = _literal(hits)
    excuses = _excuses(message, hits)
    spoken = {concept: [(span, excuses(span[0])) for span in spans] for concept, spans in hits.items()
              if concept not in CUES or concept in ("now", "person")}
    standing = {}
    for flag in loaded.flags:
        if flag.even_if not in standing:
            standing[flag.even_if] = {concept: [span for span, why in spans if why <= flag.even_if]
                                      for concept, spans in spoken.items()}
        blocked = {message.sentence[start] for concept in flag.unless for start, _ in hits.get(concept, ())}
        for groups in flag.when:
            if _together(groups, standing[flag.even_if], message, blocked):
                return Danger(flag.kind, flag.id)
    return None


def reply(loaded: Screen, danger: Danger, country: str | None = None) -> dict:
    """Return the fixed answer `{kind, text, numbers}` for a danger, with `more` where the text has one; see `numbers`.

    `country` is an ISO 3166 code; without one, or for one that is not in the table, 112 and "your local emergency
    number" are given.
    """
    text = loaded.texts[next(flag.text for flag in loaded.flags if flag.id == danger.flag)]
    found = loaded.countries.get((country or "").upper())
    first = found["emergency"]["number"] if found else "112 or your local emergency number"
    filled = {part: text[part].replace("{emergency}", first) for part in ("text", "more") if part in text}
    order = text["numbers"]
    shown = [line for line in numbers(loaded, country) if line["line"] in order]
    return {"kind": danger.kind, **filled, "numbers": sorted(shown, key=lambda line: order.index(line["line"]))}


def numbers(loaded: Screen, country: str | None = None) -> list[dict]:
    """Return a country's numbers as `{line, label, number, tel}`; line: emergency, poison or crisis; tel: a link."""
    found = loaded.countries.get((country or "").upper())
    if not found:
        return [{"line": "emergency", "label": "Emergency (or your local emergency number)", "number": "112",
                 "tel": "tel:112"}]
    return [{"line": line, "label": found[line]["label"], "number": found[line]["number"],
             "tel": "tel:" + re.sub(r"[^+\d]", "", found[line]["number"])} for line in LINES if line in found]


def is_slip(loaded: Screen, word: str) -> bool:
    """Whether the screen reads `word`, in small letters, as a misspelling of another; for writing `not_typos`."""
    return word not in NUMBERS and loaded.spell(word) != word


# A message into words


def _words(spell, same: tuple, text: str) -> Words:
    folded = text.lower().replace("`", "'")
    if not text.isascii():
        folded = unicodedata.normalize("NFKD", folded).replace("’", "'").replace("‘", "'").replace("ʼ", "'")
        folded = "".join(c for c in folded if unicodedata.category(c) not in ("Mn", "Cf"))
    words, sentence, clause = [], [], []
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
    return _respelled(same, Words(words, sentence, clause))


def _respelled(same: tuple, message: Words) -> Words:
    """Other spellings ("can not") replaced by the one that the table uses ("cant"), the longest first."""
    best = {}
    for name, spans in _hits(*same, message).items():
        for start, end in spans:
            if end > best.get(start, (0, ""))[0]:
                best[start] = (end, name)
    words, sentence, clause, i = [], [], [], 0
    while i < len(message.words):
        end, name = best.get(i, (i + 1, message.words[i]))
        for word in name.split():
            words.append(word)
            sentence.append(message.sentence[i])
            clause.append(message.clause[i])
        i = end
    return Words(words, sentence, clause)


def _literal(hits: dict) -> dict:
    """The hits outside figures of speech; a figure inside a longer danger ("my chest is killing me") is none."""
    dangers = {span for concept, spans in hits.items() if concept not in CUES for span in spans}
    used = {i for start, end in hits["figure"] for i in range(start, end)
            if not any(a <= start and end <= b and b - a > end - start for a, b in dangers)}
    return {concept: kept for concept, spans in hits.items()
            if (kept := [span for span in spans if used.isdisjoint(range(*span))])}


def _speller(known: set, real: set, fitting: tuple):
    """Return a function that gives the known word that a slip stands for, or the word itself.

    Words among `real` are no slips, close as they may be to one of ours: "chess" is not "chest"; nor
    are words that a key of the trees fits (`fitting`: their `_keys`), as "drooped" does "droop*".
    """
    by_deletion, by_letter = {}, {}
    for word in sorted(known):
        if len(word) >= TWO_SLIPS:
            by_letter.setdefault(word[0], []).append((word, _letters(word)))
        for key in _deletions(word) if len(word) >= 4 else ():
            by_deletion.setdefault(key, []).append(word)

    @lru_cache(maxsize=20_000)
    def spell(word: str) -> str:
        if word in known:
            return NUMBERS.get(word, word)
        word = NUMBERS.get(word, word).replace("'", "")
        drawn = re.sub(r"(.)\1\1+", r"\1\1", word)  # "helppp", "pleeease"
        if drawn != word:
            word = next((w for w in (drawn, re.sub(r"(.)\1", r"\1", drawn)) if w in known or w in real), drawn)
        if word in known or word in real or not 4 <= len(word) <= 20 or any(len(keys(word)) > 1 for keys in fitting):
            return NUMBERS.get(word, word)
        near = {other for key in _deletions(word) for other in by_deletion.get(key, ())
                if other[0] == word[0] or other[:2] == word[1::-1]}
        if len(word) >= TWO_SLIPS - 1:
            letters = _letters(word)
            near.update(other for other, theirs in by_letter.get(word[0], ())
                        if abs(len(other) - len(word)) <= 2 and (letters ^ theirs).bit_count() <= 3)
        return min(((slips, other) for other in near if (slips := _slips(word, other)) <= _allowed(word, other)),
                   default=(0, word))[1]

    return spell


def _allowed(word: str, other: str) -> int:
    """Slips allowed: swapped letters from 4 letters on, any one slip from 5 on, two from 10 on."""
    return 2 if len(other) >= TWO_SLIPS else 1 if len(other) > 4 or sorted(other) == sorted(word) else 0


def _letters(word: str) -> int:
    """The set of a word's letters as bits."""
    return sum(1 << ord(letter) % 64 for letter in set(word))


def _deletions(word: str) -> set:
    return {word} | {word[:i] + word[i + 1:] for i in range(len(word))}


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


# Phrases: "a/b" either, "a?" perhaps, "a*" any ending, "^a" a at the start, "_" any word, "5+" a number from 5 on,
# "1-28" a number between


def _phrases(entry: str) -> list[str]:
    return [phrase for phrase in map(str.strip, entry.split(",")) if phrase]


def _variants(phrase: str) -> list[list[str]]:
    slots = []
    for item in phrase.lower().split():
        optional, item = item.endswith("?"), item.removesuffix("?")
        slots.append(item.split("/") + ([""] if optional else []))
    return [[word for word in words if word] for words in itertools.product(*slots)]


def _plant(tree: dict, words: list, name: str) -> None:
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


def _keys(tree: dict):
    """Return a function from a word to the keys of the tree that it fits, besides "^word"."""
    keys, stack = set(), [tree]
    while stack:
        for key, child in stack.pop().items():
            if key is not None:
                keys.add(key)
                stack.append(child)
    ranges = [key for key in keys if type(key) is tuple and type(key[0]) is float]

    @lru_cache(maxsize=20_000)
    def fitting(word: str) -> tuple:
        fit = [key for key in (word, *(("", word[:end]) for end in range(1, len(word) + 1))) if key in keys]
        if word[0].isdigit() and word[-1].isdigit():
            fit += [key for key in ranges if key[0] <= float(word.replace(",", ".")) <= key[1]]
        return (*fit, "_")

    return fitting


def _hits(tree: dict, keys, message: Words) -> dict:
    """Return every occurrence of every name in the tree: `{name: [(start, end), ...]}`, in order, within a sentence."""
    hits, sentence, clause, n = {}, message.sentence, message.clause, len(message.words)
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


# What is taken back, and what stands together


def _excuses(message: Words, hits: dict):
    """Return a function from a position to what takes a danger named there back: some of EXCUSES."""
    inside = {i for concept, spans in hits.items() if concept not in CUES or concept == "not_negation"
              for start, end in spans for i in range(start, end)}
    turns, turned, clause = {s for s, _ in hits.get("turn", ())}, 0, []
    for i, c in enumerate(message.clause):
        turned += i in turns
        clause.append(c + turned)
    sentence, n = message.sentence, len(message.words)

    def after(spans, reach, unit):
        return {i for s, e in spans for i in range(s, min(e + reach + 1, n)) if unit[i] == unit[s]}

    denied = after([(s, e) for s, e in hits.get("negation", ()) if not inside.issuperset(range(s, e))], NEGATES, clause)
    past = {clause[s] for s, _ in hits.get("past", ())} - {clause[s] for s, _ in hits.get("now", ())}
    helped = inside.union(i for s, e in hits.get("not_study", ()) for i in range(s, e))
    study = [(s, e) for s, e in hits.get("study", ()) if not helped.issuperset(range(s, e))]
    asking = {i for s, e in study for i in range(s, e)}
    about_someone = after([span for span in hits.get("person", ()) if span[0] not in asking], ABOUT, sentence)
    asked = {sentence[s] for s, _ in study} - {sentence[s] for s, _ in hits.get("now", ())}
    lessons = {clause[s] for s, _ in hits.get("lesson", ())}

    def excuses(at: int) -> frozenset:
        studied = clause[at] in lessons or sentence[at] in asked and at not in about_someone
        return frozenset(excuse for excuse, holds in zip(EXCUSES, (at in denied, clause[at] in past, studied)) if holds)

    return excuses


def _together(groups: tuple, hits: dict, message: Words, blocked: set) -> bool:
    """Whether one occurrence of every group stands near one of the first group."""
    spans = [[span for span in _chained(group, hits, message) if message.sentence[span[0]] not in blocked]
             for group in groups]
    if not all(spans):
        return False
    starts = [sorted(start for start, _ in others) for others in spans[1:]]
    return any(all(bisect_left(others, a - NEAR) < bisect_right(others, b + NEAR) for others in starts)
               for a, b in spans[0])


def _chained(group: tuple, hits: dict, message: Words) -> list:
    spans = hits.get(group[0], [])
    for concept in group[1:]:
        ends = {}
        for c, d in hits.get(concept, ()) if spans else ():
            ends.setdefault(c, []).append(d)
        spans = [(a, d) for a, b in spans for c in range(b, b + CLOSE + 1) if c in ends
                 and message.clause[a] == message.clause[c] for d in ends[c]]
    return spans


# The files


def _read(path: Path):
    """Return a YAML file as dicts, lists and strings, and the line of every entry by its keys; YAMLError, OSError."""
    lines = {}

    def build(node, keys):
        lines[keys] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            made = {}
            for key, value in node.value:
                made[key.value] = build(value, keys + (key.value,))
                lines[keys + (key.value,)] = key.start_mark.line + 1
            return made
        if isinstance(node, yaml.SequenceNode):
            return [build(item, keys + (i,)) for i, item in enumerate(node.value)]
        return node.value

    node = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
    return build(node, ()) if node else None, lines


def _vocabulary(table: dict) -> tuple:
    """The speller, the tree of other spellings and the tree of concepts, each tree with its `_keys`."""
    known, same, concepts = set(), {}, {}
    for name, entry in table["same"].items():
        known.update(name.split())
        for words in itertools.chain.from_iterable(map(_variants, _phrases(entry))):
            known.update(words)
            _plant(same, words, name)
    same = (same, _keys(same))
    for name, entry in table["words"].items():
        for words in itertools.chain.from_iterable(map(_variants, _phrases(entry))):
            known.update(words)
            level = [0] * len(words)
            _plant(concepts, _respelled(same, Words(words, level, level)).words, name)
    concepts = (concepts, _keys(concepts))
    known = {word for word in known if word.replace("'", "").isalpha()}
    return _speller(known, set(table["not_typos"].split()), (concepts[1], same[1])), same, concepts


def _parse(folder: Path):
    faults = []
    files = []
    for name in ("safety.yml", "emergency_numbers.yml"):
        path = folder / name
        try:
            content, lines = _read(path)
        except OSError as error:
            faults.append(f"{path}:1: can't be read ({error.strerror}); put the file there")
            continue
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            faults.append(f"{path}:{mark.line + 1 if mark else 1}: not YAML ({getattr(error, 'problem', error)}); "
                          "check indentation and quotes")
            continue
        files.append((path, content, lines))
    if faults:
        return None, faults
    (path, table, lines), (numbers_path, book, number_lines) = files

    def at(*keys):
        return f"{path}:{lines.get(keys, 1)}"

    table = table if isinstance(table, dict) else {}
    commas = "phrases separated by commas"
    for part, kind, holds in (("same", str, commas), ("words", str, commas), ("flags", dict, "kind, text, when ..."),
                              ("texts", dict, "numbers, text ...")):
        if not isinstance(table.get(part), dict):
            faults.append(f"{path}:1: '{part}' is missing; add it")
            continue
        faults += [f"{at(part, name)}: '{name}' must hold {holds}; write them after the colon"
                   for name, entry in table[part].items() if not isinstance(entry, kind)]
    if not isinstance(table.get("not_typos"), str):
        faults.append(f"{path}:1: 'not_typos' is missing; add it")
    if faults:
        return None, faults
    spell, same, concepts = _vocabulary(table)
    for cue in CUES:
        if cue not in table["words"]:
            faults.append(f"{at('words')}: '{cue}' is missing; list its words, the screen needs it")
    flags = []
    for name, entry in table["flags"].items():
        here = at("flags", name)
        if entry.get("kind") not in KINDS:
            faults.append(f"{here}: kind of {name} is '{entry.get('kind')}'; write {' or '.join(KINDS)}")
        if entry.get("text") not in table["texts"]:
            faults.append(f"{here}: text '{entry.get('text')}' is not under texts; write one of "
                          + ", ".join(table["texts"]))
        for side in ("when", "must", "must_not"):
            if not entry.get(side):
                faults.append(f"{here}: {name} has no '{side}'; add at least one")
        when = []  # every line written out, without its "/"
        for i, line in enumerate(entry.get("when") or ()):
            slots = [[slot.split("/") for slot in part.split(">")] for part in line.replace(" ", "").split("&")]
            when += itertools.product(*(tuple(itertools.product(*part)) for part in slots))
            for concept in itertools.chain(*itertools.chain(*slots)):
                if concept not in table["words"]:
                    faults.append(f"{at('flags', name, 'when', i)}: '{concept}' is not under words; add it or write "
                                  "one that is")
        for concept in entry.get("unless") or ():
            if concept not in table["words"]:
                faults.append(f"{here}: '{concept}' in unless is not under words; add it or write one that is")
        for excuse in entry.get("even_if") or ():
            if excuse not in EXCUSES:
                faults.append(f"{here}: '{excuse}' in even_if; write some of {', '.join(EXCUSES)}")
        flags.append(Flag(name, entry.get("kind"), entry.get("text"), tuple(when), tuple(entry.get("unless") or ()),
                          frozenset(entry.get("even_if") or ()), tuple(entry.get("must") or ()),
                          tuple(entry.get("must_not") or ())))
    for name, entry in table["texts"].items():
        if not entry.get("text"):
            faults.append(f"{at('texts', name)}: {name} has no text; write what the visitor reads")
        if "{emergency}" not in entry.get("text", ""):
            faults.append(f"{at('texts', name)}: {name} doesn't say whom to call; write {{emergency}} where the number "
                          "goes")
        for line in entry.get("numbers") or ("",):
            if line not in LINES:
                faults.append(f"{at('texts', name)}: numbers '{line}'; write some of {', '.join(LINES)}")
    must = table.get("must")
    if not isinstance(must, dict) or set(must) != set(KINDS) or not all(isinstance(must[kind], list) for kind in KINDS):
        faults.append(f"{at('must')}: 'must' needs two lists, {' and '.join(KINDS)}: the messages that may never be missed")
    faults += _number_faults(numbers_path, book, number_lines)
    if faults:
        return None, faults
    return Screen(tuple(flags), concepts, same, spell, table["texts"], book["countries"],
                  {kind: tuple(must[kind]) for kind in KINDS}), []


def _number_faults(path: Path, book, lines: dict) -> list[str]:
    faults = []
    if not isinstance(book, dict) or not book.get("countries") or not book.get("sources"):
        return [f"{path}:1: 'countries' or 'sources' is missing; add it"]
    for code, entry in book["countries"].items():
        here = f"{path}:{lines.get(('countries', code), 1)}"
        if not re.fullmatch("[A-Z]{2}", code):
            faults.append(f"{here}: '{code}' is no country code; write two capital letters as in ISO 3166")
        if "emergency" not in entry:
            faults.append(f"{here}: {code} has no emergency number; add it")
        for line in LINES:
            if line not in entry:
                continue
            for part in ("label", "number", "source"):
                if not entry[line].get(part):
                    faults.append(f"{here}: {code}'s {line} has no {part}; add it")
            if not re.fullmatch(r"\+?\d[\d -]*", entry[line].get("number") or ""):
                faults.append(f"{here}: '{entry[line].get('number')}' is no telephone number; write digits and spaces")
            if entry[line].get("source") not in book["sources"]:
                faults.append(f"{here}: source '{entry[line].get('source')}' is not under sources; add it there")
    return faults
