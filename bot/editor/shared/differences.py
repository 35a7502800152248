"""What differs between two texts, side by side: each line beside what it was, with the words that
differ marked."""

import difflib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Piece = tuple[str, bool]  # letters of a line, and whether they are changed
CONTEXT = 2  # lines that are shown around a change
ALIKE = 0.4  # share of words that two lines have in common which are one line, rewritten
MOST_COMPARED = 2_000  # pairs of lines that are held against each other


@dataclass(frozen=True)
class Pair:
    """A line as it was and as it is; None where there was or is none."""

    before: list[Piece] | None
    after: list[Piece] | None

    @property
    def is_same(self) -> bool:
        """Whether the line stayed as it was."""
        return self.before == self.after


def compare_texts(before: str, after: str) -> list[list[Pair]]:
    """What changed, as people read it: groups of lines that stand near each other."""
    old, new, groups = before.splitlines(), after.splitlines(), list[list[Pair]]()
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for opcodes in matcher.get_grouped_opcodes(CONTEXT):
        pairs: list[Pair] = []
        for kind, a, b, c, d in opcodes:
            if kind == "equal":
                pairs += [Pair([(line, False)], [(line, False)]) for line in old[a:b]]
            else:
                pairs += _face(old[a:b], new[c:d])
        groups.append(pairs)
    return groups


def _face(old: Sequence[str], new: Sequence[str]) -> Iterator[Pair]:
    """Lines that were rewritten, each beside the one that is most like it."""
    if len(old) * len(new) > MOST_COMPARED:
        yield from _face_in_order(old, new)
        return
    first, unlike = 0, list[str]()
    for line in old:
        alike = [_likeness(line, other) for other in new[first:]]
        best = max(alike, default=0.0)
        if best < ALIKE:
            unlike.append(line)
            continue
        place = first + alike.index(best)
        yield from _face_in_order(unlike, new[first:place])
        yield _mark(line, new[place])
        first, unlike = place + 1, []
    yield from _face_in_order(unlike, new[first:])


def _face_in_order(old: Sequence[str], new: Sequence[str]) -> Iterator[Pair]:
    for before, after in itertools.zip_longest(old, new):
        yield Pair(
            None if before is None else [(before, False)],
            None if after is None else [(after, False)],
        )


def _likeness(one: str, other: str) -> float:
    words, others = (re.findall(r"\w+", line) for line in (one, other))
    return difflib.SequenceMatcher(None, words, others, autojunk=False).ratio()


def _mark(left: str, right: str) -> Pair:
    """A rewritten line, the words that differ marked."""
    old, new = (re.findall(r"\s+|\w+|[^\w\s]+", line) for line in (left, right))
    out: list[Piece] = []
    come: list[Piece] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        _add(out, "".join(old[a:b]), kind != "equal")
        _add(come, "".join(new[c:d]), kind != "equal")
    return Pair(out, come)


def _add(pieces: list[Piece], text: str, is_changed: bool) -> None:
    """Put a piece behind others; a blank between two changed ones is changed with them."""
    if is_changed and len(pieces) > 1 and pieces[-2][1] and not pieces[-1][0].strip():
        text = "".join(piece for piece, _ in pieces[-2:]) + text
        del pieces[-2:]
    if text:
        pieces.append((text, is_changed))
