"""The content as it stands in the files, for pages: read again only where a file has changed."""

from dataclasses import dataclass
from pathlib import Path

from bot import articles, evidence
from bot.editor import files, manuscripts

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
    "not_covered": "not covered",
    "personal_advice": "a decision about one person",
    "out_of_scope": "not about health",
    "nlu_fallback": "asked back",
}


@dataclass(frozen=True)
class Opened:
    """An article, or the draft of one, beside its ledger, as their files are.

    `at`: its page at the desk; `faults`: why its ledger can't be read, in whole or in part."""

    at: str
    path: Path
    text: str
    fields: dict  # as manuscripts.read gives them
    article: articles.Article
    ledger_path: Path
    ledger_text: str
    ledger: evidence.Ledger
    faults: tuple[str, ...]


def open_article(desk, id, draft=False):
    """The Opened article; raises files.NoFile, manuscripts.Unreadable."""
    path = files.draft_path(desk.config, id) if draft else files.article_path(desk.config, id)
    if not path.is_file():
        raise files.NoFile(path.name)
    text, ledger_path = files.read(path), files.ledger_path(desk.config, id, draft)
    fields, ledger_text = manuscripts.read(text, path.name), files.read(ledger_path)
    ledger, faults = (
        evidence.read(ledger_text, ledger_path) if ledger_text else (evidence.Ledger(), [])
    )
    return Opened(
        at=f"/editor/articles/{'drafts/' if draft else ''}{id}",
        path=path,
        text=text,
        fields=fields,
        article=manuscripts.make_article(fields, path),
        ledger_path=ledger_path,
        ledger_text=ledger_text,
        ledger=ledger,
        faults=tuple(faults),
    )


def questions(desk):
    """{name: articles.Question} of every article without a fault, in the order of the files."""
    return {
        question.name: question
        for article in read_articles(desk).values()
        for question in article.questions
    }


def read_articles(desk):
    """{id: articles.Article} of every article without a fault."""
    found = {}
    for path in articles.list_files(desk.config.path("data"), "articles/*.md"):
        stamp = (path.stat().st_mtime_ns, path.stat().st_size)
        known = desk.articles.get(path.name)
        if known is None or known[0] != stamp:
            try:
                article = articles.read(path.read_text(encoding="utf-8"), path)[0]
            except UnicodeDecodeError:
                article = None
            known = desk.articles[path.name] = (stamp, article)
        if known[1]:
            found[path.stem] = known[1]
    return found


def read_ledgers(desk):
    """{id: evidence.Ledger} of every article that is held against one; what has a fault in it is
    left out."""
    found, known_articles = {}, read_articles(desk)
    for path in articles.list_files(desk.config.path("data"), "evidence/*.yml"):
        article = known_articles.get(path.stem)
        if article and article.evidence == articles.NOT_HELD:
            continue
        stamp = (path.stat().st_mtime_ns, path.stat().st_size)
        known = desk.articles.get(path)
        if known is None or known[0] != stamp:
            text = path.read_text(encoding="utf-8", errors="replace")
            known = desk.articles[path] = (stamp, evidence.read(text, path)[0])
        found[path.stem] = known[1]
    return found
