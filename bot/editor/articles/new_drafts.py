"""A new article's draft as files: its text, phrases to begin with, and what is to be seen to."""

import itertools
from pathlib import Path

from bot.content.git_commands import Named
from bot.editor.importing.first_drafts import Draft
from bot.editor.shared import content_files, phrases_document
from bot.runtime.settings import Settings

# No article may be named so: it would have no page. What else follows an article in an address has
# a hyphen, and a question's name has none.
PAGES = ("new", "drafts")


def save_draft(config: Settings, made: Draft, person: Named) -> str:
    """Save a new draft, whole or not at all, under the first id that is free, which is given."""
    base = made.id or "article"
    free = (
        id
        for id in itertools.chain([base], (f"{base}_{n}" for n in itertools.count(2)))
        if id not in PAGES and not content_files.article_path(config, id).exists()
    )
    return next(
        id
        for id in free
        if content_files.create_files(
            config, _list_files(config, id, made), person, f"Draft the article {id}"
        )
    )


def _list_files(config: Settings, id: str, made: Draft) -> dict[Path, str]:
    """{file: its text} of a new draft."""
    notes, own = "\n".join(" ".join(note.split()) for note in made.notes), ""
    for question, asked in made.phrases.items():
        own = phrases_document.write_phrases(own, id, question, {"train": asked})
    files = {
        content_files.draft_path(config, id): made.text,
        content_files.notes_path(config, id): notes,
        content_files.phrases_path(config, id, draft=True): own,
    }
    return {path: text for path, text in files.items() if text}
