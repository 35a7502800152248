"""Actions that behave well, and others that don't, for test_actions.py and test_server.py.

The SDK registers every Action of a process: their names differ from those of the package `actions`.
"""

import asyncio

from rasa_sdk import Action
from rasa_sdk.events import SlotSet
from rasa_sdk.interfaces import ActionExecutionRejection

CALLS = []  # what SampleRecord was called with


class SampleAnswer(Action):
    def name(self):
        return "sample_answer"

    async def run(self, dispatcher, tracker, domain):
        message = tracker.latest_message
        offers = [
            event["data"]["custom"]["offer"] for event in tracker.events if event["event"] == "bot"
        ]
        turn = message["metadata"].get("turn")
        dispatcher.utter_message(
            json_message={"intent": message["intent"]["name"], "turn": turn, "offers": offers}
        )
        return []


class SampleClarify(Action):
    def name(self):
        return "sample_clarify"

    async def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(json_message={"clarify": tracker.latest_message["text"]})
        return []


class SampleTalk(Action):
    """An action may be an ordinary function, and return None."""

    def name(self):
        return "sample_talk"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="good morning")


class SampleEvents(Action):
    def name(self):
        return "sample_events"

    async def run(self, dispatcher, tracker, domain):
        return [SlotSet("about", "tea")]


class SampleRecord(Action):
    def name(self):
        return "sample_record"

    async def run(self, dispatcher, tracker, domain):
        CALLS.append((tracker, domain))
        return []


class SampleVandal(Action):
    """Changes all that it gets."""

    def name(self):
        return "sample_vandal"

    async def run(self, dispatcher, tracker, domain):
        tracker.slots["about"] = "vandalism"
        tracker.latest_message["text"] = "vandalism"
        tracker.latest_message["intent"]["name"] = "vandalism"
        for event in tracker.events:
            event.clear()
        tracker.events.clear()
        return []


class SampleRaise(Action):
    def name(self):
        return "sample_raise"

    async def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="half of an answer")
        raise ValueError("a visitor's words")


class SampleHang(Action):
    def name(self):
        return "sample_hang"

    async def run(self, dispatcher, tracker, domain):
        await asyncio.Event().wait()


class SampleReject(Action):
    def name(self):
        return "sample_reject"

    async def run(self, dispatcher, tracker, domain):
        raise ActionExecutionRejection("sample_reject", "not now")


class SampleNonsense(Action):
    """Returns the value of the slot `result`."""

    def name(self):
        return "sample_nonsense"

    async def run(self, dispatcher, tracker, domain):
        return tracker.slots["result"]
