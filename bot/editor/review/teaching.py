"""Visitors' wordings as phrases that teach a question: added to its file, and taken out again."""

import re
from collections.abc import Collection, Iterable, Sequence

from bot.content import articles, phrases, wording
from bot.editor.articles import question_phrases
from bot.editor.review import waiting
from bot.editor.shared import content_cache, content_files, pages, phrases_document
from bot.editor.shared.state import State
from bot.privacy.masking import KINDS
from bot.store.accounts import Member

LONGEST = 300  # characters of a phrase
MASK = re.compile(rf"\[(?:{'|'.join(KINDS)})\]")


def word_question(asked: Sequence[str]) -> str:
    """The wording of a question that is asked with these phrases, by the first; "" without any."""
    return asked[0][:1].upper() + asked[0][1:].rstrip("?.! ") + "?" if asked else ""


def as_phrase(text: str) -> str:
    """A visitor's masked text as a phrase: one line, without the masks."""
    return " ".join(MASK.sub(" ", pages.blank_nul(text)).split())


def add_phrases(desk: State, person: Member, question: str, wanted: Iterable[str]) -> list[str]:
    """The phrases that were added to those that teach a question, in their file and its history;
    raises articles.ContentError."""
    article, _, id = question.partition(".")
    known = content_cache.read_articles(desk)[article]
    own = content_files.phrases_path(desk.config, article)
    base = content_files.read_file(own)
    lists = phrases_document.read_phrases(base, own).get(id, {"train": [], "test": []})
    said = {articles.normalise_phrase(phrase) for listed in lists.values() for phrase in listed}
    common = phrases.list_common(article, question_phrases.read_elsewhere(desk, known).asked)
    said |= {form for form, asks in common.items() if asks == question}
    new = {articles.normalise_phrase(phrase): phrase for phrase in wanted}
    added = [phrase for form, phrase in new.items() if form not in said]
    if added:
        why = f"Teach {question} {wording.counted(len(added), 'phrase')} of the review"
        _save(desk, person, question, [*lists["train"], *added], base, why)
    return added


def list_taught(desk: State, question: str, keys: Collection[str]) -> list[str]:
    """The phrases that teach a question and have one of these keys; [] where there is no such
    question any more."""
    if question not in content_cache.read_questions(desk):
        return []
    article, _, id = question.partition(".")
    own = content_files.phrases_path(desk.config, article)
    lists = phrases_document.read_phrases(content_files.read_file(own), own).get(id, {})
    return [text for text in lists.get("train", []) if waiting.key_of(desk, text) in keys]


def take_phrases(desk: State, person: Member, question: str, keys: Collection[str]) -> list[str]:
    """The phrases with one of these keys that were taken out of those that teach a question; raises
    articles.ContentError."""
    taken = list_taught(desk, question, keys)
    if taken:
        article, _, id = question.partition(".")
        base = content_files.read_file(content_files.phrases_path(desk.config, article))
        lists = phrases_document.read_phrases(base, article)[id]
        left = [phrase for phrase in lists["train"] if phrase not in taken]
        why = f"Take {wording.counted(len(taken), 'phrase')} of the review out of {question} again"
        _save(desk, person, question, left, base, why)
    return taken


def _save(
    desk: State, person: Member, question: str, train: list[str], base: str, why: str
) -> None:
    article, _, id = question.partition(".")
    known = content_cache.read_articles(desk)[article]
    own = content_files.phrases_path(desk.config, article)
    lists = phrases_document.read_phrases(base, own).get(id, {"train": [], "test": []})
    content_files.save_file(
        desk.config,
        own,
        phrases_document.write_phrases(base, article, id, {**lists, "train": train}),
        person,
        why,
        base=base,
        check=lambda text: question_phrases.find_faults(desk, known, phrases.parse(text, own)),
    )
