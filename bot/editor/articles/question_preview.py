"""What the chat makes of a question as it is being written: its faults, how hard it reads,
which phrases come too close to another question's, and how each channel shows it."""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypedDict

from bot.content import articles, evidence, phrases, replies, site_content, terms, wording
from bot.content.articles import Article, Question, Source
from bot.content.evidence import Entry, Ledger, Statement
from bot.content.phrases import PhraseFile
from bot.domain.faults import Fault
from bot.editor.articles import draft_terms, question_phrases, similar_phrases
from bot.editor.articles.question_form import QuestionWithPhrases
from bot.editor.shared import (
    article_document,
    content_cache,
    fault_places,
    phrases_document,
    previews,
    working_copy,
)
from bot.editor.shared.fault_places import ShownFault
from bot.editor.shared.previews import Reply
from bot.editor.shared.state import State
from bot.language import encoder


class Look(TypedDict):
    """What the chat makes of a question: its faults, how hard it reads, how many words its
    lead has, how each channel shows it, phrases that come close to another question's (None while
    they are being compared), its evidence as evidence_of gives it, its article with its sources,
    and the phrases that it wants (None where it has no side of its subject yet)."""

    faults: list[ShownFault]
    grade: float
    words: int
    previews: list[tuple[str, Reply | str]]
    close: list[tuple[str, str, str]] | None
    evidence: list[dict[str, Any]]
    article: str
    sources: tuple[Source, ...]
    titles: dict[str, str]
    wanted: question_phrases.Wanted | None


def preview_question(
    desk: State,
    opened: content_cache.Opened,
    question: str,
    fields: QuestionWithPhrases,
) -> Look:
    """What the chat makes of a question as `fields` have it, in its article."""
    manuscript: article_document.ArticleFields = {
        **opened.fields,
        "questions": {**opened.fields["questions"], question: fields},
    }
    written = article_document.write_document(opened.text, manuscript)
    own = phrases.parse(
        phrases_document.write_phrases(
            opened.phrases_text,
            opened.path.stem,
            question,
            {"train": fields["train"], "test": fields["test"]},
        ),
        opened.phrases_path,
    )
    faults = heading_faults(opened.path, question, fields["text"])
    faults = faults or article_faults(desk, opened.path, written, own)
    article = article_document.make_article(manuscript, opened.path)
    (made,) = [each for each in article.questions if each.name == f"{article.id}.{question}"]
    close: list[tuple[str, str, str]] | None
    try:
        close = similar_phrases.too_close(desk, fields["train"][:60], made.name)
    except encoder.EncoderMissing:  # takes nothing else away
        close = []
    shown = (
        previews.preview_reply(*_answer(desk, article, made, opened.ledger), desk.config)
        if fields["text"].strip() and fields["ask"].strip()
        else []
    )
    cited = evidence.of_text(f"{made.lead}\n\n{made.more}", opened.ledger)
    return {
        "faults": _show_own(opened, question, faults),
        "grade": round(wording.reading_grade(articles.MARK.sub("", fields["text"])), 1),
        "words": len(articles.MARK.sub("", made.lead).split()),
        "previews": shown,
        "close": close,
        "evidence": evidence_of(desk, opened.ledger, cited, article.sources),
        "article": article.id,
        "sources": article.sources,
        "titles": {name: q.ask for name, q in content_cache.read_questions(desk).items()},
        "wanted": question_phrases.say_wanted(desk, made, article.about)
        if fields["facet"].strip()
        else None,
    }


def _answer(
    desk: State, article: Article, question: Question, ledger: Ledger
) -> tuple[Reply, dict[str, Any]]:
    """(the reply that the chat would give, the fixed texts): the question in its article, beside
    all others as they stand."""
    drafts, today = working_copy.read_working_copy(desk), datetime.datetime.now(datetime.UTC).date()
    held = {} if article.evidence == articles.NOT_HELD else {article.id: ledger}
    written_on = min(article.written_on, today)  # a day to come is a fault of its own
    shown = dataclasses.replace(
        drafts,
        articles={
            **drafts.articles,
            article.id: dataclasses.replace(article, questions=(question,), written_on=written_on),
        },
        questions={**drafts.questions, question.name: question},
        mentions={**drafts.mentions, question.name: question.about},
        ledgers={**drafts.ledgers, **held},
    )
    return {
        "id": "preview",
        **replies.answer_question(shown, question.name, today, 1.0),
    }, drafts.texts


def evidence_of(
    desk: State, ledger: Ledger, statements: Iterable[Statement], sources: Iterable[Source]
) -> list[dict[str, Any]]:
    """[{statement, is_weak, rows [{n, source, states, where, verdict, read, on, by, version}]}] of
    an article's Statements and Sources; a number that its entry doesn't hold has `states` None."""
    texts = (
        content_cache.read_kept(site_content.read_texts, desk.config.path("data"), "texts.yml")[0]
        or {}
    )
    known = {source.n: source for source in sources}
    return [
        {
            "statement": statement,
            "is_weak": statement.is_held() and evidence.is_weak(statement, ledger),
            "rows": [
                row
                for n in statement.numbers
                for row in _rows(n, statement.entry, ledger, known.get(n), texts)
            ],
        }
        for statement in statements
    ]


def _rows(
    n: int, entry: Entry | None, ledger: Ledger, source: Source | None, texts: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What source `n` says about a statement, a row for each place in it."""
    reading = ledger.readings.get(n)
    common = {
        "n": n,
        "source": source,
        "read": texts.get("read_as", {}).get(reading.read, reading.read)
        if reading
        else "never read",
        "version": reading.version if reading else None,
        "on": reading.on if reading else None,
        "by": reading.by if reading else "",
    }
    given = [each for each in entry.evidence if each.source == n] if entry else []
    if not given:
        return [{**common, "states": None, "where": "", "verdict": ""}]
    return [
        {
            **common,
            "states": each.states,
            "where": each.where,
            "verdict": each.verdict.replace("_", " "),
        }
        for each in given
    ]


def heading_faults(path: Path, question: str, text: str) -> list[Fault]:
    """Lines of an answer that would begin another section."""
    said = "a line that begins with # is a heading, and an answer has none; write it without #"
    return [
        Fault(str(path), None, ("questions", question, "text", number), said)
        for number, line in enumerate(text.splitlines(), 1)
        if line.startswith("#")
    ]


def _show_own(
    opened: content_cache.Opened, question: str, faults: Iterable[Fault]
) -> list[ShownFault]:
    """The faults of a question, and those of other files than its article's and its phrases'."""
    theirs = [
        fault
        for fault in faults
        if fault.path not in (str(opened.path), str(opened.phrases_path))
        or question in fault.field[:2]
    ]
    return fault_places.place_faults(theirs, f"{opened.at}/{question}")


def article_faults(desk: State, path: Path, text: str, own: PhraseFile) -> list[Fault]:
    """What forbids an article's text and phrases: faults of their own, phrases that stand
    elsewhere, terms that are none."""
    article, found = articles.read_article(text, path)
    if article is None:
        return [*found, *_phrase_faults(desk, path, text, own)]
    kinds, _, _ = content_cache.read_kept(terms.read_terms, desk.config.path("data"), "terms.yml")
    return [
        *found,
        *question_phrases.find_faults(desk, article, own),
        *site_content.unknown_terms([article], kinds),
        *site_content.title_faults([article]),
    ]


def _phrase_faults(desk: State, path: Path, text: str, own: PhraseFile) -> list[Fault]:
    """What is wrong with the phrases of an article that has other faults."""
    try:
        fields = article_document.read_document(text, path)
    except article_document.Unreadable:  # which its own faults tell
        return list(own.faults)
    return question_phrases.find_faults(desk, article_document.make_article(fields, path), own)


def draft_faults(desk: State, opened: content_cache.Opened) -> list[Fault]:
    """What keeps a draft from being an article: its own faults, and statements that its ledger
    doesn't hold."""
    found = [
        *article_faults(
            desk, opened.path, opened.text, phrases.parse(opened.phrases_text, opened.phrases_path)
        ),
        *evidence.withdrawn_faults(opened.article),
        *draft_terms.term_faults(desk, opened),
    ]
    if opened.article.evidence == articles.NOT_HELD:
        return found
    return [
        *found,
        *opened.faults,
        *evidence.article_faults(opened.article, opened.ledger, opened.ledger_path),
    ]
