"""The files of the content as editors know them."""

from pathlib import PurePath

from bot.editor.shared import fault_places

FOLDERS = {
    "articles": "article",
    "phrases": "phrases",
    "evidence": "evidence",
    "reviews": "signatures",
    ".drafts": "draft",
}


def label_file(name: str) -> str:
    """What a file is at the desk, by its name below DATA; its name, where the desk shows none of
    it."""
    path = PurePath(name)
    id, folder = path.name.partition(".")[0], path.parent.name
    if folder in FOLDERS:
        return f"{id.replace('_', ' ').capitalize()}: {FOLDERS[folder]}"
    if id in fault_places.TABLES:
        return fault_places.TABLES[id]
    return fault_places.STORIES[id][1] if id in fault_places.STORIES else name
