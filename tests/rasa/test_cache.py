"""Which component a training spares: fingerprints of options and data, and the cache of what was
trained before."""

import json
from types import SimpleNamespace

import pkg_resources
import pytest
import sqlalchemy
from rasa.engine.caching import LocalTrainingCache
from rasa.engine.graph import GraphComponent, GraphModelConfiguration, GraphSchema, SchemaNode
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.engine.training.fingerprinting import calculate_fingerprint_key
from rasa.engine.training.graph_trainer import GraphTrainer
from rasa.shared.core.domain import Domain
from rasa.shared.data import TrainingType
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

DOMAIN = Domain.from_dict({"intents": ["ask"], "actions": ["action_answer"]})


class Reader(GraphComponent):
    """Gives the importer's training data."""

    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        return cls()

    def provide(self, importer):
        return importer.get_nlu_data()


class Learner(GraphComponent):
    """Learns the phrases by heart, and tells in `Learner.trained` that it did."""

    trained = []

    def __init__(self, config, storage, resource):
        self.config, self.storage, self.resource = config, storage, resource

    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        return cls(config, model_storage, resource)

    @staticmethod
    def get_default_config():
        return {"option": 1}

    @staticmethod
    def required_packages():
        return ["sklearn"]

    def train(self, training_data):
        self.trained.append(self.resource.name)
        phrases = [each.get("text") for each in training_data.training_examples]
        with self.storage.write_to(self.resource) as folder:
            (folder / "phrases.json").write_text(json.dumps(phrases))
        return self.resource


class Importer:
    """The part of an importer that a training asks."""

    def __init__(self, *phrases):
        self.phrases = phrases

    def get_domain(self):
        return DOMAIN

    def get_nlu_data(self):
        return TrainingData([Message.build(text=phrase, intent="ask") for phrase in self.phrases])


def configuration(**options):
    """A model of two components that learn; `options` are the second one's."""
    learn = {"uses": Learner, "constructor_name": "create", "fn": "train", "is_target": True}
    nodes = {
        "reader": SchemaNode(
            {"importer": "__importer__"}, Reader, "create", "provide", {}, is_input=True
        ),
        "first": SchemaNode({"training_data": "reader"}, config={}, **learn),
        "second": SchemaNode({"training_data": "reader"}, config=options, **learn),
    }
    return GraphModelConfiguration(
        GraphSchema(nodes), GraphSchema({}), TrainingType.NLU, "tiny", "en", None, "first"
    )


@pytest.fixture
def storage(tmp_path):
    (tmp_path / "storage").mkdir()
    return LocalModelStorage(tmp_path / "storage")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RASA_CACHE_DIRECTORY", str(tmp_path / "cache"))
    made = LocalTrainingCache()
    yield made
    close(made)


def close(cache):
    cache._sessionmaker.kw["bind"].dispose()


@pytest.fixture
def train(tmp_path, cache):
    """A Training of this test's folder."""
    Learner.trained.clear()
    return Training(tmp_path, cache)


class Training:
    """Trainings that share a cache."""

    def __init__(self, folder, cache):
        self.folder, self.cache, self.count = folder, cache, 0

    def __call__(self, importer, **options):
        """The folder of what was learned, and the nodes that were trained."""
        self.count += 1
        Learner.trained.clear()
        folder = self.folder / f"training{self.count}"
        folder.mkdir()
        trainer = GraphTrainer(LocalModelStorage(folder), self.cache, DaskGraphRunner)
        trainer.train(configuration(**options), importer, self.folder / f"{self.count}.tar.gz")
        return folder, sorted(Learner.trained)


# ── Fingerprints ──────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def key(option=1, *phrases):
    return calculate_fingerprint_key(
        Learner, {"option": option}, {"training_data": Importer(*phrases).get_nlu_data()}
    )


def test_a_component_with_the_same_options_and_data_has_the_same_fingerprint():
    assert key(1, "brew tea", "tea cost") == key(1, "brew tea", "tea cost")


def test_the_order_of_phrases_is_no_part_of_a_fingerprint():
    assert key(1, "brew tea", "tea cost") == key(1, "tea cost", "brew tea")


@pytest.mark.parametrize(
    "other", [(2, "brew tea"), (1, "brew coffee"), (1, "brew tea", "tea cost")], ids=str
)
def test_other_options_or_data_have_another_fingerprint(other):
    assert key(1, "brew tea") != key(*other)


def test_another_release_of_a_needed_package_has_another_fingerprint(monkeypatch):
    before = key()

    monkeypatch.setattr(
        pkg_resources, "get_distribution", lambda name: SimpleNamespace(version=f"99 of {name}")
    )

    assert key() != before


# ── The cache ─────────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def test_an_unchanged_component_is_not_trained_again_and_its_resource_is_there(train):
    _, first = train(Importer("brew tea"))
    folder, second = train(Importer("brew tea"))

    assert (first, second) == (["first", "second"], [])
    assert (folder / "second" / "phrases.json").read_text() == '["brew tea"]'


def test_only_a_component_with_other_options_is_trained_again(train):
    train(Importer("brew tea"))
    _, second = train(Importer("brew tea"), option=2)

    assert second == ["second"]


def test_other_phrases_train_every_component_that_reads_them(train):
    train(Importer("brew tea"))
    folder, second = train(Importer("brew tea", "tea cost"))

    assert second == ["first", "second"]
    assert (folder / "first" / "phrases.json").read_text() == '["brew tea", "tea cost"]'


def test_a_component_that_was_cached_before_the_last_training_is_still_known(train):
    for phrase in ("brew tea", "tea cost"):
        train(Importer(phrase))

    assert train(Importer("brew tea"))[1] == []


def test_a_training_that_is_forced_trains_all(train, cache, tmp_path):
    train(Importer("brew tea"))
    Learner.trained.clear()
    (tmp_path / "forced").mkdir()

    GraphTrainer(LocalModelStorage(tmp_path / "forced"), cache, DaskGraphRunner).train(
        configuration(), Importer("brew tea"), tmp_path / "forced.tar.gz", force_retraining=True
    )

    assert sorted(Learner.trained) == ["first", "second"]


def keep(cache, storage, name):
    """Write a resource and cache it."""
    resource = Resource(name, f"hash of {name}")
    with storage.write_to(resource) as folder:
        (folder / "file").write_text(name)
    cache.cache_output(f"key of {name}", resource, resource.fingerprint(), storage)


def test_what_is_cached_is_found_by_the_next_process(cache, storage, tmp_path):
    keep(cache, storage, "terms")
    (tmp_path / "other").mkdir()
    other = LocalModelStorage(tmp_path / "other")

    next_cache = LocalTrainingCache()
    found = next_cache.get_cached_output_fingerprint("key of terms")
    resource = next_cache.get_cached_result(found, "terms", other)
    close(next_cache)

    assert (found, resource.name) == ("hash of terms", "terms")
    assert (tmp_path / "other" / "terms" / "file").read_text() == "terms"


def test_what_is_not_cached_is_not_found(cache, storage):
    assert cache.get_cached_output_fingerprint("key") is None
    assert cache.get_cached_result("hash", "terms", storage) is None


def test_what_an_older_rasa_cached_is_dropped(cache, storage, tmp_path):
    keep(cache, storage, "terms")
    with cache._sessionmaker.begin() as session:
        session.execute(
            sqlalchemy.update(LocalTrainingCache.CacheEntry).values(rasa_version="3.0.0")
        )

    next_cache = LocalTrainingCache()
    found = next_cache.get_cached_output_fingerprint("key of terms")
    close(next_cache)

    assert found is None and [path.name for path in (tmp_path / "cache").iterdir()] == ["cache.db"]


def test_a_cache_of_size_zero_keeps_nothing(storage, tmp_path, monkeypatch):
    monkeypatch.setenv("RASA_CACHE_DIRECTORY", str(tmp_path / "none"))
    monkeypatch.setenv("RASA_MAX_CACHE_SIZE", "0")
    disabled = LocalTrainingCache()

    keep(disabled, storage, "terms")
    found = disabled.get_cached_output_fingerprint("key of terms")
    close(disabled)

    assert found is None and not (tmp_path / "none").exists()
