"""One service for all rows, whose release has an article with marks that real ones rarely have."""

import shutil

import conftest
import pytest

from tests.channels.conftest import every_platform, placed, platform  # noqa: F401

ARTICLE = "myoclonus"
# words of its answer on prevention -> what medicine writes with stars; words that become a list
CHANGES = {
    "Where an illness, a medicine or a poison is the cause": (
        "Where HLA-B*1502 or HLA-A*3101 is the cause, or 5*3*2, *this* and **that**"
    )
}
LISTED = "When the cause stays, treatment aims"


@pytest.fixture(scope="session")
def shared_place(every_platform, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp("oddities")
    (folder / "models").mkdir()
    conftest.republish(folder / "models", _change)
    with placed(folder, every_platform) as made:
        yield made


@pytest.fixture
def place(shared_place, platform):  # noqa: F811
    """The service of all rows: they may not harm it."""
    return shared_place


def _change(data):
    shutil.copy(conftest.ROOT / "data/texts.yml", data / "texts.yml")
    for old, new in CHANGES.items():
        conftest.reword(data, ARTICLE, old, new)
    path = data / "articles" / f"{ARTICLE}.md"
    path.write_text(path.read_text().replace(LISTED, f"* {LISTED}"))
