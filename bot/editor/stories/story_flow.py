"""Stories that begin alike as one flow: the messages that they share, and where they go different
ways."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.content import stories
from bot.content.stories import Judged, Turn
from bot.content.story_ways import Way


@dataclass(frozen=True)
class FlowTurn:
    """A message of a flow, the first being 1. `says`: how visitors put it in the stories of
    `keys`, which share it; `origin`: the one of them from which another way can begin, or None;
    `judged`: how it went where it was tried."""

    turn: Turn
    number: int
    says: tuple[str, ...]
    keys: frozenset[str]
    origin: str | None
    judged: Judged | None


@dataclass(frozen=True)
class Flow:
    """Messages one after another, and the stories that `ends` with them; where it goes on, in
    several `branches`."""

    turns: tuple[FlowTurn, ...]
    ends: tuple[Way, ...]
    branches: tuple["Flow", ...]

    @property
    def keys(self) -> frozenset[str]:
        """Of the stories that go this way."""
        return self.turns[0].keys


@dataclass(frozen=True)
class Drawing:
    """What is drawn: stories of a kind, those that the form can change (by key), and how the ways
    went that were tried."""

    kind: str
    plain: frozenset[str]
    judged: Mapping[Way, Sequence[Judged]]


def draw_flows(drawing: Drawing, ways: Iterable[Way]) -> list[Flow]:
    """The flows of a file, in its order; what begins alike is in one."""
    return [_draw(drawing, group, 0) for group in _group(drawing.kind, ways, 0)]


def _draw(drawing: Drawing, ways: Sequence[Way], place: int) -> Flow:
    """The flow of ways that are alike up to this place."""
    turns = [_turn(drawing, ways, place)]
    while True:
        place += 1
        ends = tuple(way for way in ways if len(way.story.turns or ()) == place)
        groups = _group(drawing.kind, [way for way in ways if way not in ends], place)
        if ends or len(groups) != 1:
            break
        turns.append(_turn(drawing, ways, place))
    return Flow(tuple(turns), ends, tuple(_draw(drawing, group, place) for group in groups))


def _group(kind: str, ways: Iterable[Way], place: int) -> list[list[Way]]:
    """The ways by what their message at this place is."""
    found: dict[object, list[Way]] = {}
    for way in ways:
        turn = (way.story.turns or ())[place]
        same = (turn.gets, turn.offers) if kind == "story" else turn
        found.setdefault((same, way.story.page), []).append(way)
    return list(found.values())


def _turn(drawing: Drawing, ways: Sequence[Way], place: int) -> FlowTurn:
    turns = [(way.story.turns or ())[place] for way in ways]
    keys = [key for way in ways for key in way.keys]
    judged = [drawing.judged[way][place] for way in ways if way in drawing.judged]
    return FlowTurn(
        turns[0],
        place + 1,
        tuple(dict.fromkeys(turn.says for turn in turns if turn.says)),
        frozenset(keys),
        next((key for key in keys if key in drawing.plain), None),
        judged[0] if judged else None,
    )


def count_shared(kind: str, story: stories.Story, other: stories.Story) -> int:
    """How many messages two stories share from their beginning."""
    if story.page != other.page:
        return 0
    pairs = zip(story.turns or (), other.turns or (), strict=False)
    alike = [
        (one.gets, one.offers) == (two.gets, two.offers) if kind == "story" else one == two
        for one, two in pairs
    ]
    return alike.index(False) if False in alike else len(alike)
