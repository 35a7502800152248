"""The draft beside a release: its content as the files have it, its answer, and what of it a
release has not learned."""

import dataclasses
import datetime
import functools
from collections.abc import Collection
from pathlib import PurePath
from typing import Any

import yaml

from bot.content import articles, replies, site_content, terms
from bot.content.articles import Question
from bot.content.site_content import SiteContent
from bot.content.terms import Finder
from bot.domain.reply_kinds import ReplyKind
from bot.editor.shared import content_cache, content_files, previews
from bot.editor.shared.state import State
from bot.releases import registry
from bot.runtime.settings import Settings

TAUGHT = {
    "talk.yml": "talk",
    "terms.yml": "the terms",
    "stories.yml": "the stories",
    "rules.yml": "the rules",
}


def read_working_copy(desk: State) -> SiteContent:
    """The Content as the files have it; an article with faults is as in the live release."""
    config, known = desk.config, content_cache.read_articles(desk)
    live = previews.release_content(config, registry.live_release(config))
    there = {path.stem for path in articles.list_files(config.path("data"), "articles/*.md")}
    shown = {**{id: article for id, article in live.articles.items() if id in there}, **known}
    questions = {
        question.name: question for article in shown.values() for question in article.questions
    }
    texts = (
        content_cache.read_kept(site_content.read_texts, config.path("data"), "texts.yml")[0] or {}
    )
    return dataclasses.replace(
        live,
        articles=shown,
        questions=questions,
        texts={**live.texts, **texts},
        ledgers=content_cache.read_ledgers(desk),
        signed={**live.signed, **content_cache.read_signed(desk)},
        mentions={
            name: live.mentions.get(name, question.about) for name, question in questions.items()
        },
    )


def newest_candidate(config: Settings) -> str | None:
    """The newest candidate that is younger than the live release, or None."""
    found = [id for id, state in registry.list_releases(config) if state == "candidate"]
    now = registry.live_release(config)
    return found[0] if found and (now is None or found[0] > now) else None


def draft_answer(drafts: SiteContent, reply: dict[str, Any]) -> dict[str, Any]:
    """What the draft answers where a release gave `reply`: an answer in the draft's words, anything
    else as it is."""
    name = reply.get("question") or ""
    today = datetime.datetime.now(datetime.UTC).date()
    article, _, section = name.partition(".")
    if reply["kind"] != ReplyKind.ANSWER:
        return reply
    if section == replies.ARTICLE_INFO:
        if article not in drafts.articles:
            return reply
        made = replies.article_info(drafts, article, today, reply["confidence"])
        return made | _keep_offers(reply)
    if name not in drafts.questions:
        return {
            "kind": ReplyKind.NOT_COVERED,
            "text": replies.fill_placeholders(
                drafts.texts["not_covered"], covered=replies.covered_conditions(drafts)
            ),
            "choices": [],
        }
    made = replies.answer_question(drafts, name, today, reply["confidence"])
    return made | _keep_offers(reply)


def _keep_offers(reply: dict[str, Any]) -> dict[str, Any]:
    """What stands below a reply to be chosen."""
    return {key: reply[key] for key in ("instead", "choices") if reply.get(key)}


def unlearned_changes(desk: State, id: str, text: str) -> list[str]:
    """Sentences: what editors have changed since release `id` was trained, and what shows once they
    prepare one; `text`: what is tried."""
    old = previews.release_content(desk.config, id)
    now = content_cache.read_questions(desk)
    wanted, folder = articles.normalise_phrase(text), registry.folder_of(desk.config, id) / "data"
    said = [
        f"These very words teach “{question.ask}” in the draft."
        for name, question in now.items()
        if _teaches(question, wanted) and not _teaches(old.questions.get(name), wanted)
    ]
    before = old.questions
    changed = [
        name
        for name, question in now.items()
        if name not in before or _particulars(question) != _particulars(before[name])
    ]
    gone = [name for name in old.questions if name not in now]
    said += (
        [
            f"{len(changed)} {'question has' if len(changed) == 1 else 'questions have'} other "
            f"phrases or particulars in the draft."
        ]
        if changed
        else []
    )
    said += (
        [
            f"{len(gone)} {'question is' if len(gone) == 1 else 'questions are'} taken out or "
            f"can’t be read in the draft."
        ]
        if gone
        else []
    )
    others = [
        title
        for name, title in TAUGHT.items()
        if _differs(
            content_files.read_file(desk.config.path("data") / name),
            content_files.read_file(folder / name),
        )
    ]
    return said + (
        [f"In the draft {', '.join(others)} {'is' if others == ['talk'] else 'are'} changed."]
        if others
        else []
    )


def has_to_learn(desk: State, id: str, changed: Collection[str]) -> bool | None:
    """Whether a release of the content as it stands would be trained, where these of its files
    differ from those of release `id`; None where an article has faults.

    It says what registry.taught_digest does, for which all content is read, for seconds."""
    config, now = desk.config, content_cache.read_articles(desk)
    folder, before = config.path("data"), registry.folder_of(config, id) / "data"
    old = previews.release_content(config, id)
    for name in changed:
        path = PurePath(name)
        if path.parent.name == "articles" and path.stem not in now and (folder / name).is_file():
            return None
        learned = path.parent.name == "asked" or name in TAUGHT or name == "facets.yml"
        texts = (content_files.read_file(folder / name), content_files.read_file(before / name))
        if learned and _differs(*texts) or name in ("rules.yml", "stories.yml"):
            return True
    asked = [(article.about, each) for article in now.values() for each in article.questions]
    was = [(old.article_of(each.name).about, each) for each in old.questions.values()]
    if not _is_of_this_code(config, id) or [_all_taught(*each) for each in asked] != [
        _all_taught(*each) for each in was
    ]:
        return True
    return any(
        _find_mentions(_read_finder(config, id), new) != old.mentions[new.name]
        for (_, new), (_, other) in zip(asked, was, strict=True)
        if (new.ask, new.title, new.lead, new.more)
        != (other.ask, other.title, other.lead, other.more)
    )


def _all_taught(condition: str, question: Question) -> tuple[object, ...]:
    return question.name, condition, _particulars(question)


def _find_mentions(find: Finder, question: Question) -> tuple[str, ...]:
    """The terms that a question's section names, as site_content.load_content has them."""
    text = f"{question.ask} {question.title} {question.lead} {question.more}"
    return tuple(sorted({mention.term for mention in find(text)} | set(question.about)))


@functools.lru_cache(maxsize=2)
def _read_finder(config: Settings, id: str) -> Finder:
    """What finds the terms of a release."""
    content = previews.release_content(config, id)
    return terms.make_finder(content.kinds, content.names)


@functools.lru_cache(maxsize=2)
def _is_of_this_code(config: Settings, id: str) -> bool:
    """Whether a release was trained by this code, so that its archive can be taken over."""
    try:
        digest = registry.read_manifest(config, id)["digest"]
    except registry.ReleaseError:
        return False
    return digest == registry.training_digest(config, registry.folder_of(config, id) / "data")


def _teaches(question: Question | None, wanted: str) -> bool:
    return question is not None and wanted in map(articles.normalise_phrase, question.taught)


def _particulars(question: Question) -> tuple[tuple[str, ...], ...]:
    return question.about, question.facets, question.taught


def _differs(new: str, old: str) -> bool:
    if new == old:
        return False
    try:
        return bool(
            yaml.load(new, Loader=articles.LOADER) != yaml.load(old, Loader=articles.LOADER)
        )
    except yaml.YAMLError:
        return True
