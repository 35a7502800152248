"""The draft beside a release: its content as the files have it, its answer, and what of it a
release has not learned."""

import dataclasses
import datetime

import yaml

from bot import articles, content, release, replies
from bot.editor import files, library, previews

TAUGHT = {
    "talk.yml": "talk",
    "terms.yml": "the terms",
    "stories.yml": "the stories",
    "rules.yml": "the rules",
}


def read(desk):
    """The Content as the files have it; an article with faults is as in the live release."""
    config, known = desk.config, library.read_articles(desk)
    live = previews.library(config, release.live(config))
    there = {path.stem for path in articles.list_files(config.path("data"), "articles/*.md")}
    shown = {**{id: article for id, article in live.articles.items() if id in there}, **known}
    questions = {
        question.name: question for article in shown.values() for question in article.questions
    }
    texts = content.read_texts(config.path("data"))[0] or {}
    return dataclasses.replace(
        live,
        articles=shown,
        questions=questions,
        texts={**live.texts, **texts},
        ledgers=library.read_ledgers(desk),
        mentions={
            name: live.mentions.get(name, question.about) for name, question in questions.items()
        },
    )


def candidate(config):
    """The newest candidate that is younger than the live release, or None."""
    found = [id for id, state in release.listed(config) if state == "candidate"]
    now = release.live(config)
    return found[0] if found and (now is None or found[0] > now) else None


def answer(drafts, reply):
    """What the draft answers where a release gave `reply`: an answer in the draft's words, anything
    else as it is."""
    name = reply.get("question") or ""
    if reply["kind"] != "answer" or name.endswith(f".{replies.ARTICLE_INFO}"):
        return reply
    if name not in drafts.questions:
        return {
            "kind": "not_covered",
            "text": replies.fill(drafts.texts["not_covered"], covered=replies.covered(drafts)),
            "choices": [],
        }
    made = replies.answer(
        drafts, name, datetime.datetime.now(datetime.UTC).date(), reply["confidence"]
    )
    return {**made, "choices": reply.get("choices") or []}


def unlearned(desk, id, text):
    """Sentences: what editors have changed since release `id` was trained, and what shows once they
    prepare one; `text`: what is tried."""
    old, said = previews.library(desk.config, id), []
    now = library.questions(desk)
    wanted, folder = articles.normalise(text), release.folder_of(desk.config, id) / "data"
    said += [
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
        if _differs(files.read(desk.config.path("data") / name), files.read(folder / name))
    ]
    return said + (
        [f"In the draft {', '.join(others)} {'is' if others == ['talk'] else 'are'} changed."]
        if others
        else []
    )


def _teaches(question, wanted):
    return question is not None and wanted in map(articles.normalise, question.train)


def _particulars(question):
    return question.about, question.facets, question.train


def _differs(new, old):
    if new == old:
        return False
    try:
        return yaml.load(new, Loader=articles.LOADER) != yaml.load(old, Loader=articles.LOADER)
    except yaml.YAMLError:
        return True
