"""A hundred conversations on all channels at once: nobody gets what was meant for another."""

import itertools
from concurrent.futures import ThreadPoolExecutor

from tests.channels.conftest import APPS

people = itertools.count(830_001)
TOO_SLOW = "try again in a few minutes"
EACH = 13  # people in each of the eight channels
# what is asked, what then follows on it, and the titles of the two answers
TALKS = [
    (
        "what causes hiccups",
        "how are they treated?",
        "What causes hiccups?",
        "How do doctors treat hiccups",
    ),
    ("what is dystonia", "what causes it?", "What is dystonia?", "What causes dystonia?"),
    ("what is epilepsy", "how is it treated?", "What is epilepsy?", "How is epilepsy treated?"),
    (
        "what is restless legs syndrome",
        "how is it treated?",
        "What is restless legs syndrome?",
        "How are restless legs treated?",
    ),
    (
        "what are sleep starts",
        "what causes them?",
        "What are sleep starts?",
        "What causes sleep starts?",
    ),
    (
        "is epilim safe in pregnancy",
        "what are the side effects?",
        "Is valproate safe in pregnancy?",
        "What are the side effects of sodium valproate?",
    ),
    (
        "what is a febrile seizure",
        "what causes it?",
        "What is a febrile seizure?",
        "What causes febrile seizures?",
    ),
    (
        "what are tics",
        "how are they treated?",
        "What are tics, and what is Tourette syndrome?",
        "How are tics treated?",
    ),
    ("what is myoclonus", "what causes it?", "What is myoclonus?", "What causes myoclonus?"),
    ("what is a tremor", "how is it treated?", "What is a tremor?", "How is tremor treated?"),
]


def test_a_hundred_conversations_on_all_channels_at_once_are_not_crossed(place):
    talks = {
        (app.NAME, next(people)): TALKS[(number + shift) % len(TALKS)]
        for shift, app in enumerate(APPS.values())
        for number in range(EACH)
    }
    assert len(talks) > 100

    def ask(key, place_of_question):
        app = APPS[key[0]]
        place.call(app, app.write(key[1], talks[key][place_of_question]))

    def said_to(key):
        """The first lines that a person got after the notice, each once: what a platform confirms
        too late is sent again, as it must be."""
        messages = place.platform.to(*key)[seen.get(key, 0) :]
        lines = dict.fromkeys(message.text.partition("\n")[0] for message in messages)
        return [line for line in lines if "a computer program" not in line]

    def ask_all(keys):
        with ThreadPoolExecutor(16) as pool:
            # the second is asked while most of the first are still to be answered
            for question in (0, 1):
                list(pool.map(lambda key, question=question: ask(key, question), keys))
        place.settle()

    seen = {}
    ask_all(talks)
    # whom a slow machine told to come back in a few minutes does
    refused = [key for key in talks if any(TOO_SLOW in line for line in said_to(key))]
    assert len(refused) < len(talks) / 4, refused
    seen = {key: len(place.platform.to(*key)) for key in refused}
    for key in refused:
        ask_all([key])
    for key, (_, _, first, second) in talks.items():
        told = [message.text for message in place.platform.to(*key)]
        assert any("a computer program" in text for text in told), (key, told)
        heads = said_to(key)
        assert len(heads) == 2 and first in heads[0] and second in heads[1], (key, heads)
