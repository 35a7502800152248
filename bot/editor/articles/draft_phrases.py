"""The phrases of a draft's questions that have some of their own: `.drafts/<id>.phrases.yml`, which
becomes `phrases/<id>.yml` with the article."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bot.content import articles, phrases
from bot.content.phrases import Phrases
from bot.editor.shared import article_document, content_files
from bot.runtime.settings import Settings
from bot.store.accounts import Member

HEAD = (
    "# How people ask the questions of {}.md, beside what data/facets.yml holds for every article."
)


def path_of(config: Settings, draft: str) -> Path:
    """The file of a draft's phrases, whether or not it is there; raises content_files.NoFile."""
    return content_files.draft_path(config, draft).with_suffix(".phrases.yml")


def read_phrases(config: Settings, draft: str) -> Mapping[str, Phrases]:
    """{question: its own phrases} of a draft; one whose phrases have a fault is left out."""
    return phrases.read_file(path_of(config, draft)).questions


def write_phrases(draft: str, own: Mapping[str, Phrases]) -> str:
    """The text of a file with these phrases."""
    lists = {
        id: {key: list(listed) for key in articles.PHRASE_KEYS if (listed := getattr(each, key))}
        for id, each in own.items()
        if each.train or each.test
    }
    return f"{HEAD.format(draft)}\n{article_document.write_yaml(lists) if lists else ''}"


def save_phrases(
    config: Settings, draft: str, taught: Mapping[str, Sequence[str]], person: Member
) -> None:
    """Give questions of a draft these phrases in place of those that teach them; what tests them,
    and other questions, stay. Raises articles.ContentError where the file has a fault."""
    path = path_of(config, draft)
    read = phrases.read_file(path)
    if read.faults and taught:
        raise articles.ContentError(read.faults)
    after = dict(read.questions)
    for id, listed in taught.items():
        after[id] = replace(after.get(id, Phrases()), train=tuple(listed))
    if taught and after != read.questions:
        text = write_phrases(draft, after)
        content_files.save_file(config, path, text, person, f"Phrases of the draft {draft}")
