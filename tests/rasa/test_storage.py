"""What Rasa keeps: what components learn, and the archive of a model."""

import io
import json
import tarfile
from pathlib import Path

import pytest
from rasa.engine.graph import GraphComponent, GraphModelConfiguration, GraphSchema, SchemaNode
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.exceptions import UnsupportedModelVersionError
from rasa.shared.core.domain import Domain
from rasa.shared.data import TrainingType
from tarsafe import TarSafeException

DOMAIN = Domain.from_dict({"intents": ["ask"], "actions": ["action_answer"]})


class Learner(GraphComponent):
    """A component of a graph."""

    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        return cls()

    def train(self):
        return None


def configuration(**options):
    """A model of one component with these options."""
    nodes = {"first": SchemaNode({}, Learner, "create", "train", options, is_target=True)}
    return GraphModelConfiguration(
        GraphSchema(nodes), GraphSchema({}), TrainingType.NLU, "tiny", "en", None, "first"
    )


@pytest.fixture
def storage(tmp_path):
    (tmp_path / "storage").mkdir()
    return LocalModelStorage(tmp_path / "storage")


# ── What components learn ─────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def test_what_is_written_to_a_resource_is_read_from_it(storage):
    with storage.write_to(Resource("terms")) as folder:
        (folder / "terms.json").write_text("[]")

    with storage.read_from(Resource("terms")) as folder:
        assert (folder / "terms.json").read_text() == "[]"


def test_a_resource_that_nobody_wrote_is_named(storage):
    with (
        pytest.raises(ValueError, match="Resource 'terms' does not exist"),
        storage.read_from(Resource("terms")),
    ):
        pass


# ── The archive ───────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


@pytest.fixture
def packed(storage, tmp_path):
    """The path of an archive with one resource."""
    with storage.write_to(Resource("terms")) as folder:
        (folder / "terms.json").write_text('["tëa"]', encoding="utf-8")
    storage.create_model_package(
        tmp_path / "models" / "model.tar.gz", configuration(option=2), DOMAIN
    )
    return tmp_path / "models" / "model.tar.gz"


def unpack(archive, tmp_path):
    (tmp_path / "unpacked").mkdir()
    return LocalModelStorage.from_model_archive(tmp_path / "unpacked", archive)


def test_an_archive_gives_back_what_was_learned(packed, tmp_path):
    storage, _ = unpack(packed, tmp_path)

    with storage.read_from(Resource("terms")) as folder:
        assert (folder / "terms.json").read_text(encoding="utf-8") == '["tëa"]'


def test_an_archive_gives_back_its_domain_and_its_graphs(packed, tmp_path):
    _, metadata = unpack(packed, tmp_path)

    assert metadata.domain.as_dict() == DOMAIN.as_dict()
    assert metadata.train_schema == configuration(option=2).train_schema
    assert (metadata.language, metadata.assistant_id, metadata.nlu_target) == (
        "en",
        "tiny",
        "first",
    )
    assert metadata.rasa_open_source_version == "3.6.21" and len(metadata.model_id) == 32


def test_the_metadata_can_be_read_without_the_rest(packed):
    metadata = LocalModelStorage.metadata_from_archive(packed)

    assert metadata.training_type is TrainingType.NLU and metadata.trained_at.year >= 2026


def test_an_archive_holds_its_metadata_and_what_was_learned_and_nothing_else(packed):
    with tarfile.open(packed) as file:
        names = sorted(member.name for member in file if member.isfile())

    assert names == ["components/terms/terms.json", "metadata.json"]


def test_an_archive_is_unpacked_into_an_empty_folder_only(packed, storage):
    with pytest.raises(ValueError, match="not empty"):
        LocalModelStorage.from_model_archive(storage._storage_path, packed)


def member(name, kind=tarfile.REGTYPE, target=""):
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


@pytest.mark.parametrize(
    "bad",
    [
        member("../evil"),
        member("components/../../evil"),
        member("/tmp/evil-of-a-test"),
        member("components/link", tarfile.SYMTYPE, "../../evil"),
        member("components/link", tarfile.SYMTYPE, "/etc/passwd"),
        member("components/link", tarfile.LNKTYPE, "../../evil"),
        member("components/device", tarfile.CHRTYPE),
    ],
    ids=lambda bad: f"{bad.name} {bad.linkname}".strip(),
)
def test_an_archive_that_reaches_out_of_its_folder_is_refused(tmp_path, bad):
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as file:
        file.addfile(bad)

    with pytest.raises(TarSafeException):
        unpack(tmp_path / "bad.tar.gz", tmp_path)

    assert not list((tmp_path / "unpacked").iterdir()) and not Path("/tmp/evil-of-a-test").exists()


@pytest.mark.parametrize(
    "broken", [b"", b"no archive", b"\x1f\x8b\x08\x00"], ids=["empty", "text", "cut off"]
)
def test_a_broken_archive_is_refused(tmp_path, broken):
    (tmp_path / "bad.tar.gz").write_bytes(broken)

    with pytest.raises((tarfile.ReadError, EOFError)):
        unpack(tmp_path / "bad.tar.gz", tmp_path)


def archive_with(folder, name, content):
    """An archive with one JSON file."""
    written = json.dumps(content).encode()
    made = member(name)
    made.size = len(written)
    with tarfile.open(folder / "other.tar.gz", "w:gz") as file:
        file.addfile(made, io.BytesIO(written))
    return folder / "other.tar.gz"


def test_an_archive_of_rasa_2_is_refused_with_its_version(tmp_path):
    archive = archive_with(tmp_path, "fingerprint.json", {"version": "2.8.34"})

    with pytest.raises(UnsupportedModelVersionError, match=r"2\.8\.34"):
        unpack(archive, tmp_path)


def test_an_archive_of_an_older_rasa_3_is_refused_with_its_version(packed, tmp_path):
    written = LocalModelStorage.metadata_from_archive(packed).as_dict()
    archive = archive_with(
        tmp_path, "metadata.json", {**written, "rasa_open_source_version": "3.4.0"}
    )

    with pytest.raises(UnsupportedModelVersionError, match=r"3\.4\.0"):
        unpack(archive, tmp_path)
