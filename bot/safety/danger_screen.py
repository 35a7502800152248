"""The screen: from the words of a message alone, an emergency, a crisis, or nothing.

Reads `safety.yml` (words, red flags, fixed texts) and `emergency_numbers.yml`; docs/safety.md
explains their notation. Needs PyYAML and nothing else, so that it answers when everything behind it
is down."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.domain.faults import Fault
from bot.domain.reply_kinds import ReplyKind
from bot.language.normal_form import make_normal_form
from bot.safety import languages, patterns, phrases, rules_file
from bot.safety.danger_messages import read_danger_messages as read_messages
from bot.safety.emergency_lines import ALWAYS, LINES, Line
from bot.safety.rules_file import CUES, EXCUSES, SafetyFileError, Screen

NEAR = 16  # words between two concepts joined by "&"
CLOSE = 3  # words that may lie between two concepts joined by ">"
ABOUT = 7  # words after "my dad", "she" ... that are about that person
NEGATES = 3  # words that may lie between "no", "not" ... and what it takes back


@dataclass(frozen=True)
class Danger:
    kind: str  # "emergency" or "crisis"
    # the red flag's id in safety.yml, LEARNED and the kind that the net found, or SPOKEN and the
    # code of another language in which it was said
    flag: str


LEARNED = "net."
SPOKEN = "language."
ALL = tuple(kind for kind in LINES if kind != "deaf")  # that stands below the emergency's
FILES = ("safety.yml", "emergency_numbers.yml", "languages.yml")  # that a screen is read from
WARNED = {"emergency": 1, "crisis": 1, "poison": 1, "violence": 1}  # lines beside a warning


def load_screen(folder: Path) -> Screen:
    """Return the screen read from `folder`/safety.yml and `folder`/emergency_numbers.yml (the
    project's `data`).

    Raises SafetyFileError, with path:line, when a file is missing or broken; examples are left to
    `check`."""
    loaded, faults = rules_file.parse_rules(Path(folder))
    if loaded is None:
        raise SafetyFileError(faults)
    return loaded


def check_rules(folder: Path) -> list[Fault]:
    """Return every fault of the two files, and of the messages in `folder`/danger; [] when
    good."""
    loaded, faults = rules_file.parse_rules(Path(folder))
    if loaded is None:
        return faults
    rules = Path(folder) / "safety.yml"
    path, (table, lines) = str(rules), rules_file.read_rules_yaml(rules)
    used = set(CUES).union(
        *(flag.unless for flag in loaded.flags),
        *(group for flag in loaded.flags for groups in flag.when for group in groups),
    )
    faults += [
        Fault(path, lines[place], place, f"no flag uses '{place[1]}'; use it or take it out")
        for place in (("words", name) for name in table["words"] if name not in used)
    ]
    for flag in loaded.flags:
        for side, examples in (("must", flag.must), ("must_not", flag.must_not)):
            for i, example in enumerate(examples):
                found = find_danger(loaded, example)
                line = lines[("flags", flag.id, side, i)]
                if side == "must" and (found is None or found.kind != flag.kind):
                    got = (
                        f"is seen as {found.kind} ({found.flag})"
                        if found
                        else "is seen as harmless"
                    )
                    said = (
                        f"'{example}' must match {flag.id} but {got}; widen its 'when' or the "
                        f"words that it uses"
                    )
                    faults.append(Fault(path, line, ("flags", flag.id, side, i), said))
                if side == "must_not" and found is not None:
                    said = (
                        f"'{example}' must not match but does ({found.flag}); narrow that flag, "
                        f"or add the wording to 'figure', 'past' or 'study'"
                    )
                    faults.append(Fault(path, line, ("flags", flag.id, side, i), said))
    for kind, messages in loaded.must.items():
        for i, message in enumerate(messages):
            found = find_danger(loaded, message)
            if found is None or found.kind != kind:
                said = (
                    f"'{message}' must be seen as {kind} but is seen as "
                    f"{found.kind if found else 'harmless'}; widen the flag that should catch it"
                )
                place = ("must", kind, i)
                faults.append(Fault(path, lines[place], place, said))
    return faults + read_messages(folder, loaded.kinds)[1]


def find_danger(loaded: Screen, text: str) -> Danger | None:
    """Return the first red flag, in the order of safety.yml, that `text` raises, as it was typed or
    in its normal form; or None. Never raises; under 5 ms."""
    normal = make_normal_form(text)
    return _screen(loaded, text) or (_screen(loaded, normal) if normal != text else None)


def _screen(loaded: Screen, text: str) -> Danger | None:
    message = phrases.to_words(loaded.spell, loaded.same, text)
    return _raise(loaded, message, phrases.find_in_tree(*loaded.concepts, message))


def _raise(loaded: Screen, message: phrases.Words, hits: phrases.Hits) -> Danger | None:
    """The first flag that a message raises, by the concepts that it holds."""
    if "figure" in hits:
        hits = _literal(hits)
    excuses = _excuses(message, hits)
    spoken = {
        concept: [(span, excuses(span[0])) for span in spans]
        for concept, spans in hits.items()
        if concept not in CUES or concept in ("now", "person")
    }
    standing: dict[frozenset[str], tuple[phrases.Hits, frozenset[str]]] = {}
    for flag in loaded.flags:
        if flag.even_if not in standing:
            own = {
                concept: [span for span, why in spans if why <= flag.even_if]
                for concept, spans in spoken.items()
            }
            standing[flag.even_if] = own, frozenset(name for name, spans in own.items() if spans)
        own, names = standing[flag.even_if]
        possible = [groups for needed, groups in flag.needs if needed <= names]  # mostly none
        if not possible:
            continue
        blocked = {
            message.sentence[start] for concept in flag.unless for start, _ in hits.get(concept, ())
        }
        if any(_together(groups, own, message, blocked) for groups in possible):
            return Danger(flag.kind, flag.id)
    return None


def screen_language(loaded: Screen, text: str) -> tuple[str | None, Danger | None]:
    """(the code of another language that `text` is in, languages.OTHER for one without texts, None
    for English and for too little to tell; the outright danger that it tells in such a
    language)."""
    if loaded.languages is None:
        return None, None
    language = languages.find_language(loaded.languages, text)
    found = languages.find_danger(loaded.languages, text, language)
    return language, Danger(found[1], SPOKEN + found[0]) if found else None


def is_settled(loaded: Screen, text: str) -> bool:
    """Whether `text` tells that help has come, or that a danger is over."""
    if loaded.after is None:
        return False
    folded = patterns.fold_text(make_normal_form(text))
    return any(
        patterns.stands_in(folded, phrase, loaded.after.unless) for phrase in loaded.after.settled
    )


def is_going_on(loaded: Screen, text: str) -> bool:
    """Whether `text` tells that a danger goes on or gets worse."""
    folded = patterns.fold_text(make_normal_form(text))
    return loaded.after is not None and any(
        patterns.stands_in(folded, phrase) for phrase in loaded.after.going_on
    )


def reply_settled(loaded: Screen, country: str | None = None) -> dict[str, Any]:
    """What a message gets that tells, after an alarm, that help has come: where `is_settled`."""
    if loaded.after is None:
        raise ValueError("this screen knows no message that settles an alarm")
    text = loaded.after.text.replace("{emergency}", first_number(loaded, country))
    return {"kind": ReplyKind.TALK, "topic": "settled", "text": text}


def in_language(loaded: Screen, danger: Danger, language: str) -> Danger:
    """A danger that English rules found in a message in another language: it is answered in
    that."""
    spoken = Danger(danger.kind, SPOKEN + language)
    return spoken if is_known(loaded, spoken) else danger


def decline_language(loaded: Screen, language: str, country: str | None = None) -> dict[str, Any]:
    """What a message in another language gets: that answers are in English alone, in its own
    language where there is such a text, with the emergency number."""
    text = _say(loaded, language, "only_english", country)
    numbers = _shown(loaded, ["emergency"], country)
    return {"kind": ReplyKind.OUT_OF_SCOPE, **text, "numbers": numbers}


def _say(loaded: Screen, language: str, name: str, country: str | None) -> dict[str, str]:
    """{text, language} of a text of languages.yml."""
    if loaded.languages is None or language not in loaded.languages.known:
        number = first_number(loaded, country)
        return {"text": languages.ONLY_ENGLISH.replace("{emergency}", number), "language": "en"}
    texts = loaded.languages.known[language].texts
    known = loaded.book.find(country)
    number = first_number(loaded, country) if known else texts["no_country"]
    return {"text": texts[name].replace("{emergency}", number), "language": language}


def read_concepts(loaded: Screen, text: str) -> tuple[list[str], list[str]]:
    """Return what the net learns from: the concepts of safety.yml that `text` holds, each also
    with what takes it back ("seizure|past"), the flag that it raises; and its words with slips
    undone."""
    message = phrases.to_words(loaded.spell, loaded.same, text)
    hits = phrases.find_in_tree(*loaded.concepts, message)
    excuses, found = _excuses(message, hits), set(hits)
    for concept, spans in hits.items():
        if concept not in CUES:
            why = {excuse for start, _ in spans for excuse in excuses(start)}
            found.update(f"{before}|{excuse}" for excuse in why for before in (concept, ""))
    if danger := _raise(loaded, message, hits):
        found |= {"flag|", f"flag|{danger.flag}"}  # a new flag counts as flags do, from the first
    return sorted(found), message.words


def danger_reply(loaded: Screen, danger: Danger, country: str | None = None) -> dict[str, Any]:
    """Return the fixed answer `{kind, text, numbers}` for a danger, with `more` where the text has
    one; see `numbers`.

    `country` as `countries.country_code` takes it; without one, or for one that is not in the
    table, the emergency numbers of most of the world are given, each with where it is for."""
    if danger.flag.startswith(SPOKEN):
        said = _say(loaded, danger.flag.removeprefix(SPOKEN), danger.kind, country)
        return {
            "kind": danger.kind,
            **said,
            "numbers": _shown(loaded, list(dict.fromkeys([danger.kind, "emergency"])), country),
        }
    text = loaded.texts[_text_of(loaded, danger)]
    filled: dict[str, str] = {
        part: _fill(loaded, text, text[part], country) for part in ("text", "more") if part in text
    }
    return {"kind": danger.kind, **filled, "numbers": _shown(loaded, text["numbers"], country)}


def warning_line(loaded: Screen, kind: str, country: str | None = None) -> dict[str, Any]:
    """Return the sentence `{kind, text, numbers}` that stands above a usual answer for a likely
    danger of one of `loaded.kinds`."""
    entry = loaded.kinds[kind]
    order = [line for line in loaded.texts[entry["text"]]["numbers"] if line in WARNED]
    return {
        "kind": entry["kind"],
        "text": entry["warning"].replace("{emergency}", first_number(loaded, country)),
        "numbers": [
            line for kind in order for line in _shown(loaded, [kind], country)[: WARNED[kind]]
        ],
    }


def is_known(loaded: Screen, danger: Danger) -> bool:
    """Whether `reply` has an answer to the danger; one that an earlier release heard may be
    gone."""
    if danger.flag.startswith(SPOKEN):
        spoken = danger.flag.removeprefix(SPOKEN)
        return loaded.languages is not None and spoken in loaded.languages.known
    learned = danger.flag.removeprefix(LEARNED)
    return (
        learned in loaded.kinds
        if learned != danger.flag
        else any(flag.id == danger.flag for flag in loaded.flags)
    )


def _text_of(loaded: Screen, danger: Danger) -> str:
    if danger.flag.startswith(LEARNED):
        return loaded.kinds[danger.flag.removeprefix(LEARNED)]["text"]
    return next(flag.text for flag in loaded.flags if flag.id == danger.flag)


def first_number(loaded: Screen, country: str | None) -> str:
    """Return whom to call first, for a sentence: a country's emergency number, or where it isn't
    known, words for it."""
    found = loaded.book.find(country)
    return found["emergency"][0].number if found else loaded.book.say


def _fill(loaded: Screen, text: rules_file.Table, part: str, country: str | None) -> str:
    """A part of a text with the numbers of a country. A line that may be shut is named with its
    hours, and what a text says in `open` is said where a line is shown, and none of them shuts."""
    lines = [
        line
        for kind in text["numbers"]
        if kind != "emergency"
        for line in _lines(loaded, kind, country)
    ]
    spoken = next(
        (line for line in lines if line.kind == "crisis" and line.number and line.way == "voice"),
        None,
    )
    if spoken is None:
        crisis = text.get("no_line", "")
    else:
        conditions = "" if spoken.hours == ALWAYS else spoken.conditions()
        name = "" if spoken.label == spoken.number else f"{spoken.label} on "
        crisis = f"call {name}{spoken.number}" + (f" ({conditions})" if conditions else "")
    is_open = spoken is not None and all(line.hours == ALWAYS for line in lines)
    part = part.replace("{open}", text.get("open", "") if is_open else "")
    return part.replace("{crisis}", crisis).replace("{emergency}", first_number(loaded, country))


def _lines(loaded: Screen, kind: str, country: str | None) -> tuple[Line, ...]:
    """The lines of one kind; those for anywhere, where the country has no book or no crisis
    line."""
    found = loaded.book.find(country)
    if found is None or (kind == "crisis" and kind not in found):
        found = loaded.book.anywhere
    return found.get(kind, ())


def _shown(loaded: Screen, order: Sequence[str], country: str | None) -> list[dict[str, str]]:
    """The lines that a text asks for, in its order; with the emergency's, that for deaf people."""
    kinds = [
        kind for name in order for kind in ((name, "deaf") if name == "emergency" else (name,))
    ]
    return [line.show() for kind in kinds for line in _lines(loaded, kind, country)]


def emergency_numbers(
    loaded: Screen, country: str | None = None, kinds: Sequence[str] = ALL
) -> list[dict[str, str]]:
    """Return a country's lines of some kinds as `{line, label, number}`, with `tel`, a link to call
    or text, or `url`, one to open."""
    return _shown(loaded, kinds, country)


def is_slip(loaded: Screen, word: str) -> bool:
    """Whether the screen reads `word`, in small letters, as a misspelling of another; for writing
    `not_typos`."""
    return word not in phrases.NUMBERS and loaded.spell(word) != word


def _literal(hits: phrases.Hits) -> phrases.Hits:
    """The hits outside figures of speech; a figure inside a longer danger ("my chest is killing
    me") is none."""
    dangers = {span for concept, spans in hits.items() if concept not in CUES for span in spans}
    used = {
        i
        for start, end in hits["figure"]
        for i in range(start, end)
        if not any(a <= start and end <= b and b - a > end - start for a, b in dangers)
    }
    return {
        concept: kept
        for concept, spans in hits.items()
        if (kept := [span for span in spans if used.isdisjoint(range(*span))])
    }


# What is taken back, and what stands together


def _excuses(message: phrases.Words, hits: phrases.Hits) -> Callable[[int], frozenset[str]]:
    """Return a function from a position to what takes a danger named there back: some of
    EXCUSES."""
    inside = {
        i
        for concept, spans in hits.items()
        if concept not in CUES or concept == "not_negation"
        for start, end in spans
        for i in range(start, end)
    }
    turns, turned = {s for s, _ in hits.get("turn", ())}, 0
    clause: list[int] = []
    for i, c in enumerate(message.clause):
        turned += i in turns
        clause.append(c + turned)
    sentence, n = message.sentence, len(message.words)

    def after(spans: Iterable[phrases.Span], reach: int, unit: Sequence[int]) -> set[int]:
        return {i for s, e in spans for i in range(s, min(e + reach + 1, n)) if unit[i] == unit[s]}

    denied = after(
        [(s, e) for s, e in hits.get("negation", ()) if not inside.issuperset(range(s, e))],
        NEGATES,
        clause,
    )
    past = {clause[s] for s, _ in hits.get("past", ())} - {
        clause[s] for s, _ in hits.get("now", ())
    }
    helped = inside.union(i for s, e in hits.get("not_study", ()) for i in range(s, e))
    study = [(s, e) for s, e in hits.get("study", ()) if not helped.issuperset(range(s, e))]
    asking = {i for s, e in study for i in range(s, e)}
    about_someone = after(
        [span for span in hits.get("person", ()) if span[0] not in asking], ABOUT, sentence
    )
    asked = {sentence[s] for s, _ in study} - {sentence[s] for s, _ in hits.get("now", ())}
    lessons = {clause[s] for s, _ in hits.get("lesson", ())}

    def excuses(at: int) -> frozenset[str]:
        studied = clause[at] in lessons or sentence[at] in asked and at not in about_someone
        return frozenset(
            excuse
            for excuse, holds in zip(
                EXCUSES, (at in denied, clause[at] in past, studied), strict=False
            )
            if holds
        )

    return excuses


def _together(
    groups: rules_file.Groups, hits: phrases.Hits, message: phrases.Words, blocked: set[int]
) -> bool:
    """Whether one occurrence of every group stands near one of the first group."""
    spans = [
        [
            span
            for span in _chained(group, hits, message)
            if message.sentence[span[0]] not in blocked
        ]
        for group in groups
    ]
    if not all(spans):
        return False
    starts = [sorted(start for start, _ in others) for others in spans[1:]]
    return any(
        all(bisect_left(others, a - NEAR) < bisect_right(others, b + NEAR) for others in starts)
        for a, b in spans[0]
    )


def _chained(
    group: tuple[str, ...], hits: phrases.Hits, message: phrases.Words
) -> list[phrases.Span]:
    spans = hits.get(group[0], [])
    for concept in group[1:]:
        ends: dict[int, list[int]] = {}
        for c, d in hits.get(concept, ()) if spans else ():
            ends.setdefault(c, []).append(d)
        spans = [
            (a, d)
            for a, b in spans
            for c in range(b, b + CLOSE + 1)
            if c in ends and message.clause[a] == message.clause[c]
            for d in ends[c]
        ]
    return spans
