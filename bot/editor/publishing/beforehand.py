"""What kind of change a publication would bring, and about how long it takes, before it begins."""

from collections.abc import Sequence

from bot.editor.shared import working_copy
from bot.editor.shared.state import State
from bot.releases import time_left
from bot.store.publications import Entry

ANSWERS = "Answers and texts alone change: no question has to be learned."
LEARNS = "What can be asked changes, or how it is understood: the questions are learned anew."
UNKNOWN = "How long that takes is known once one was made."


def describe_change(
    desk: State, live: str, changed: Sequence[str], earlier: Sequence[Entry]
) -> str:
    """The sentences on what differs from the live release, in these files, by the `earlier`
    publications, newest first; "" where an article can't be read."""
    learns = working_copy.has_to_learn(desk, live, changed)
    if learns is None:
        return ""
    took = time_left.estimate_whole(learns, earlier)
    time = f"It takes {took}, as the last ones took." if took else UNKNOWN
    return f"{LEARNS if learns else ANSWERS} {time}"
