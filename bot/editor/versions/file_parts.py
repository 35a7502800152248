"""A file of content as people read it: its parts in order, each with the label that it has at
the desk; and what differs between two versions of it, part by part."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from bot.content import articles, evidence, sign_offs, stories
from bot.editor.shared import article_document, differences, fault_places, phrases_document
from bot.editor.tables import table_files

# what an article's particulars say of its statements
HELD = {True: "are held against their sources", False: "are not held against their sources yet"}
type Titles = Mapping[str, str]  # {a question's name, or an intent's: its wording}
type Reader = Callable[[str, str, Titles], Iterable[Part]]  # (a file's stem, its text, Titles)


@dataclass(frozen=True)
class Part:
    """A piece of a file's text. `key` names it in every version of the file, `place` says what it
    is a part of, `label` what it is there."""

    key: tuple[str, ...]
    place: str
    label: str
    text: str


@dataclass(frozen=True)
class Changed:
    """What became of a part."""

    place: str
    label: str
    groups: list[list[differences.Pair]]


def compare_versions(name: str, before: str, after: str, titles: Titles) -> list[Changed]:
    """What differs between two texts of a file, by its `name` below the content's folder: in the
    parts that people read, or line by line where one of the texts can't be read."""
    try:
        old, new = (_read_parts(name, text, titles) for text in (before, after))
    # a version that was written by hand may hold anything
    except (articles.ContentError, ValueError, LookupError, TypeError, AttributeError):
        old, new = _read_lines(before), _read_lines(after)
    changed = [
        Changed(place, label, differences.compare_texts(left, right))
        for place, label, left, right in _pair_up(old, new)
        if left != right
    ]
    if changed or before == after:
        return changed
    return [Changed("", "Comments and lay-out", differences.compare_texts(before, after))]


def _pair_up(old: Iterable[Part], new: Iterable[Part]) -> Iterator[tuple[str, str, str, str]]:
    """(place, label, text before, text after) of each part, in the order of the new version;
    those that are gone stand last."""
    was, now = ({part.key: part for part in listed} for listed in (old, new))
    for key in dict.fromkeys([*now, *was]):
        shown = now.get(key) or was[key]
        left, right = (listed[key].text if key in listed else "" for listed in (was, now))
        yield shown.place, shown.label, left, right


def _read_parts(name: str, text: str, titles: Titles) -> list[Part]:
    """The parts of a file's text; an empty one has none. Raises ValueError and others for what
    can't be read."""
    path = PurePath(name)
    read = _find_reader(path)
    if not text.strip():
        return []
    return list(read(path.stem, text, titles)) if read else _read_lines(text)


def _find_reader(path: PurePath) -> Reader | None:
    """What reads a file of content; None where people read it as it is."""
    if path.suffix == ".md":
        return _read_article
    if path.stem in fault_places.TABLES:
        return _read_table
    if path.stem in fault_places.STORIES:
        return _read_stories
    return {"phrases": _read_phrases, "evidence": _read_evidence, "reviews": _read_reviews}.get(
        path.parent.name
    )


def _read_lines(text: str) -> list[Part]:
    return [Part((), "", "", text)]


def _read_article(id: str, text: str, titles: Titles) -> Iterator[Part]:
    fields = article_document.read_document(text)
    for key in article_document.FRONT:
        said = fields[key] if key != "evidence" else HELD[fields[key] != articles.NOT_HELD]
        yield Part((key,), "Particulars", fault_places.ARTICLE[key], said)
    for question, asked in fields["questions"].items():
        shown, words = asked["ask"] or question, _as_texts(asked)
        for part, label in fault_places.QUESTION.items():
            if part not in articles.PHRASE_KEYS:
                yield Part(("questions", question, part), shown, label, words[part])
    for n, source in fields["sources"].items():
        told = _as_texts(source)
        for of, label in fault_places.SOURCE.items():
            yield Part(("sources", str(n), of), f"Source [{n}]", label, told[of])


def _as_texts(fields: Mapping[str, object]) -> dict[str, str]:
    return {key: str(value) for key, value in fields.items()}


def _read_phrases(id: str, text: str, titles: Titles) -> Iterator[Part]:
    for question, lists in phrases_document.read_phrases(text, id).items():
        shown = titles.get(f"{id}.{question}", question.replace("_", " "))
        for kind, phrases in lists.items():
            label = fault_places.QUESTION[kind]
            yield Part((question, kind), shown, label, "\n".join(phrases))


def _read_evidence(id: str, text: str, titles: Titles) -> Iterator[Part]:
    ledger, _ = evidence.read_ledger(text, id)
    for entry in ledger.entries:
        said = [
            f"[{each.source}] {each.where}: {each.states} ({each.verdict.replace('_', ' ')})"
            for each in entry.evidence
        ]
        yield Part((entry.says,), "Evidence", entry.says, "\n".join(said))
    for n, reading in ledger.readings.items():
        when = f"{reading.read} on {reading.on}" + (f" by {reading.by}" if reading.by else "")
        version = f", version of {reading.version}" if reading.version else ""
        said = [f"{when}{version}", reading.how]
        yield Part(("sources", str(n)), f"Source [{n}]", "How it was read", "\n".join(said))


def _read_reviews(id: str, text: str, titles: Titles) -> Iterator[Part]:
    for signed in sign_offs.read_sign_offs(text, id)[0]:
        shown = titles.get(f"{id}.{signed.question}", signed.question.replace("_", " "))
        who = f"{signed.name}, {signed.profession}" if signed.profession else signed.name
        said = f"{who}, on {signed.on}. {signed.note}".strip()
        key = (signed.question, signed.text, str(signed.on), signed.account)
        yield Part(key, "Signatures", shown, said)


def _read_table(name: str, text: str, titles: Titles) -> Iterator[Part]:
    columns, listed = table_files.COLUMNS[name], dict[tuple[str, str], list[str]]()
    for first, second, third in table_files.rows_of(name, text):
        listed.setdefault((first, second), []).append(third)
    for (first, second), values in listed.items():
        words = "\n".join(values)
        if name == "terms":
            words = words.replace("; ", "\n")
        yield Part((first, second), first, f"{columns[1].capitalize()}: {second}", words)


def _read_stories(name: str, text: str, titles: Titles) -> Iterator[Part]:
    kind, title = fault_places.STORIES[name]
    for story in stories.read_stories(kind, text):
        if story.turns is None:  # one that branches
            raise LookupError(story.name)
        lines = [f"Beside the article {story.page}"] if story.page else []
        for turn in story.turns:
            gets = titles.get(turn.gets, turn.gets)
            lines.append(f"Visitor: {turn.says or f'presses “{gets}”'}")
            lines.append(f"Bot: {gets}" + (", or asks back with it" if turn.back else ""))
            lines += [f"Offers: {titles.get(offer, offer)}" for offer in turn.offers]
        yield Part((story.name,), title, story.name, "\n".join(lines))
