"""Stories and test conversations (bot/stories.py) back into their files, with no more lines changed
than were meant."""

import re

import yaml

from bot import articles, content, stories
from bot.editor import manuscripts
from bot.stories import FILES, LISTS

MOST_TURNS, MOST_OFFERS = 30, 3
NEW_FILE = """\
# Conversations that must go as they stand here: what the visitor writes (`ask`; without it, the question is chosen), and
# the `question` that is answered, or the `kind` of the reply. `offers`: questions that must stand below it. `asked_back`:
# that the question is among those asked back will do. `page`: the article of the page on which the chat stands. The
# editors' desk shows and tries them.
"""  # noqa: E501


def faults(kind, text, known):
    """What is wrong with a file's text, each with its line; `known`: the names of questions and
    intents."""
    names = [story.name for story in stories.read(kind, text)]
    twice = [
        f"“{name}” stands here twice; give one of them another name"
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    check = content.story_faults if kind == "told" else content.conversation_faults
    return check(text, FILES[kind], known | {content.FALLBACK}) + twice


def write(kind, text, key, story):
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
        start = kept if text.strip() else NEW_FILE if kind == "tested" else 'version: "3.1"\n'
        return f"{start}\n{group}:\n" + "".join(_written(kind, story, 2))
    lines = text.splitlines(keepends=True)
    lines[-1] = lines[-1].rstrip("\n") + "\n"
    nodes = manuscripts.entries_of(yaml.compose(text, Loader=articles.LOADER))[group][1].value
    margin = nodes[0].start_mark.column - 2
    if key is None:
        end = manuscripts.last_line(None, nodes[-1])
        return "".join([*lines[:end], "\n", *_written(kind, story, margin), *lines[end:]])
    place = next(place for place, old in enumerate(stories.read(kind, text)) if old.key == key)
    node, old = nodes[place], stories.read(kind, text)[place]
    first, last = node.start_mark.line, manuscripts.last_line(None, node)
    if story is None:
        while last < len(lines) and not lines[last].strip():
            last += 1
        return "".join(lines[:first] + lines[last:])
    return "".join(lines[:first] + _rewritten(kind, lines, node, old, story, margin) + lines[last:])


def _rewritten(kind, lines, node, old, story, margin):
    """The lines of a story that was `old`: its head, and each turn that stays as it stood."""
    begin = manuscripts.entries_of(node)[LISTS[kind][2]]
    start, listed = begin[0].start_mark.line + 1, begin[1]
    if listed.flow_style or old.turns is None:
        return _written(kind, story, margin)
    head = (
        lines[node.start_mark.line : start]
        if (story.name, story.page) == (old.name, old.page)
        else _head(kind, story, margin)
    )
    size, blocks = 2 if kind == "told" else 1, {}
    for place, turn in enumerate(old.turns):
        end = manuscripts.last_line(None, listed.value[size * (place + 1) - 1])
        blocks.setdefault(turn, []).append(lines[start:end])
        start = end
    return head + [
        line
        for turn in story.turns
        for line in (
            blocks[turn].pop(0) if blocks.get(turn) else _turn(kind, turn, listed.start_mark.column)
        )
    ]


def _written(kind, story, margin):
    return _head(kind, story, margin) + [
        line for turn in story.turns for line in _turn(kind, turn, margin + 4)
    ]


def _head(kind, story, margin):
    _, name, items = LISTS[kind]
    head = {name: story.name} | ({"page": story.page} if story.page else {})
    return [*_lines([head], margin), f"{' ' * margin}  {items}:\n"]


def _turn(kind, turn, margin):
    """The lines of a turn."""
    if kind == "tested":
        gets = (
            {"question": turn.gets}
            if "." in turn.gets
            else {"kind": content.CLARIFY if turn.gets == content.FALLBACK else turn.gets}
        )
        made = [
            {
                "ask": turn.says,
                **gets,
                "offers": manuscripts.Few(turn.offers),
                "asked_back": turn.back,
            }
        ]
    else:
        made = [
            {"intent": turn.gets, "says": turn.says},
            {"action": stories.action_of(turn.gets), "offer": manuscripts.Few(turn.offers)},
        ]
    return _lines([{key: value for key, value in item.items() if value} for item in made], margin)


def _lines(items, margin):
    return [
        f"{' ' * margin}{line}" for line in manuscripts.write_yaml(items).splitlines(keepends=True)
    ]
