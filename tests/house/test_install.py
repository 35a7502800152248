"""What `make` says where it can't install: one sentence, with what is missing and what to do."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path):
    """A folder with all that an installation reads, and the uv that this project uses."""
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    for name in ("Makefile", "pyproject.toml", ".python-version"):
        shutil.copy(ROOT / name, folder / name)
    uv = shutil.which("uv") or ROOT / ".tools/bin/uv"
    (folder / ".tools/bin").mkdir(parents=True)
    shutil.copy(uv, folder / ".tools/bin/uv")
    return folder


def install(folder, **environment):
    """(exit code, the last line before make's own) of `make install`."""
    given = {
        **os.environ,
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_OFFLINE": "1",
        "UV_CACHE_DIR": str(folder.parent / "cache"),
        **environment,
    }
    done = subprocess.run(
        ["make", "install"], cwd=folder, capture_output=True, text=True, env=given, timeout=120
    )
    said = [line for line in done.stderr.splitlines() if line.startswith("make: ")]
    return done.returncode, said[0] if said else done.stderr


def test_without_python_3_13_it_is_named(checkout, tmp_path):
    code, said = install(checkout, PATH="/usr/bin:/bin", HOME=str(tmp_path))
    assert code and "Python 3.13" in said and "install it" in said


def test_without_a_network_the_packages_are_named_and_nothing_passes_for_installed(checkout):
    code, said = install(checkout)
    assert code and "network" in said and "make run" in said
    assert not (checkout / ".venv/.installed").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_a_folder_that_cant_be_written_to_is_named(checkout):
    with tempfile.TemporaryDirectory() as public:  # pytest's own folders are closed to others
        os.chmod(public, 0o755)
        folder = shutil.copytree(checkout, Path(public, "checkout"))
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        done = subprocess.run(
            [*nobody, "make", "install"], cwd=folder, capture_output=True, text=True, timeout=60
        )
    assert done.returncode and "can't be written to" in done.stderr
