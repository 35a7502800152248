"""The workflow for a content repository: it parses, and names what there is."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

from bot.runtime import settings

ROOT = Path(__file__).resolve().parents[2]
JOB = yaml.safe_load((ROOT / "deploy/content-ci.yml").read_text())["jobs"]["content"]


def test_its_commands_are_verbs_and_targets_that_there_are():
    verbs = subprocess.run(
        [sys.executable, "-m", "bot"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    targets = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    commands = [step["run"] for step in JOB["steps"] if "run" in step]
    named = [verb for command in commands for verb in re.findall(r"bot ([a-z]+)", command)]
    assert named == ["check", "encoder", "train", "test"]
    assert all(f"    {verb} " in verbs for verb in named)
    assert all(
        f"make {target} " in targets
        for command in commands
        for target in re.findall(r"make ([a-z-]+)", command)
    )


def test_its_variables_are_settings():
    assert set(JOB["env"]) <= {name for name, *_ in settings.settings_table()}


def test_it_may_only_read():
    assert yaml.safe_load((ROOT / "deploy/content-ci.yml").read_text())["permissions"] == {
        "contents": "read"
    }
