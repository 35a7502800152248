"""What a message gets, by what each reply costs: the functions alone, and in the live release."""

import numpy as np
import pytest

from bot.rasa import decision

INTENTS = ["a.one", "a.two", "b.one", "greeting", "not_covered", "out_of_scope", "personal_advice"]
ABOUTS = {
    "a.one": {"article": "a", "subject": "tics", "about": ["tics"], "mentions": []},
    "a.two": {"article": "a", "subject": "tics", "about": ["tics"], "mentions": ["botox"]},
    "b.one": {"article": "b", "subject": "tremor", "about": ["tremor"], "mentions": []},
}
KINDS = decision.know_intents(INTENTS, ABOUTS)


def look(probability, page=None, terms=(), likeness=None, text="what is it"):
    log_probability = np.log(np.maximum(probability, 1e-6))
    alike = np.full(len(INTENTS), 0.8) if likeness is None else np.array(likeness)
    said = decision.Said(text, tuple(terms), page)
    return decision.gather_evidence(
        KINDS, said, log_probability, log_probability, lambda i: alike[i]
    )


NEAR = [0.2, 0.15, 0.35, 0.1, 0.1, 0.05, 0.05]


def test_on_an_articles_page_its_own_questions_come_first():
    assert INTENTS[look(NEAR).order[0]] == "b.one"
    assert [INTENTS[i] for i in look(NEAR, "a").order] == ["a.one", "a.two", "b.one"]


def test_whoever_names_what_the_page_does_not_know_may_mean_another_article():
    assert INTENTS[look(NEAR, "a", ["tremor"]).order[0]] == "b.one"
    assert [INTENTS[i][0] for i in look(NEAR, "a", ["botox"]).order] == ["a", "a", "b"]


def test_a_question_that_knows_what_is_named_comes_before_likelier_ones():
    assert INTENTS[look(NEAR, None, ["tics"]).order[0]] == "a.one"
    assert INTENTS[look(NEAR, None, ["botox"]).order[0]] == "a.two"
    assert INTENTS[look(NEAR, "a", ["botox"]).order[0]] == "a.two"


def test_what_is_only_mentioned_counts_less_than_what_a_question_is_about():
    chief = {"article": "c", "subject": "botox", "about": ["botox"], "mentions": []}
    intents = [*INTENTS, "c.one"]
    kinds = decision.know_intents(intents, {**ABOUTS, "c.one": chief})
    said = decision.Said("botox", ("botox",), None)
    alike = np.log(np.full(len(intents), 1 / len(intents)))
    found = decision.gather_evidence(kinds, said, alike, alike, lambda i: np.full(len(i), 0.8))
    assert [intents[i] for i in found.order[:2]] == ["c.one", "a.two"]


def test_nothing_is_decided_where_no_question_or_not_every_outcome_is_taught():
    assert decision.know_intents(INTENTS, {}) is None
    assert decision.know_intents(INTENTS[:-1], ABOUTS) is None


def between(sure, rival):
    """A message that is a.one, or else the rival (an intent)."""
    probability = dict.fromkeys(INTENTS, 0.01) | {"a.one": sure, rival: 1 - sure}
    return look(list(probability.values()), "a")


@pytest.fixture(scope="module")
def decider():
    """Taught that the first question is right as often as it is likely; else the rival is."""
    random = np.random.RandomState(3)
    numbers, ways = [], []
    for _ in range(600):
        sure, rival = 0.5 + random.rand() / 2, ("a.two", "not_covered")[random.randint(2)]
        other = decision.OTHER if rival == "a.two" else decision.UNANSWERED
        if rival == "not_covered":
            sure = 2 * sure - 1
        numbers.append(between(sure, rival).numbers)
        ways.append(decision.RIGHT if random.rand() < sure else other)
    return decision.fit_decider(np.array(numbers), np.array(ways))


def decide(decider, sure, rival, **changed):
    costs = decision.make_costs({**decision.COSTS, **changed})
    return decision.decide_reply(decider, between(sure, rival), costs)


def test_what_is_sure_is_answered_what_is_near_asked_back_and_what_is_unlikely_refused(decider):
    got = [
        decide(decider, *message, unsure_answer=0.25)[0]
        for message in ((0.97, "a.two"), (0.55, "a.two"), (0.03, "not_covered"))
    ]
    assert got == [decision.ANSWER, decision.ASK_BACK, decision.UNANSWERED]


def test_between_an_answer_and_a_question_back_the_neighbours_are_offered_beside_it(decider):
    got = [decide(decider, sure, "a.two")[0] for sure in np.linspace(0.5, 1, 50)]
    order = [decision.ASK_BACK, decision.UNSURE, decision.ANSWER]
    assert list(dict.fromkeys(got)) in (order, order[1:]), got
    assert [INTENTS[i] for i in between(0.7, "a.two").neighbours] == ["a.two"]


@pytest.mark.parametrize(
    ("page", "terms", "likely"),
    [
        ("a", (), {"a.one": 0.9}),
        (None, (), {"a.one": 0.5, "a.two": 0.4}),
        (None, ("tics",), {"a.one": 0.5, "a.two": 0.4}),
        ("b", ("tics", "tremor"), {"a.one": 0.5, "b.one": 0.5}),
    ],
    ids=["no other is likely", "nothing tells the condition", "no page", "another article's"],
)
def test_where_no_neighbour_competes_none_is_offered_beside(page, terms, likely):
    probability = dict.fromkeys(INTENTS, 0.001) | likely
    assert not len(look(list(probability.values()), page, terms).neighbours)


def test_the_probabilities_are_as_often_true_as_they_say(decider):
    for sure in (0.6, 0.75, 0.9):
        ways = decide(decider, sure, "a.two")[1]
        assert abs(ways.sum() - 1) < 1e-5
        assert abs(ways[decision.RIGHT] - sure) < 0.12, (sure, ways)


def test_the_dearer_a_wrong_answer_the_more_is_asked_back(decider):
    answered = [
        sum(
            decide(decider, sure, "a.two", wrong_answer=cost)[0] == decision.ANSWER
            for sure in np.linspace(0.5, 1, 50)
        )
        for cost in (0.6, 1, 2)
    ]
    assert answered[0] > answered[1] > answered[2]


def test_what_a_sentence_bears_out_is_answered_sooner_but_no_decision_about_a_person():
    costs = decision.make_costs(decision.COSTS)

    def decide_both(*ways):
        expected = costs @ np.array(ways)
        evidence = between(0.6, "a.two")
        return int(np.argmin(expected)), *decision.decide_borne_out(np.array(ways), evidence, costs)

    before, after, ways = decide_both(0.3, 0.6, 0, 0.1, 0, 0)
    assert before == decision.ASK_BACK and after in decision.ANSWERS
    assert ways.sum() == pytest.approx(1) and ways[decision.RIGHT] == pytest.approx(2.1 / 2.8)
    for unlike in ((0.55, 0.05, 0.4, 0, 0, 0), (0.02, 0.9, 0, 0.08, 0, 0)):
        assert decide_both(*unlike)[1] not in decision.ANSWERS


def test_an_answer_to_what_may_be_a_decision_costs_most():
    costs = decision.make_costs(decision.COSTS)
    likely = np.array([0.84, 0, 0.16, 0, 0, 0])
    assert np.argmin(costs @ likely) != decision.ANSWER
    assert np.argmin(costs @ np.array([0.84, 0, 0, 0.16, 0, 0])) == decision.ANSWER


def test_a_way_that_no_message_shows_is_never_taken(decider):
    for sure in np.linspace(0.01, 0.99, 20):
        for rival in ("a.two", "not_covered", "greeting"):
            assert decide(decider, sure, rival)[0] not in (decision.TALK, decision.PERSONAL)


@pytest.mark.parametrize(
    "costs, said",
    [
        ({**decision.COSTS, "asking_back": 1.2}, "less than `wrong_answer`"),
        ({**decision.COSTS, "asking_back": 0}, "more than nothing"),
        ({**decision.COSTS, "unsure_answer": 0.4}, "more than `unsure_answer`"),
        ({**decision.COSTS, "unsure_answer_wrong": 0.2}, "less than `unsure_answer_wrong`"),
        ({"wrong_answer": 1}, "`costs` must hold"),
        ({**decision.COSTS, "silence": 1}, "`costs` must hold"),
        ({**decision.COSTS, "wrong_answer": "much"}, "a number"),
        (None, "`costs` must hold"),
    ],
)
def test_costs_that_contradict_each_other_are_refused_with_a_sentence(costs, said):
    with pytest.raises(ValueError, match=said):
        decision.make_costs(costs)
