"""The ways that a conversation can go by the stories of a file: one that branches (`or`,
`checkpoint`, as Rasa has them) goes several."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.content import articles, stories
from bot.content.stories import Story, Turn

MOST_WAYS = 60  # of a file's branching stories; what goes on beyond that is left out
DEEPEST = 30  # stories that checkpoints join


@dataclass(frozen=True)
class Way:
    """A conversation from its first message to its last, as a story. `names`: of the stories that
    tell it, in order; several where checkpoints join them."""

    story: Story
    names: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the stories that tell it."""
        return tuple(Story(name, ()).key for name in self.names)


@dataclass(frozen=True, eq=False)
class _Part:
    """What a story tells from one checkpoint to the next: of each message, the turns that may
    come."""

    name: str
    start: str | None
    turns: Sequence[tuple[Turn, ...]]
    end: str | None


def list_ways(kind: str, text: str) -> list[Way]:
    """The Ways of a file's text, in its order; without those of stories that hold more than
    questions, answers, `or` and checkpoints."""
    if kind != "story":
        return [
            Way(story, (story.name,)) for story in stories.read_stories(kind, text) if story.turns
        ]
    parts = [part for story in _items(text) for part in _split(story)]
    paths = (path for part in parts if part.start is None for path in _go_on((part,), parts))
    ways = (_way(path, turns) for path in paths for turns in _each(path))
    straight = sum(part.start is None for part in parts)
    return list(itertools.islice(ways, straight + MOST_WAYS))


def _way(path: Sequence[_Part], turns: tuple[Turn, ...]) -> Way:
    names = tuple(dict.fromkeys(part.name for part in path))
    return Way(Story(" › ".join(names), turns), names)


def _each(path: Sequence[_Part]) -> Iterator[tuple[Turn, ...]]:
    """The turns of each way through the alternatives of some parts."""
    return itertools.product(*(choices for part in path for choices in part.turns))


def _go_on(path: tuple[_Part, ...], parts: Sequence[_Part]) -> Iterator[tuple[_Part, ...]]:
    """Whatever follows the last part by its checkpoint, none of them twice."""
    end = path[-1].end
    following = [part for part in parts if end and part.start == end and part not in path]
    if not following or len(path) == DEEPEST:
        yield path
        return
    for part in following:
        yield from _go_on((*path, part), parts)


def _items(text: str) -> list[Mapping[str, Any]]:
    data = articles.read_yaml(text, stories.FILES["story"])[0] if text.strip() else {}
    listed = (data or {}).get("stories")
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _split(story: Mapping[str, Any]) -> list[_Part]:
    """The parts of a story; [] where it holds what can't be told as turns."""
    name, steps = str(story.get("story") or ""), story.get("steps")
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        return []
    parts: list[_Part] = []
    start, turns, left = None, list[tuple[Turn, ...]](), list(steps)
    while left:
        step = left.pop(0)
        if set(step) == {"checkpoint"}:
            if turns:
                parts.append(_Part(name, start, turns, str(step["checkpoint"])))
            start, turns = str(step["checkpoint"]), []
        elif left and (choices := _choices(step, left.pop(0))):
            turns.append(choices)
        else:
            return []
    return [*parts, _Part(name, start, turns, None)] if turns else parts


def _choices(asked: Mapping[str, Any], done: Mapping[str, Any]) -> tuple[Turn, ...]:
    """The turns that a step of the visitor and the bot's next one tell; () where they tell none."""
    either = asked.get("or")
    alternatives = either if set(asked) == {"or"} and isinstance(either, list) else [asked]
    turns = [
        stories.read_steps([each, done]) if isinstance(each, dict) else None
        for each in alternatives
    ]
    return tuple(turn for found in turns if found for turn in found) if all(turns) else ()
