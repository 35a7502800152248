"""A hundred conversations on all channels at once: nobody gets what was meant for another."""

import itertools
from concurrent.futures import ThreadPoolExecutor

from tests.channels.conftest import APPS

people = itertools.count(830_001)
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

    with ThreadPoolExecutor(16) as pool:
        # the second is asked while most of the first are still to be answered
        for question in (0, 1):
            list(pool.map(lambda key, question=question: ask(key, question), talks))
    place.settle()
    for (channel, person), (_, _, first, second) in talks.items():
        # what a slow machine's platform took and confirmed too late is sent again, as it must be
        notice, *heads = dict.fromkeys(
            message.text.partition("\n")[0] for message in place.platform.to(channel, person)
        )
        assert "a computer program" in notice, (channel, person, notice)
        assert len(heads) == 2 and first in heads[0] and second in heads[1], (
            channel,
            person,
            heads,
        )
