"""Rasa's own command line, as people who know Rasa use it: `bot rasa data validate`, `train`,
`shell`, `test nlu`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.content import story_ways
from bot.releases import registry
from bot.runtime import settings

ROOT = Path(__file__).resolve().parents[2]
PHRASES = """
version: "3.1"
nlu:
- intent: myoclonus.causes
  examples: |
    - what causes myoclonus
- intent: greeting
  examples: |
    - hello
"""


def rasa(*arguments, input=None, **environment):
    """The finished process of a `bot rasa` command."""
    return subprocess.run(
        [sys.executable, "-m", "bot", "rasa", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        input=input,
        env={**os.environ, **environment},
        timeout=180,
    )


@pytest.fixture(scope="module")
def archive():
    config = settings.read_settings()
    return str(registry.folder_of(config, registry.live_release(config)) / registry.ARCHIVE)


def test_it_lists_rasas_own_commands():
    done = rasa("--help")
    assert done.returncode == 0, done.stderr
    assert "train" in done.stdout and "shell" in done.stdout


def test_data_validate_reads_the_articles_and_finds_no_conflict():
    done = rasa("data", "validate")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "No story structure conflicts found" in done.stderr


BRANCHES = """
  - story: a parent who wants to know why
    steps:
      - intent: febrile_seizures.what_is
      - action: action_answer
        offer: [febrile_seizures.first_aid, febrile_seizures.when_to_see_doctor, febrile_seizures.seriousness]
      - intent: febrile_seizures.causes
        says: "but why did she get one"
      - action: action_answer
        offer: [febrile_seizures.inherited]
  - story: who says hello or asks what can be asked
    steps:
      - or:
          - intent: greeting
          - intent: help
      - action: action_talk
      - checkpoint: has begun
  - story: and then wants to know about hiccups
    steps:
      - checkpoint: has begun
      - intent: hiccups.what_is
      - action: action_answer
        offer: [hiccups.causes]
"""  # noqa: E501


def test_data_validate_reads_stories_that_branch_and_finds_no_conflict(data):
    path = data / "stories.yml"
    path.write_text(path.read_text() + BRANCHES)
    assert len(story_ways.list_ways("story", path.read_text())) == 9 + 3
    done = rasa("data", "validate", "--data", str(data))
    assert done.returncode == 0, done.stderr[-2000:]
    assert "No story structure conflicts found" in done.stderr


def test_data_validate_names_a_fault_in_the_content(data):
    path = data / "articles" / "tics.md"
    path.write_text(path.read_text().replace("questions:", "quests:", 1))
    done = rasa("data", "validate", "--data", str(data))
    assert done.returncode != 0
    assert "tics.md" in done.stderr


def test_train_writes_an_archive_that_rasas_shell_answers_with(small_site, tmp_path):
    done = rasa(
        "train", "--data", small_site["DATA"], "--out", str(tmp_path / "models"), **small_site
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (made,) = (tmp_path / "models").glob("*.tar.gz")
    done = rasa(
        "shell", "--model", str(made), input="what causes restless legs\n/stop\n", **small_site
    )
    assert '"restless_legs.causes"' in done.stdout, done.stderr[-2000:]


def test_test_nlu_reports_on_an_archive(archive, tmp_path):
    (tmp_path / "nlu.yml").write_text(PHRASES)
    done = rasa(
        "test",
        "nlu",
        "--nlu",
        str(tmp_path / "nlu.yml"),
        "--model",
        archive,
        "--out",
        str(tmp_path / "report"),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads((tmp_path / "report" / "intent_report.json").read_text())
    assert report["accuracy"] == 1.0


def test_a_component_that_needs_what_is_left_out_is_named(small_site, tmp_path):
    config = tmp_path / "config.yml"
    config.write_text(
        "recipe: default.v1\nlanguage: en\nassistant_id: x\npipeline:\n- name: "
        "WhitespaceTokenizer\n- name: CountVectorsFeaturizer\n- name: DIETClassifier\npolicies: "
        "[]\n"
    )
    (tmp_path / "nlu.yml").write_text(PHRASES)
    done = rasa(
        "train",
        "nlu",
        "--config",
        str(config),
        "--nlu",
        str(tmp_path / "nlu.yml"),
        "--domain",
        str(ROOT / "domain.yml"),
        "--out",
        str(tmp_path / "models"),
        **small_site,
    )
    assert done.returncode != 0
    assert "leaves out" in done.stderr
