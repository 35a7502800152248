"""Stories and test conversations (bot/content/stories.py) back into their files, with no more lines
changed
than were meant."""

import re
from typing import Any

import yaml

from bot.content import articles, site_content, stories, story_conflicts, story_ways
from bot.content.stories import FILES, LISTS, Story, Turn
from bot.domain.faults import Fault
from bot.editor.shared import article_document

NEW_FILE = """\
# Conversations that must go as they stand here: what the visitor writes (`ask`; without it, the question is chosen), and
# the `question` that is answered, or the `kind` of the reply. `offers`: questions that must stand below it. `asked_back`:
# that the question is among those asked back will do. `page`: the article of the page on which the chat stands. The
# editors' desk shows and tries them.
"""  # noqa: E501


def story_faults(kind: str, text: str, known: set[str], rules: str = "") -> list[Fault]:
    """What is wrong with a file's text; `known`: the names of questions and intents; `rules`: the
    text of the rules, which stories must not contradict."""
    names = [story.name for story in stories.read_stories(kind, text)]
    twice = [
        Fault.from_sentence(f"“{name}” stands here twice; give one of them another name")
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    check = site_content.story_faults if kind == "story" else site_content.conversation_faults
    conflicts = (
        story_conflicts.find_conflicts(story_ways.list_ways(kind, text), rules)
        if kind == "story"
        else []
    )
    found = check(text, FILES[kind], known | {site_content.FALLBACK})
    return found + twice + [conflict.fault for conflict in conflicts]


def write_story(kind: str, text: str, key: str | None, story: Story | None) -> str:
    """`text` with `story` in place of the one of `key` (None: behind the last); None takes that
    out.

    Turns that stay keep their lines, with the comments on them. Raises articles.ContentError where
    the file isn't readable."""
    group, name, items = LISTS[kind]
    data, _, found = articles.read_yaml(text, FILES[kind]) if text.strip() else ({}, {}, [])
    if data is None:
        raise articles.ContentError(found)
    if not isinstance(data.get(group), list) or not data[group]:
        kept = re.sub(rf"(?m)^{group}:.*\n?", "", text).rstrip() + "\n"
        start = (
            kept
            if text.strip()
            else NEW_FILE
            if kind == "test_conversation"
            else 'version: "3.1"\n'
        )
        assert story is not None  # there is none that could be taken out
        return f"{start}\n{group}:\n" + "".join(_written(kind, story, 2))
    lines = text.splitlines(keepends=True)
    lines[-1] = lines[-1].rstrip("\n") + "\n"
    nodes = article_document.entries_of(yaml.compose(text, Loader=articles.LOADER))[group][1].value
    margin = nodes[0].start_mark.column - 2
    if key is None:
        assert story is not None  # only one that stands there is taken out
        end = article_document.last_line(None, nodes[-1])
        return "".join([*lines[:end], "\n", *_written(kind, story, margin), *lines[end:]])
    place, old = _find_place(kind, text, key)
    node = nodes[place]
    first, last = node.start_mark.line, article_document.last_line(None, node)
    if story is None:
        while last < len(lines) and not lines[last].strip():
            last += 1
        return "".join(lines[:first] + lines[last:])
    return "".join(lines[:first] + _rewritten(kind, lines, node, old, story, margin) + lines[last:])


def read_lines(kind: str, text: str, key: str) -> str:
    """A story of a file as it is written there."""
    group = LISTS[kind][0]
    nodes = article_document.entries_of(yaml.compose(text, Loader=articles.LOADER))[group][1].value
    node = nodes[_find_place(kind, text, key)[0]]
    first, last = node.start_mark.line, article_document.last_line(None, node)
    return "".join(text.splitlines(keepends=True)[first:last])


def _find_place(kind: str, text: str, key: str) -> tuple[int, Story]:
    """(the place in its file of the story of a key, the story)."""
    listed = enumerate(stories.read_stories(kind, text))
    return next((place, old) for place, old in listed if old.key == key)


def _rewritten(
    kind: str, lines: list[str], node: yaml.Node, old: Story, story: Story, margin: int
) -> list[str]:
    """The lines of a story that was `old`: its head, and each turn that stays as it stood."""
    begin = article_document.entries_of(node)[LISTS[kind][2]]
    start, listed = begin[0].start_mark.line + 1, begin[1]
    if not isinstance(listed, yaml.CollectionNode) or listed.flow_style or old.turns is None:
        return _written(kind, story, margin)
    head = (
        lines[node.start_mark.line : start]
        if (story.name, story.page) == (old.name, old.page)
        else _head(kind, story, margin)
    )
    size = 2 if kind == "story" else 1
    blocks: dict[Turn, list[list[str]]] = {}
    for place, turn in enumerate(old.turns):
        end = article_document.last_line(None, listed.value[size * (place + 1) - 1])
        blocks.setdefault(turn, []).append(lines[start:end])
        start = end
    return head + [
        line
        for turn in story.turns or ()
        for line in (
            blocks[turn].pop(0) if blocks.get(turn) else _turn(kind, turn, listed.start_mark.column)
        )
    ]


def _written(kind: str, story: Story, margin: int) -> list[str]:
    return _head(kind, story, margin) + [
        line for turn in story.turns or () for line in _turn(kind, turn, margin + 4)
    ]


def _head(kind: str, story: Story, margin: int) -> list[str]:
    _, name, items = LISTS[kind]
    head = {name: story.name} | ({"page": story.page} if story.page else {})
    return [*_lines([head], margin), f"{' ' * margin}  {items}:\n"]


def _turn(kind: str, turn: Turn, margin: int) -> list[str]:
    """The lines of a turn."""
    if kind == "test_conversation":
        gets = (
            {"question": turn.gets}
            if "." in turn.gets
            else {"kind": site_content.CLARIFY if turn.gets == site_content.FALLBACK else turn.gets}
        )
        made = [
            {
                "ask": turn.says,
                **gets,
                "offers": article_document.Few(turn.offers),
                "asked_back": turn.back,
            }
        ]
    else:
        made = [
            {"intent": turn.gets, "says": turn.says},
            {"action": stories.action_of(turn.gets), "offer": article_document.Few(turn.offers)},
        ]
    return _lines([{key: value for key, value in item.items() if value} for item in made], margin)


def _lines(items: list[dict[str, Any]], margin: int) -> list[str]:
    return [
        f"{' ' * margin}{line}"
        for line in article_document.write_yaml(items).splitlines(keepends=True)
    ]
