"""What a message leaves out: the functions alone, with a library of three articles."""

from bot.rasa import follow_ups


def question(article, subject, facet, about=(), mentions=()):
    return {
        "article": article,
        "subject": subject,
        "about": about or [subject],
        "facets": [facet],
        "mentions": [subject, *about, *mentions],
    }


QUESTIONS = {
    "jerks.botox": question("jerks", "jerks", "use", ["botox"]),
    "jerks.treatments": question("jerks", "jerks", "treatments"),
    "cramp.botox": question("cramp", "cramp", "use", ["cramp", "botox"]),
    "stiffness.treatments": question("stiffness", "stiffness", "treatments", mentions=["botox"]),
    "stiffness.medicines": question("stiffness", "stiffness", "medicines", ["stiffness", "botox"]),
    "jerks.medicines": question("jerks", "jerks", "medicines", ["jerks", "botox"]),
}
KINDS = {
    **dict.fromkeys(("jerks", "cramp", "stiffness", "gout"), "condition"),
    "botox": "treatment",
}
LIBRARY = follow_ups.make_index(QUESTIONS, {name: [0.1, 0.1] for name in QUESTIONS}, (), KINDS)


def understand(likely, named, rest, topic=None):
    """The Reading of a message of which these questions are likely."""
    ranking = [{"name": name, "confidence": share} for name, share in likely.items()]
    return follow_ups.read_message(LIBRARY, ranking, named, rest, topic, None, 0.02)


def read(*message):
    """The name of what such a message gets."""
    return understand(*message).ranking[0]["name"]


def test_a_name_beside_a_condition_asks_what_is_about_both():
    likely = {"jerks.botox": 0.3, "cramp.botox": 0.2, "stiffness.treatments": 0.3}
    assert read(likely, ["botox"], " ") == "jerks.botox"
    assert read(likely, ["botox", "cramp"], " in ") == "cramp.botox"
    assert read(likely, ["botox", "stiffness"], " in ") == "stiffness.treatments"


def test_another_condition_is_overlooked_beside_one_that_is_covered_only():
    likely = {"jerks.botox": 0.4, "not_covered": 0.2}
    assert read(likely, ["botox", "gout"], "does help in") == "not_covered"
    assert read(likely, ["botox", "jerks", "gout"], "does help in") == "jerks.botox"


def test_a_follow_up_about_a_medicine_is_not_about_another_article():
    likely = {"stiffness.medicines": 0.4, "jerks.medicines": 0.3}
    topic = {"about": ["botox"], "article": "jerks", "facets": ["use"], "number": 0}
    assert read(likely, [], "which others are there", topic) == "jerks.medicines"


def test_a_follow_up_about_a_medicine_asks_a_side_that_medicines_have():
    likely = {"jerks.treatments": 0.4, "stiffness.treatments": 0.3, "jerks.botox": 0.25}
    topic = {"about": ["botox"], "article": None, "facets": [], "number": 0}
    reading = understand(likely, [], "and what does it do", topic)
    assert reading.case == "close" and reading.choices == ("jerks.botox", "cramp.botox")
