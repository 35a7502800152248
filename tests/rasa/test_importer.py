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
