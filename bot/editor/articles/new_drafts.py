"""A new article's draft as files: its text, phrases to begin with, and what is to be seen to."""

import itertools

from bot.content import phrases
from bot.content.history import Named
from bot.editor.importing.first_drafts import Draft
from bot.editor.shared import content_files, phrases_document
from bot.runtime.settings import Settings

# No article may be named so: it would have no page. What else follows an article in an address has
# a hyphen, and a question's name has none.
PAGES = ("new", "drafts")


def save_draft(config: Settings, made: Draft, person: Named) -> str:
    """Save a new draft, whole or not at all, under the first id that is free, which is given."""
    base = made.id or "article"
    for id in itertools.chain([base], (f"{base}_{n}" for n in itertools.count(2))):
        if id in PAGES or content_files.article_path(config, id).exists():
            continue
        if phrases.path_of(config.path("data"), id).exists():
            continue
        files = {
            content_files.draft_path(config, id): made.text,
            content_files.notes_path(config, id): "\n".join(
                " ".join(note.split()) for note in made.notes
            ),
        }
        text = ""
        for question, listed in made.phrases.items():
            text = phrases_document.write_phrases(text, id, question, {"train": listed})
        if text:
            files[content_files.phrases_path(config, id, True)] = text
        if content_files.create_files(config, files, person, f"Draft the article {id}"):
            return id
    raise AssertionError("there are ids without end")
