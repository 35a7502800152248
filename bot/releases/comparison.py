"""What a candidate would change for visitors: their own past questions, asked of it and of the live
release."""

import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine

from bot.content import site_content
from bot.content.site_content import SiteContent
from bot.domain.reply_kinds import ReplyKind
from bot.releases import registry, steps
from bot.runtime import code_hash, settings
from bot.runtime.settings import Settings
from bot.store import past_questions as past_messages

MOST = 1000  # past questions
# (release, message, how it was understood) -> the question whose answer it gets, or a reply's kind
type FindEnd = Callable[[str, Mapping[str, Any], registry.Understood], str]


@dataclass(frozen=True)
class Moved:
    """A past question that ends otherwise: its turn, how the visitor put it (masked), how it ended
    (a question's name, or an outcome) and will end, and how often it was asked."""

    turn: int
    text: str
    before: str
    after: str
    times: int


@dataclass(frozen=True)
class Comparison:
    """`asked`: how many past questions; of them `gained` an answer, `lost` it, or `changed` how
    they end. `rewritten`: {question: how many of them got its answer} where the answer's text
    differs."""

    live: str | None
    candidate: str
    asked: int
    gained: list[Moved]
    lost: list[Moved]
    changed: list[Moved]
    rewritten: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """All of it but the visitors' texts, which are deleted after their days: their turns lead
        to them."""
        found = asdict(self)
        for moved in (*found["gained"], *found["lost"], *found["changed"]):
            del moved["text"]
        return found


def compare_candidate(
    config: Settings,
    engine: Engine,
    id: str,
    find_end: FindEnd,
    progress: registry.Progress = lambda step, done: None,
) -> Comparison:
    """The Comparison of a candidate with the live release, on up to MOST of the latest past
    questions of the database.

    Each is asked as it stood in its conversation: with its topic, its number and the page's
    article; where the candidate took the live release's archive over, none needs to be. `find_end`:
    actions.reply_actions.find_end. Raises registry.ReleaseError, stored_turns.StoreDown."""
    now = registry.live_release(config)
    past = past_messages.read_past_questions(engine, MOST) if now else []
    folders = [registry.folder_of(config, each) for each in ([now, id] if now else [id])]
    libraries = [registry.read_content(config, folder.name) for folder in folders]
    hashes = [_archive_hash(config, folder.name) for folder in folders]
    if (
        now and hashes[0] == hashes[1]
    ):  # the candidate ends every question as the live release does: as it was recorded
        ends = [[each["ended"] for each in past]] * 2
    elif past:
        messages = [each["message"] for each in past]
        ends = _ask_both(config, [folder.name for folder in folders], messages, find_end, progress)
    else:
        ends = []
    progress(steps.PAST, 1.0)
    moved: dict[str, list[Moved]] = {"gained": [], "lost": [], "changed": []}
    for question, before, after in zip(past, *(ends or ([], [])), strict=True):
        if before != after:
            kind = (
                "gained"
                if "." not in before and "." in after
                else "lost"
                if "." in before and "." not in after
                else "changed"
            )
            moved[kind].append(
                Moved(
                    question["turn"], question["message"]["text"], before, after, question["times"]
                )
            )
    return Comparison(
        live=now,
        candidate=id,
        asked=len(past),
        rewritten=_rewritten(libraries, ends[-1] if ends else []),
        **{kind: sorted(found, key=lambda each: -each.times) for kind, found in moved.items()},
    )


def _archive_hash(config: Settings, id: str) -> str:
    """The SHA-256 of a release's archive, as its manifest has it."""
    hash: str = registry.read_manifest(config, id)["files"][registry.ARCHIVE]
    return hash


def _ask_both(
    config: Settings,
    ids: Sequence[str],
    messages: Sequence[Mapping[str, Any]],
    find_end: FindEnd,
    progress: registry.Progress,
) -> list[list[str]]:
    """How the messages end with each of these releases; both are asked at once, and only what
    wasn't asked of them before."""
    shares = [0.0] * len(ids)
    # of the visitors' words no trace is kept: they are deleted after their days
    names = [
        hmac.digest(
            settings.site_secret(config).encode(),
            json.dumps(message, sort_keys=True).encode(),
            "sha256",
        ).hex()
        for message in messages
    ]

    def ask(place: int, id: str) -> list[str]:
        def heard(done: float) -> None:
            shares[place] = done
            progress(steps.PAST, sum(shares) / len(shares))

        manifest = registry.read_manifest(config, id)
        archive = registry.folder_of(config, id) / registry.ARCHIVE
        parts = (manifest["files"][registry.ARCHIVE], manifest["digest"], code_hash.hash_project())
        key = "-".join(part[:16] for part in parts)
        known = registry.read_kept(config, "compared", key) or {}
        missing = [place for place, name in enumerate(names) if name not in known]
        if missing:
            _, results = registry.understand_messages(
                config, archive, [messages[place] for place in missing], heard
            )
            known |= {
                names[place]: find_end(id, messages[place], result)
                for place, result in zip(missing, results, strict=True)
            }
            registry.keep_result(config, "compared", key, {name: known[name] for name in names})
        heard(1.0)
        return [known[name] for name in names]

    with ThreadPoolExecutor(len(ids)) as pool:
        return list(pool.map(ask, range(len(ids)), ids))


def article_confusion(
    library: SiteContent, missed: Iterable[tuple[str, str, str, float]]
) -> tuple[list[str], list[str], list[list[int]]]:
    """How the test phrases of each article end, for a picture: (rows, columns, counts
    [rows][columns]).

    Rows are the articles; columns the articles, then `clarify` and the other outcomes that came up.
    `missed`: (phrase, expected, got, confidence) of a registry.Report.
    """
    rows = list(library.articles)
    counts = {
        row: {row: sum(len(question.test) for question in library.articles[row].questions)}
        for row in rows
    }
    for _, expected, got, _ in missed:
        row = expected.partition(".")[0]
        if row in counts and expected in library.questions:
            counts[row][row] -= 1
            end = _end(got, library)
            column = end.partition(".")[0] if "." in end else end
            if column == row:
                column = ANOTHER  # of the same article, but not the question that was asked
            counts[row][column] = counts[row].get(column, 0) + 1
    columns = [*rows, *sorted({column for row in counts.values() for column in row} - set(rows))]
    return rows, columns, [[counts[row].get(column, 0) for column in columns] for row in rows]


ANOTHER = "another question of the article"


def _end(intent: str | None, library: SiteContent) -> str:
    """How a message of this intent ends: a question's name, or an outcome."""
    if intent in library.questions or intent in site_content.OUTCOMES:
        return intent
    return (
        ReplyKind.CLARIFY.value if intent in (site_content.FALLBACK, None) else ReplyKind.TALK.value
    )


def _rewritten(libraries: Sequence[SiteContent], ends: Sequence[str]) -> dict[str, int]:
    if len(libraries) < 2:
        return {}
    before, after = (library.questions for library in libraries)
    changed = [
        name
        for name in after
        if name in before
        and (before[name].lead, before[name].more) != (after[name].lead, after[name].more)
    ]
    return {name: ends.count(name) for name in changed}
