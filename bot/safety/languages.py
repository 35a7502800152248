"""Messages in other languages: which one a message is in, the outright dangers in it, and the fixed
sentences in that language. `languages.yml` holds them; docs/languages.md explains its notation.

Scripts and frequent words decide, not a model: of three packages tried (2026-11-28), none keeps
short English messages with slips English (docs/languages.md has the figures)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.domain.faults import Fault
from bot.domain.reply_kinds import ReplyKind
from bot.safety.patterns import HAN, fold_text, split_phrases, stands_in

LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # the C one is ten times as fast
OTHER = "other"  # a language that has no texts here
CYRILLIC = "Cyrillic"
NOT_LATIN = ("ar", "hi", "uk", "ru", "zh")
ENGLISH_SHARE = 0.4  # of a message's words, from which it is answered as usual
LONGEST = 2_000  # signs that are read
FEW = 60  # words of a message in which every language's dangers are looked for
ONLY_ENGLISH = "Sorry, I only answer in English. In an emergency, call {emergency}."
TEXTS = ("emergency", "crisis", "only_english", "no_country")
PARTS = ("words", "alone", "unless", "emergency", "crisis", "texts")
SCRIPTS = (
    (re.compile("[\u3040-\u30ff\uac00-\ud7af]"), None),  # Japanese, Korean
    (re.compile("[\u4e00-\u9fff]"), "zh"),
    (re.compile("[\u0900-\u097f]"), "hi"),
    (re.compile("[\u067e\u0686\u0698\u06a9\u06af\u06cc\u0679\u06d2]"), None),  # Persian, Urdu
    (re.compile("[\u0600-\u06ff]"), "ar"),
    (re.compile("[\u0400-\u04ff]"), CYRILLIC),
)
UKRAINIAN, RUSSIAN = re.compile("[іїєґІЇЄҐ]"), re.compile("[ыэъёЫЭЪЁ]")
STRANGE_CYRILLIC = re.compile("[јљњћђџўЈЉЊЋЂЏЎ]")
LATIN = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")


@dataclass(frozen=True)
class Language:
    """One language: its frequent words, those that make a message by themselves, phrases
    that tell of dangers, those that take one back, and its texts."""

    words: frozenset[str]
    alone: frozenset[str]
    dangers: tuple[tuple[str, str], ...]  # (kind, phrase)
    unless: tuple[str, ...]
    texts: dict[str, str]


NOBODY = Language(frozenset(), frozenset(), (), (), {})


@dataclass(frozen=True)
class Languages:
    """All languages, and the frequent words of English."""

    known: dict[str, Language]
    others: dict[str, frozenset[str]]
    english: frozenset[str]


def read_languages(path: Path) -> tuple[Languages | None, list[Fault]]:
    """(the Languages in a file, its faults); a site may do without the file."""
    if not path.is_file():
        return None, []
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None, [Fault(str(path), 1, (), "not YAML (it can't be read); mend it")]
    try:
        table = yaml.load(text, Loader=LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it can't be read"
        # libyaml names the line behind the last where a bracket stays open
        line = min(mark.line, text.count("\n")) + 1 if mark else 1
        return None, [Fault(str(path), line, (), f"not YAML ({problem}); mend it")]
    faults = [Fault(str(path), 1, (), said) for said in _find_faults(table)]
    return (None, faults) if faults else (_build(table), [])


def find_language(languages: Languages, text: str) -> str | None:
    """The code of the language that `text` is in, OTHER, or None: English, or too little to
    tell."""
    text = text[:LONGEST]
    words = _words(text)
    english = sum(word in languages.english for word in words)
    by_script = _find_by_script(text)
    if by_script == CYRILLIC:
        by_script = _find_cyrillic(languages, text, words)
    if by_script:
        return None if english > 2 and english >= ENGLISH_SHARE * len(words) else by_script
    return _find_by_words(languages, words, english)


def find_danger(
    languages: Languages, text: str, likely: str | None = None
) -> tuple[str, str] | None:
    """(language, kind of danger) of the first outright danger that a list names, or None; `likely`
    is what `find_language` says."""
    text = text[:LONGEST]
    folded: str | None = None
    for code in _find_candidates(languages, text, likely):
        folded = folded or fold_text(text)
        unless = {*languages.known[code].unless, *languages.known.get(likely or "", NOBODY).unless}
        for kind, phrase in languages.known[code].dangers:
            if stands_in(folded, phrase, unless):
                return code, kind
    return None


def _find_candidates(languages: Languages, text: str, likely: str | None) -> list[str]:
    """The languages whose dangers are looked for: the likely one first; then all, where a message
    holds no English word; else those of which it holds two words, or one where half is strange."""
    words = _words(text)
    strange = [word for word in words if word not in languages.english]
    own = {
        code: sum(word in language.words for word in strange)
        for code, language in languages.known.items()
    }
    order = sorted(languages.known, key=lambda code: (code != likely, -own[code]))
    few = len(words) <= FEW
    if few and all(len(word) == 1 for word in words if word in languages.english):
        return order
    written = any(not LATIN.match(sign) for sign in text if sign.isalpha())
    needed = 1 if 2 * len(strange) >= len(words) else 2
    return [
        code
        for code in order
        if code == likely or own[code] >= needed or written and code in NOT_LATIN
    ]


def _words(text: str) -> list[str]:
    return [word for word in fold_text(text).split() if word != "." and not word.isdigit()]


def _find_by_script(text: str) -> str | None:
    """The language of a message most of whose letters aren't Latin, or None."""
    letters = [sign for sign in text if sign.isalpha()]
    latin = sum(1 for sign in letters if LATIN.match(sign))
    strange = sum(3 if HAN.match(sign) else 1 for sign in letters if not LATIN.match(sign))
    if strange < 2 or strange <= latin:
        return None
    for script, code in SCRIPTS:
        if script.search(text):
            return code or OTHER
    return OTHER


def _find_cyrillic(languages: Languages, text: str, words: Sequence[str]) -> str:
    """Ukrainian, Russian, or another language that is written so."""
    if STRANGE_CYRILLIC.search(text):
        return OTHER
    if UKRAINIAN.search(text):
        return "uk"
    if RUSSIAN.search(text):
        return "ru"
    known = {code: languages.known[code].words for code in ("ru", "uk") if code in languages.known}
    return max(known, key=lambda code: sum(word in known[code] for word in words), default=OTHER)


def _find_by_words(languages: Languages, words: Sequence[str], english: int) -> str | None:
    whole, best = " ".join(words), 1.0
    found: str | None = None
    for code, language in languages.known.items():
        if whole in language.alone:
            return code
    candidates = [(code, language.words) for code, language in languages.known.items()]
    for code, own in [*candidates, *((code, own) for code, own in languages.others.items())]:
        strong = sum(word in own and word not in languages.english for word in words)
        weak = sum(word in own and word in languages.english for word in words)
        against = english - weak
        if strong and against < ENGLISH_SHARE * len(words) and against < strong + weak:
            score = strong + 0.5 * weak
            if score > best:
                best, found = score, code
    return found if found in languages.known or found is None else OTHER


def _build(table: dict[str, Any]) -> Languages:
    known = {}
    for code, entry in table["languages"].items():
        dangers = [
            (kind, phrase)
            for kind in (ReplyKind.CRISIS.value, ReplyKind.EMERGENCY.value)
            for phrase in split_phrases(entry[kind])
        ]
        known[code] = Language(
            frozenset(fold_text(entry["words"]).split()),
            frozenset(fold_text(phrase).strip() for phrase in entry["alone"].split(",")),
            tuple(dangers),
            tuple(split_phrases(entry["unless"])),
            entry["texts"],
        )
    others = {code: frozenset(fold_text(words).split()) for code, words in table["others"].items()}
    return Languages(known, others, frozenset(fold_text(table["english"]).split()))


def _find_faults(table: Any) -> list[str]:
    """What is missing in the file's content, as sentences."""
    if not isinstance(table, dict) or not isinstance(table.get("languages"), dict):
        return ["'languages' is missing; add it"]
    faults = [
        f"'{part}' is missing; add it" for part in ("others", "english") if not table.get(part)
    ]
    for code, entry in table["languages"].items():
        entry = entry if isinstance(entry, dict) else {}
        faults += [f"{code} has no '{part}'; add it" for part in PARTS if part not in entry]
        given = entry.get("texts")
        texts = given if isinstance(given, dict) else {}
        faults += [
            f"{code} has no text '{name}'; write it" for name in TEXTS if not texts.get(name)
        ]
        faults += [
            f"the text '{name}' of {code} doesn't say whom to call; write {{emergency}} where the "
            f"number goes"
            for name in TEXTS[:3]
            if texts.get(name) and "{emergency}" not in texts[name]
        ]
    return faults
