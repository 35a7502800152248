"""The content as it stands in the files, for pages: read again only where a file has changed."""

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.content import articles, evidence, phrases, sign_offs, site_content
from bot.domain.faults import Fault
from bot.domain.reply_kinds import REFUSALS, ReplyKind
from bot.editor.shared import article_document, content_files, phrases_document, previews
from bot.editor.shared.state import Stamp, State
from bot.releases import registry
from bot.runtime import settings

# What a message can be beside a question of an article, as editors read it.
OUTCOMES = {
    "greeting": "a greeting",
    "thanks": "thanks",
    "goodbye": "a goodbye",
    "help": "what can be asked",
    "bot_identity": "who is speaking",
    "about_me": "what is stored of me",
    "forget_me": "delete what is stored of me",
    "terms_of_use": "the terms of use",
    "give_feedback": "how to complain",
    "distress": "grief, fear or despair",
    "article_info": "who wrote it, and when",
    **{kind.value: kind.about.title for kind in REFUSALS},
    site_content.FALLBACK: ReplyKind.CLARIFY.about.title,
    site_content.PASSAGE: ReplyKind.PASSAGE.about.title,
}


@dataclass(frozen=True)
class Opened:
    """An article, or the draft of one, beside its phrases and its ledger, as their files are.

    `at`: its page at the desk; `faults`: why its ledger can't be read, in whole or in part."""

    at: str
    path: Path
    text: str
    fields: article_document.ArticleFields
    article: articles.Article
    phrases_path: Path
    phrases_text: str
    phrases: dict[str, phrases_document.Lists]
    ledger_path: Path
    ledger_text: str
    ledger: evidence.Ledger
    faults: tuple[Fault, ...]


def article_address(id: str, draft: bool = False) -> str:
    """The page of an article, or of the draft of one, at the desk."""
    return f"/editor/articles/{'drafts/' if draft else ''}{id}"


def open_article(desk: State, id: str, draft: bool = False) -> Opened:
    """The Opened article; raises content_files.NoFile, article_document.Unreadable."""
    path = (
        content_files.draft_path(desk.config, id)
        if draft
        else content_files.article_path(desk.config, id)
    )
    if not path.is_file():
        raise content_files.NoFile(path.name)
    text, ledger_path = (
        content_files.read_file(path),
        content_files.ledger_path(desk.config, id, draft),
    )
    fields, ledger_text = (
        article_document.read_document(text, path.name),
        content_files.read_file(ledger_path),
    )
    phrases_path = content_files.phrases_path(desk.config, id, draft)
    phrases_text = content_files.read_file(phrases_path)
    ledger, faults = (
        evidence.read_ledger(ledger_text, ledger_path) if ledger_text else (evidence.Ledger(), [])
    )
    return Opened(
        at=article_address(id, draft),
        path=path,
        text=text,
        fields=fields,
        article=article_document.make_article(fields, path),
        phrases_path=phrases_path,
        phrases_text=phrases_text,
        phrases=phrases_document.read_phrases(phrases_text, phrases_path.name),
        ledger_path=ledger_path,
        ledger_text=ledger_text,
        ledger=ledger,
        faults=tuple(faults),
    )


def read_questions(desk: State) -> dict[str, articles.Question]:
    """{name: articles.Question} of every article without a fault, in the order of the files."""
    return {
        question.name: question
        for article in read_articles(desk).values()
        for question in article.questions
    }


def read_articles(desk: State) -> dict[str, articles.Article]:
    """{id: articles.Article} of every article without a fault, with its phrases."""
    found, data = {}, desk.config.path("data")
    for path in articles.list_files(data, "articles/*.md"):
        own = phrases.path_of(data, path.stem)
        stamps = (stamp_file(path), stamp_file(own))
        known = desk.articles.get(path.name)
        if known is None or known[0] != stamps:
            known = desk.articles[path.name] = (stamps, _read_article(desk, path, own))
        if known[1]:
            found[path.stem] = known[1]
    return found


def _read_article(desk: State, path: Path, own: Path) -> articles.Article | None:
    """An article with its phrases, None where it has a fault."""
    if released := _read_released(desk, path, own):
        article = released.articles[path.stem]
        return dataclasses.replace(article, path=str(path))
    text = articles.read_text(path)[0]
    read = articles.read_article(text, path)[0] if text is not None else None
    return phrases.add_phrases(read, phrases.read_file(own)) if read else None


def _read_released(desk: State, *paths: Path) -> site_content.SiteContent | None:
    """The live release's content, where these files of an article are the same in it: to take them
    from there is a matter of 0.1 s for all articles, and to read them anew one of seconds."""
    config, data = desk.config, desk.config.path("data")
    try:
        live = registry.live_release(config)
        if live is None:
            return None
        folder = registry.folder_of(config, live) / "data"
        for path in paths:
            if _read_bytes(path) != _read_bytes(folder / path.relative_to(data)):
                return None
        return previews.release_content(config, live)
    except registry.ReleaseError:
        return None


def _read_bytes(path: Path) -> bytes | None:
    """What a file holds, None where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def stamp_file(path: Path) -> Stamp:
    """When a file was last changed, and its size; zeros where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def read_reviews(desk: State) -> dict[str, dict[str, sign_offs.Review]]:
    """{article: {question: sign_offs.Review}} of every article without a fault, by the sign-offs
    that carry this site's seal."""
    signed = read_signed(desk)
    return {
        id: sign_offs.review_article(article, signed.get(id, ()))
        for id, article in read_articles(desk).items()
    }


def read_signed(desk: State) -> dict[str, tuple[sign_offs.SignOff, ...]]:
    """{article: its sign_offs.SignOffs} of every article without a fault, those that carry this
    site's seal."""
    secret = settings.site_secret(desk.config)
    return {id: _read_sealed(desk, id, secret) for id in read_articles(desk)}


def _read_sealed(desk: State, id: str, secret: str) -> tuple[sign_offs.SignOff, ...]:
    path = content_files.reviews_path(desk.config, id)
    if not path.is_file():
        return ()
    stamp = stamp_file(path)
    known = desk.signed.get(id)
    if known is None or known[0] != stamp:
        text = path.read_text(encoding="utf-8", errors="replace")
        signed = sign_offs.read_sign_offs(text, path)[0]
        known = desk.signed[id] = (stamp, sign_offs.keep_sealed(signed, id, secret))
    return known[1]


def read_ledgers(desk: State) -> dict[str, evidence.Ledger]:
    """{id: evidence.Ledger} of every article that is held against one; what has a fault in it is
    left out."""
    found, known_articles = {}, read_articles(desk)
    for path in articles.list_files(desk.config.path("data"), "evidence/*.yml"):
        article = known_articles.get(path.stem)
        if article and article.evidence == articles.NOT_HELD:
            continue
        stamp = stamp_file(path)
        known = desk.ledgers.get(path.name)
        if known is None or known[0] != stamp:
            known = desk.ledgers[path.name] = (stamp, _read_ledger(desk, path))
        found[path.stem] = known[1]
    return found


def _read_ledger(desk: State, path: Path) -> evidence.Ledger:
    """A ledger, without what has a fault in it."""
    released = _read_released(desk, path)
    if released and path.stem in released.ledgers:
        return released.ledgers[path.stem]
    return evidence.read_ledger(path.read_text(encoding="utf-8", errors="replace"), path)[0]


def read_kept[T](read: Callable[[Path], T], data: Path, name: str) -> T:
    """What a function reads of a content folder's file, again only where that has changed; it is
    to be looked at alone."""
    found: T = _read_stamped(read, data, stamp_file(data / name))
    return found


@functools.lru_cache(maxsize=32)
def _read_stamped(read: Callable[[Path], Any], data: Path, stamp: Stamp) -> Any:
    return read(data)
