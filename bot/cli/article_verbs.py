"""The verb that makes a draft of a new article of what is written elsewhere."""

from __future__ import annotations

import datetime
import getpass
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.release_verbs import progress_bar
from bot.content import wording
from bot.content.git_commands import Author
from bot.language import encoder
from bot.runtime import settings
from bot.runtime.settings import Settings
from bot.store import engine as store_engine

if TYPE_CHECKING:  # what only this verb needs is imported there
    from bot.editor.articles.draft_proposals import Proposal
    from bot.editor.articles.draft_terms import TermProposal
    from bot.editor.review.draft_matches import Matches, WaitingText
    from bot.editor.shared.content_cache import Opened
    from bot.editor.shared.state import State

SHOWN = 4  # ways of asking, and wordings, that are printed of each kind


def article(options: Namespace, config: Settings) -> int:
    """make a draft of a new article from FILE: a Word file, a saved page, a text or Markdown file,
    or a list of questions and answers

    It says which side of the subject each section answers and why, how visitors will be understood,
    and what the draft still wants. Nothing is published."""
    from bot.editor.articles import new_drafts
    from bot.editor.importing import imports
    from bot.editor.importing.blocks import Refused

    path = Path(options.file)
    progress = progress_bar("drafting")
    with path.open("rb") as file:
        data = file.read(imports.LARGEST_WORD + 1)
    author = _read_author(config)
    today = datetime.datetime.now(datetime.UTC).date()
    original = imports.Original(data, path.name, "", "", options.about)
    progress("reading the file", 0.1)
    try:
        made = imports.make_draft(config.path("data"), author.name, today, original)
    except Refused as refused:
        print(f"bot: {options.file}: {refused}", file=sys.stderr)
        return 1
    id = new_drafts.save_draft(config, made, author)
    progress("comparing what visitors asked", 0.6)
    lines = _write_report(config, id, made.notes)
    progress("done", 1)
    print("\n".join(lines).replace(f"{settings.ROOT}/", ""))
    return 0


def _write_report(config: Settings, id: str, notes: Sequence[str]) -> list[str]:
    """What is proposed for a draft that was just saved, what it wants, and what comes next."""
    from bot.editor.articles import draft_proposals, draft_terms, question_preview
    from bot.editor.shared import content_cache
    from bot.editor.shared.state import State

    engine = store_engine.connect_database(config.database())
    desk = State(config, engine)
    try:
        opened = content_cache.open_article(desk, id, draft=True)
        proposals = draft_proposals.propose_questions(desk, opened)
        found, fault = _match_waiting(desk, opened, proposals)
        faults = question_preview.draft_faults(desk, opened)
        term = draft_terms.propose_term(desk, opened)
    finally:
        while desk.phrases.busy or desk.asked.busy:
            time.sleep(0.05)  # the encoder must not be at work when this process ends
        engine.dispose()
    questions = wording.counted(len(proposals), "question")
    head = f"{opened.path}: a draft of {questions} about {term.name or 'no term yet'}"
    return [
        head,
        *_head("Questions", [line for each in proposals for line in _say_question(each, found)]),
        *_head("Its term", _say_term(term)),
        *_head("What visitors asked in vain", [fault] if fault else _say_matches(found, proposals)),
        *_head("To see to", notes),
        *_head(f"Missing or wrong: {len(faults)}", [str(fault) for fault in faults]),
        *_head("Next", _say_next(config, id)),
    ]


def _match_waiting(
    desk: State, opened: Opened, proposals: Sequence[Proposal]
) -> tuple[Matches | None, str]:
    """(what waits in the review beside a draft, "") or (None, why that can't be said)."""
    from bot.editor.review import draft_matches

    try:
        store_engine.migrate_database(desk.config.database())
        while (found := draft_matches.match_waiting(desk, opened, proposals)) is None:
            time.sleep(0.2)  # the texts are still being encoded
    except (store_engine.StoreDown, encoder.EncoderMissing, encoder.EncoderFault) as error:
        return None, f"It can't be compared: {error}"
    return found, ""


def _head(title: str, lines: Iterable[str]) -> Iterator[str]:
    """A part of the report; nothing where it has no line."""
    listed = [f"  {line}" for line in lines]
    if listed:
        yield from ("", title, *listed)


def _say_question(each: Proposal, found: Matches | None) -> Iterator[str]:
    yield f"{each.ask}  [{each.facet}] {each.why}"
    if each.near:
        yield f"    near in meaning: {', '.join(each.near)}"
    if each.is_common:
        yield f"    people will be understood when they ask {_list_some(each.asked)}"
        return
    yield f"    begins with {_list_some(each.own)}; wants {each.wanted} more phrases"
    offered = found.offered.get(each.id, ()) if found else ()
    if offered:
        yield f"    wait in the review, and may be phrases: {_list_asked(offered)}"


def _say_term(term: TermProposal) -> Iterator[str]:
    if not term.name:
        yield "none was found: name it under `about:`"
    elif term.known is None:
        yield f"{term.name} is not in data/terms.yml: add it there"
    else:
        also = f", also as {_list_some(term.known)}" if term.known else ""
        yield f"{term.name} is in data/terms.yml{also}"
    if term.new:
        yield f"the text calls it also {', '.join(term.new)}: add what people say"
    for name, other in term.taken:
        yield f"the text calls it {name} too, which names {other}"


def _say_matches(found: Matches | None, proposals: Sequence[Proposal]) -> Iterator[str]:
    for each in proposals:
        if found and each.id in found.answered:
            yield f"it now answers by “{each.ask}”: {_list_asked(found.answered[each.id])}"
    if found and found.unanswered:
        yield f"it may still not answer: {_list_asked(found.unanswered)}"
    if found and not found.answered and not found.unanswered:
        yield "nothing that waits in the review names its term"


def _say_next(config: Settings, id: str) -> Iterator[str]:
    data = config.path("data")
    base = config.public_url.rstrip("/") or config.address()
    yield f"at the desk: {base}/editor/articles/drafts/{id}, to mend it, try it, and make it"
    yield "an article"
    yield f"by hand: mend it, move it to {data}/articles/{id}.md and its phrases (*.phrases.yml)"
    yield f"to {data}/phrases/{id}.yml, and run `bot check`"


def _list_some(ways: Sequence[str]) -> str:
    more = f" and {len(ways) - SHOWN} more" if len(ways) > SHOWN else ""
    return ", ".join(f"“{way}”" for way in ways[:SHOWN]) + more


def _list_asked(asked: Sequence[WaitingText]) -> str:
    said = [f"{each.text} ({each.count}×)" if each.count > 1 else each.text for each in asked]
    return _list_some(said)


def article_options(parser: ArgumentParser) -> None:
    parser.add_argument("action", choices=["new"])
    parser.add_argument("file", metavar="FILE", help=".docx, .html, .md, .txt, .csv or .xlsx")
    parser.add_argument(
        "--about", default="", metavar="TERM", help="the condition, where the file's title isn't it"
    )


def _read_author(config: Settings) -> Author:
    """Who runs this, as git or the system names them."""

    def ask(key: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(config.path("data")), "config", key], capture_output=True, text=True
        )
        return done.stdout.strip()

    try:
        return Author(ask("user.name") or getpass.getuser(), ask("user.email") or None)
    except OSError:  # no git, and no name of the system
        return Author("the command line")
