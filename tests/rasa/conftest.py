"""Rasa as bot.rasa prepares it, a tiny project, and one model of it that is trained once.

These tests hold what Pamphlet relies on in Rasa. When a package changes, the names of the tests
that fail say what no longer holds; `bot/rasa/compatibility.py` is where it is mended.

No __init__.py here: `tests` is on the path, and this folder would stand in the place of the package
`rasa`."""

import contextlib
import gc
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.rasa import compatibility

with warnings.catch_warnings():
    warnings.simplefilter(
        "ignore"
    )  # Rasa is of 2023; the filter that `prepare` sets would stay for the other tests
    compatibility.prepare_rasa()
    compatibility.quieten_rasa()
    import rasa.core.run
    import rasa.model_training
    from rasa.engine.graph import ExecutionContext, GraphSchema
    from rasa.engine.storage.local_model_storage import LocalModelStorage
    from rasa.engine.storage.resource import Resource

HERE = Path(__file__).resolve().parent

CONFIG = """
recipe: default.v1
assistant_id: tiny
language: en
pipeline:
  - name: WhitespaceTokenizer
  - name: CountVectorsFeaturizer
    analyzer: char_wb
    min_ngram: 2
    max_ngram: 4
  - name: KeywordIntentClassifier
  - name: FallbackClassifier
    threshold: 0.5
    ambiguity_threshold: 0.1
policies:
  - name: RulePolicy
    core_fallback_threshold: 0.3
    core_fallback_action_name: sample_clarify
    enable_fallback_prediction: true
  - name: MemoizationPolicy
    max_history: 5
  - name: bot.rasa.policy.AnswerPolicy
    priority: 2
    action: sample_answer
"""
DOMAIN = """
version: "3.1"
session_config:
  session_expiration_time: 0
  carry_over_slots_to_new_session: true
intents:
  - greeting: {use_entities: []}
  - tea.making: {use_entities: []}
  - tea.price: {use_entities: []}
  - coffee.making: {use_entities: []}
entities:
  - term
slots:
  about:
    type: text
    influence_conversation: false
    mappings:
      - type: from_entity
        entity: term
responses:
  utter_offer_1:
    - custom: {offer: [tea.price]}
actions:
  - sample_answer
  - sample_clarify
  - sample_talk
"""
NLU = """
version: "3.1"
nlu:
  - intent: greeting
    examples: |
      - hello
      - good morning
  - intent: tea.making
    examples: |
      - brew tea
  - intent: tea.price
    examples: |
      - tea cost
  - intent: coffee.making
    examples: |
      - brew coffee
"""
RULES = """
version: "3.1"
rules:
  - rule: what is close to several questions is asked back
    steps:
      - intent: nlu_fallback
      - action: sample_clarify
  - rule: greeting
    steps:
      - intent: greeting
      - action: sample_talk
"""
STORIES = """
version: "3.1"
stories:
  - story: somebody makes tea and is offered its price
    steps:
      - intent: tea.making
      - action: utter_offer_1
      - action: sample_answer
"""


def pytest_collection_modifyitems(items):
    """Rasa calls what is deprecated, and tells at every domain with slots what has changed since
    Rasa 2."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning"))
            item.add_marker(
                pytest.mark.filterwarnings("ignore:Slot auto-fill has been removed:UserWarning")
            )


@dataclass(frozen=True)
class Project:
    """A folder with all that a training reads."""

    folder: Path

    def train(self, name="model"):
        """Train the folder into its `models`; the TrainingResult."""
        return rasa.model_training.train(
            domain=str(self.folder / "domain.yml"),
            config=str(self.folder / "config.yml"),
            training_files=str(self.folder / "data"),
            output=str(self.folder / "models"),
            fixed_model_name=name,
        )


def write_project(folder):
    """The tiny Project, written into `folder`."""
    (folder / "data").mkdir(parents=True)
    for name, text in {
        "config.yml": CONFIG,
        "domain.yml": DOMAIN,
        "data/nlu.yml": NLU,
        "data/rules.yml": RULES,
        "data/stories.yml": STORIES,
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    return Project(folder)


@contextlib.contextmanager
def closing_databases():
    """Rasa's training cache leaves its connections to the garbage collector: it comes here, not
    during another test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
        gc.collect()


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    """The archive of the tiny project's model."""
    project = write_project(tmp_path_factory.mktemp("tiny") / "project")
    with pytest.MonkeyPatch.context() as patch, closing_databases():
        patch.setenv("RASA_CACHE_DIRECTORY", str(project.folder / "cache"))
        patch.chdir(project.folder)
        return Path(project.train().model)


@dataclass(frozen=True)
class Components:
    """Components as Rasa's graph makes them, which keep what they learn in `storage`."""

    storage: LocalModelStorage

    def make(self, kind, **options):
        """A new component with these options."""
        return self._create(kind.create, kind, options)

    def load(self, kind, **options):
        """The component as one of its kind was trained before."""
        return self._create(kind.load, kind, options)

    def _create(self, create, kind, options):
        return create(
            {**kind.get_default_config(), **options},
            self.storage,
            Resource(kind.__name__),
            ExecutionContext(GraphSchema({}), node_name=kind.__name__),
        )


@pytest.fixture
def components(tmp_path):
    (tmp_path / "storage").mkdir()
    return Components(LocalModelStorage(tmp_path / "storage"))
