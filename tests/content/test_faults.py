"""A fault is printed as it always was, and says where it is to whoever asks."""

import json
import shutil
from pathlib import Path

from bot.content import site_content
from bot.domain.faults import Fault

DATA = Path(__file__).resolve().parents[2] / "data"
BROKEN = {
    "texts.yml": ("greeting:", "greetings:"),
    "terms.yml": ("\nconditions:", "\nconditon:"),
    "safety.yml": ("kind: emergency", "kind: urgent"),
    "articles/hiccups.md": ("written_on: 2", "written_on: x"),
    "evidence/tremor.yml": ("read: whole", "read: some"),
}


def test_whatever_is_found_in_files_is_printed_with_its_path_and_line(tmp_path):
    folder = Path(shutil.copytree(DATA, tmp_path / "data"))
    for name, (old, new) in BROKEN.items():
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))
    found = site_content.check_content(folder)
    for fault in found:
        assert Path(fault.path).is_relative_to(folder) and fault.line >= 1 and fault.text
        in_file = f"; {fault.in_file}" if fault.in_file else ""
        assert str(fault) == f"{fault.path}:{fault.line}: {fault.text}{in_file}"
    assert {Path(name).name for name in BROKEN} <= {fault.file for fault in found}


def test_a_fault_in_no_line_of_a_file_is_printed_as_its_sentence():
    assert str(Fault.from_sentence("write 12/3: that is a number")) == (
        "write 12/3: that is a number"
    )


def test_a_fault_comes_back_from_json_as_it_was():
    fault = Fault("/home/x/data/terms.yml", 3, ("conditions", 7, "tremor"), "it is no kind", "so")
    assert Fault.from_dict(json.loads(json.dumps(fault.as_dict()))) == fault
