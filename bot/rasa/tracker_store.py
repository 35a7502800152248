"""The tracker store: live conversations as objects in memory, the longest unused leaving first.

The gateway keeps the durable record and gives every message what it needs of its past, so that a
tracker lost with its process costs nothing but the place in a story."""

from collections import OrderedDict
from typing import Any, List, Optional

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker

MOST = 5_000


class LiveTrackerStore(TrackerStore):
    """Keeps at most MOST trackers (about 60 kB each at the 20 turns after which the gateway begins
    a new session)."""

    def __init__(
        self, domain: Optional[Domain], event_broker: Optional[EventBroker] = None, **kwargs: Any
    ) -> None:
        super().__init__(domain, event_broker)
        self.trackers: OrderedDict[str, DialogueStateTracker] = OrderedDict()
        # senders; a message of theirs may still be on its way
        self.forgotten: OrderedDict[str, bool] = OrderedDict()

    async def save(self, tracker: DialogueStateTracker) -> None:
        # of tracker_walks.py: three times the tracker's memory, for one message
        tracker.__dict__.pop("walks", None)
        if tracker.sender_id in self.forgotten:
            return
        self.trackers[tracker.sender_id] = tracker
        self.trackers.move_to_end(tracker.sender_id)
        while len(self.trackers) > MOST:
            self.trackers.popitem(last=False)

    async def retrieve(self, sender_id: str) -> Optional[DialogueStateTracker]:
        return self.trackers.get(sender_id)

    async def delete(self, sender_id: str) -> None:
        self.trackers.pop(sender_id, None)

    async def forget(self, sender_id: str) -> None:
        """Delete a tracker for good."""
        self.forgotten[sender_id] = True
        while len(self.forgotten) > MOST:
            self.forgotten.popitem(last=False)
        await self.delete(sender_id)

    async def keys(self) -> List[str]:
        return list(self.trackers)


def unwrap_store(store: TrackerStore) -> Any:
    """The tracker store behind the wrapper that Rasa's agent puts around it, which hands on neither
    `delete` nor `forget`."""
    return store._tracker_store
