"""What was found out about a release is taken over only where nothing that could alter it differs:
its stories are told again after a change of any file of the release or of the code."""

import io
import shutil
import tarfile

import pytest

from bot.conversation import rasa_processes, rehearsal, turns
from bot.releases import registry
from bot.runtime import code_hash, settings
from tests import conftest


@pytest.fixture
def told(monkeypatch):
    """The ids of the releases whose stories were told; each message got a wrong answer."""
    found = []

    async def start(config, id):
        found.append(id)

    async def stop(started):
        pass

    async def rehearse(desk, said, article):
        return [{"replies": [{"kind": "answer", "question": "x.y"}]} for _ in said]

    monkeypatch.setattr(rasa_processes, "start_processes", start)
    monkeypatch.setattr(rasa_processes, "stop_processes", stop)
    monkeypatch.setattr(turns, "read_release", lambda desk, id: None)
    monkeypatch.setattr(rehearsal, "rehearse", rehearse)
    return found


@pytest.fixture
def site(tmp_path):
    """(settings, folder) of a site whose live release has an empty archive: nobody loads it."""
    ours = settings.read_settings()
    id, models = registry.live_release(ours), tmp_path / "models"
    folder = models / "releases" / id
    shutil.copytree(registry.folder_of(ours, id), folder)
    (models / "encoder").symlink_to(ours.path("models") / "encoder")
    (models / "live").write_text(id)
    packed = io.BytesIO()
    tarfile.open(fileobj=packed, mode="w:gz").close()
    (folder / registry.ARCHIVE).write_bytes(packed.getvalue())
    conftest.sign(folder)
    given = {"MODELS": models, "VAR": tmp_path / "var", "SECRET": settings.site_secret(ours)}
    return settings.read_settings({name: str(value) for name, value in given.items()}), folder


@pytest.fixture
def code(tmp_path, monkeypatch):
    """A copy of the code, in place of the code."""
    root = tmp_path / "code"
    for name in code_hash.FOLDERS:
        shutil.copytree(
            code_hash.ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", ".*")
        )
    for path in code_hash.ROOT.glob("*.yml"):
        shutil.copy(path, root)
    monkeypatch.setattr(code_hash, "ROOT", root)
    monkeypatch.setattr(code_hash, "PACKAGES", root / "requirements" / "app.txt")
    forget()
    yield root
    forget()


def forget():
    """What a new process does not know yet."""
    code_hash.hash_project.cache_clear()
    code_hash.hash_programs.cache_clear()


def check(site):
    config, folder = site
    return rehearsal.check_stories(config, folder.name, lambda step, done: None)


def files_of(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_stories_are_not_told_again_where_nothing_differs(site, told):
    verdict = check(site)
    assert verdict
    assert check(site) == verdict
    assert len(told) == 1


def test_stories_are_told_again_after_a_change_of_any_file_of_the_release(site, told):
    _, folder = site
    check(site)
    missed = []
    for path in files_of(folder):
        if path.name.startswith("manifest."):
            continue
        before = path.read_bytes()
        path.write_bytes(before + (b"\0" if path.name == registry.ARCHIVE else b"\n"))
        conftest.sign(folder)
        told.clear()
        check(site)
        if not told:
            missed.append(str(path.relative_to(folder)))
        path.write_bytes(before)
    assert missed == []


def test_stories_are_told_again_after_a_change_of_any_kind_of_file_of_the_code(site, told, code):
    """A file of each folder and each ending; and one that is new."""
    kinds = {(path.parent, path.suffix): path for path in files_of(code)}
    changed = [*kinds.values(), code / "bot/conversation/turns.py", code / "bot/web/new.py"]
    check(site)
    missed = []
    for path in changed:
        before = path.read_bytes() if path.exists() else b""
        path.write_bytes(before + b"\n")
        forget()
        told.clear()
        check(site)
        if not told:
            missed.append(str(path.relative_to(code)))
        path.write_bytes(before)
    assert missed == []


def test_what_python_or_an_editor_leaves_beside_the_code_changes_nothing(code):
    before = code_hash.hash_project()
    for name in ("bot/__pycache__/articles.pyc", "bot/.articles.py.swp", "data/.git/index"):
        (code / name).parent.mkdir(exist_ok=True)
        (code / name).write_text("x")
    forget()
    assert code_hash.hash_project() == before


@pytest.mark.parametrize(
    ("name", "differs"),
    [
        ("bot/rasa/decision.py", True),
        ("bot/language/spelling.py", True),
        ("bot/language/normal_form.py", True),  # which the spelling imports
        ("bot/safety/net.py", True),
        ("requirements/app.txt", True),
        ("bot/conversation/turns.py", False),
        ("bot/editor/app.py", False),
        ("actions/reply_actions.py", False),
    ],
)
def test_a_training_is_wanted_after_a_change_of_what_trains(code, name, differs):
    before = registry.code_digest()
    path = code / name
    path.write_bytes(path.read_bytes() + b"\n")
    forget()
    assert (registry.code_digest() != before) is differs
