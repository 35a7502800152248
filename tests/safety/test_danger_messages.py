"""The messages that teach the net are read whole, or their faults are named with their lines."""

import shutil
from pathlib import Path

import pytest

from bot.safety import danger_messages, danger_screen

DATA = Path(__file__).resolve().parents[2] / "data"
KINDS = ("stroke", "sugar")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "danger").mkdir()
    return tmp_path


def write(folder, kind, *lines):
    (folder / "danger" / f"{kind}.yml").write_text("\n".join(lines) + "\n", "utf-8")


def test_a_message_is_read_with_its_kind_its_side_and_who_wrote_it(folder):
    write(folder, "stroke", "- by: Ada", "  dangers:", '    - "half his face: gone"')
    write(folder, "sugar", "- by: Bo", "  lookalikes:", "    - my cake fell")
    assert danger_messages.read_danger_messages(folder, KINDS) == (
        [
            danger_messages.Message("half his face: gone", True, "stroke", "Ada"),
            danger_messages.Message("my cake fell", False, "sugar", "Bo"),
        ],
        [],
    )


def test_a_site_without_messages_has_no_faults(tmp_path):
    assert danger_messages.read_danger_messages(tmp_path, KINDS) == ([], [])


@pytest.mark.parametrize(
    ("lines", "line", "says"),
    [
        (["- by: A", "  dangers: [x y, z]", "  lookalikes:", "    - X, y!"], 4, "a danger and a"),
        (
            ["- by: A", "  dangers:", "    - x y", "    - X  y."],
            4,
            "stands at stroke.yml:3 already",
        ),
        (["- by: A", "  danger: [x]"], 2, "write 'dangers:' or 'lookalikes:'"),
        (["- by: A", "  dangers: x"], 2, "write 'dangers:' or 'lookalikes:'"),
        (["- dangers: [x]"], 1, "doesn't say who wrote it"),
        (["- by: A", "  dangers:", "    - a: b"], 3, "is no message; write one in quotes"),
        (["- by: A", "  dangers:", '    - "a'], 4, "not YAML"),
        (["dangers: [x]"], 1, "must hold groups"),
        (["- x"], 1, "is no group"),
    ],
)
def test_a_fault_names_path_and_line_and_what_to_do(folder, lines, line, says):
    write(folder, "stroke", *lines)
    _, (fault,) = danger_messages.read_danger_messages(folder, KINDS)
    assert str(fault).startswith(f"{folder / 'danger' / 'stroke.yml'}:{line}: ")
    assert says in fault.text


def test_a_file_of_an_unknown_kind_is_a_fault(folder):
    write(folder, "strok", "- by: A", "  dangers: [x]")
    found, (fault,) = danger_messages.read_danger_messages(folder, KINDS)
    assert found == []
    assert "'strok' is no kind of danger; name the file after one of stroke, sugar" in fault.text


def test_an_ordinary_message_is_of_no_kind_and_a_danger_among_them_is_a_fault(folder):
    write(folder, "ordinary", "- by: A", "  lookalikes: [thanks]", "  dangers: [her face hangs]")
    found, (fault,) = danger_messages.read_danger_messages(folder, KINDS)
    assert found[0] == danger_messages.Message("thanks", danger=False, kind="", by="A")
    assert str(fault).startswith(f"{folder / 'danger' / 'ordinary.yml'}:3: 'her face hangs'")
    assert "put it into the file of its kind" in fault.text


def test_a_file_that_is_not_text_is_a_fault(folder):
    (folder / "danger" / "stroke.yml").write_bytes(b"\xff\xfe\0")
    _, (fault,) = danger_messages.read_danger_messages(folder, KINDS)
    assert "save it as UTF-8 text" in fault.text


def test_a_message_that_is_doubled_in_another_file_is_a_fault_of_the_content(tmp_path):
    data = shutil.copytree(DATA, tmp_path / "data")
    (data / "danger" / "sugar.yml").write_text("- by: A\n  dangers: [all well today]\n", "utf-8")
    (data / "danger" / "stroke.yml").write_text(
        "- by: A\n  lookalikes: [All well today]\n", "utf-8"
    )
    assert [
        fault
        for fault in danger_screen.check_rules(data)
        if "is a danger and a look-alike" in fault.text
    ]


def test_the_messages_are_in_order_and_many():
    found, faults = danger_messages.read_danger_messages(
        DATA, danger_screen.load_screen(DATA).kinds
    )
    assert faults == []
    assert sum(message.danger for message in found) > 2_500
    assert sum(not message.danger for message in found) > 2_500
    assert {message.kind for message in found} == {*danger_screen.load_screen(DATA).kinds, ""}
