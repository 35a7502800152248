"""What the importer makes of the content: a question is taught by its own phrases, or where it has
none by its wording and by its facet's."""

import pytest
import yaml
from rasa.shared.nlu.constants import INTENT, TEXT

from bot.content import facets
from bot.rasa import training_examples
from bot.rasa.importer import ArticleImporter
from bot.runtime import settings
from tests.conftest import keep_one_article

CAUSES = "restless_legs.causes"


@pytest.fixture
def examples(data):
    """The examples of `restless_legs.causes`, which has no phrase of its own."""
    keep_one_article(data)
    path = data / "phrases/restless_legs.yml"
    own = yaml.safe_load(path.read_text())
    del own["causes"]
    path.write_text(yaml.safe_dump(own))
    read = ArticleImporter(training_data_paths=str(data)).get_nlu_data()
    return [example for example in read.training_examples if example.get(INTENT) == CAUSES]


def test_a_question_without_phrases_is_taught_by_its_wording_and_its_facet(examples):
    own = [example.get(TEXT) for example in examples if not training_examples.known_of(example)]
    assert own == ["What causes restless legs?"]
    asked = {example.get(TEXT) for example in examples if training_examples.known_of(example)}
    ways = facets.read_facets(settings.ROOT / "data")["causes"]
    filled = {way.replace(facets.TERM, "restless legs syndrome") for way in ways}
    assert len(asked & filled) > 5 and any("restless legs syndrome" in way for way in asked)


def test_whatever_teaches_a_question_says_what_it_is_about(examples):
    for example in examples:
        facts = training_examples.example_facts(example)
        assert (facts["article"], facts["facets"]) == ("restless_legs", ["causes"]), example


def test_stories_that_offer_the_same_have_one_response_and_others_have_their_own(data):
    keep_one_article(data)
    head = "  - story: {}\n    steps:\n      - intent: restless_legs.what_is\n"
    answer = "      - action: action_answer\n        offer: [restless_legs.{}]\n"
    told = [("a", "causes"), ("b", "causes"), ("c", "triggers")]
    (data / "stories.yml").write_text(
        'version: "3.1"\nstories:\n'
        + "".join(head.format(name) + answer.format(offer) for name, offer in told)
    )
    graph = ArticleImporter(
        domain_path=str(settings.ROOT / "domain.yml"), training_data_paths=str(data)
    ).get_stories()
    actions = {
        step.block_name: [
            event.action_name for event in step.events if getattr(event, "action_name", None)
        ]
        for step in graph.story_steps
        if step.block_name in ("a", "b", "c")
    }
    assert actions["a"] == actions["b"] and actions["a"][0] != actions["c"][0]
