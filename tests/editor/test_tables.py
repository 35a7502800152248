"""Terms, talk, the safety list and the fixed texts as tables, out and in again; every fault by its
row; no cell a formula."""

import io
import re
import zipfile
from pathlib import Path

import openpyxl
import pytest

from bot.editor.importing import imports
from bot.editor.tables import table_files
from bot.runtime import settings

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("terms", "talk", "safety", "texts")
WAYS = {
    "csv": (table_files.write_csv, table_files.read_csv),
    "xlsx": (table_files.write_xlsx, table_files.read_xlsx),
}
HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    '=HYPERLINK("https://evil")',
    "'=1",
    "''+x",
    "a;b",
    'say "hi", then go',
    "it's",
]


def text_of(name):
    return (ROOT / f"data/{name}.yml").read_text()


def changed(before, after):
    import difflib

    return [
        line
        for line in difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
        if line[0] in "+-" and not line.startswith(("+++", "---"))
    ]


def numbered(rows):
    return [table_files.Row(number, tuple(row)) for number, row in enumerate(rows, 2)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("way", WAYS)
def test_a_table_that_comes_back_as_it_went_changes_nothing(name, way):
    text = text_of(name)
    rows = table_files.rows_of(name, text)
    write, read = WAYS[way]
    back = read(name, write(name, rows))
    assert [row.cells for row in back] == rows
    assert table_files.write_rows(name, text, back) == text


@pytest.mark.parametrize("name", ["talk", "safety"])
@pytest.mark.parametrize("way", WAYS)
def test_no_cell_of_an_export_is_a_formula_and_each_comes_back(name, way):
    first = {"talk": ("greeting", "train"), "safety": ("must be caught", "own_life")}[name]
    rows = [(*first, cell) for cell in HOSTILE]
    write, read = WAYS[way]
    data = write(name, rows)
    if way == "csv":
        cells = [
            line.split(",", 2)[2].lstrip('"') for line in data.decode("utf-8-sig").splitlines()[1:]
        ]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    else:
        sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
        assert {cell.data_type for row in sheet.iter_rows(min_row=2) for cell in row} == {"s"}
    assert [row.cells[2] for row in read(name, data)] == HOSTILE


def test_one_new_name_changes_one_entry_of_the_file():
    text = text_of("terms")
    rows = [
        (kind, term, f"{others}; shaky hands syndrome" if term == "essential tremor" else others)
        for kind, term, others in table_files.rows_of("terms", text)
    ]
    new = table_files.write_rows("terms", text, numbered(rows))
    assert all(
        "essential tremor" in line or line[1:].startswith("    ") for line in changed(text, new)
    )
    assert table_files.rows_of("terms", new) == rows


def test_rows_that_are_added_and_taken_out_change_no_other_line():
    text = text_of("talk")
    rows = table_files.rows_of("talk", text)
    new = table_files.write_rows(
        "talk",
        text,
        numbered(
            [row for row in rows if row[2] != "howdy"] + [("greeting", "train", "ahoy: there")]
        ),
    )
    assert changed(text, new) == ["-    - howdy", "+    - 'ahoy: there'"]
    text = text_of("terms")
    rows = table_files.rows_of("terms", text)
    new = table_files.write_rows(
        "terms", text, numbered(rows + [("medicines", "newmedicine", "brandname; other, name")])
    )
    assert changed(text, new) == ["+  newmedicine: [brandname, 'other, name']"]


@pytest.mark.parametrize(
    ("list", "name", "entry"),
    [
        ("must be caught", "stroke", "her smile: crooked, all at once"),
        ("never missed", "emergency", "he is blue"),
        ("must not be caught", "overdose", "how much is too much"),
        ("answer", "general", "Call {emergency} now.\nSay where you are."),
        ("words", "newlist", "first wording"),
        ("raised by", "stroke", "face & droops"),
        ("other spellings", "wont", "wnt"),
    ],
)
def test_each_part_of_the_safety_list_can_be_written(list, name, entry):
    text = text_of("safety")
    rows = [
        row
        for row in table_files.rows_of("safety", text)
        if not (list == "answer" and row[:2] == (list, name))
    ] + [(list, name, entry)]
    new = table_files.write_rows("safety", text, numbered(rows))
    assert sorted(table_files.rows_of("safety", new)) == sorted(rows)
    assert len(changed(text, new)) < 40


@pytest.mark.parametrize(
    ("name", "row", "said"),
    [
        ("terms", ("illnesses", "x", ""), "is no kind; write one of conditions"),
        ("terms", ("conditions", "", "x"), "the name is empty"),
        ("terms", ("conditions", "myoclonus", ""), "stands in row 2 too"),
        ("talk", ("hello", "train", "x"), "is no topic; write one of"),
        ("talk", ("greeting", "teach", "x"), "is no use; write train or test"),
        ("talk", ("greeting", "train", "..."), "the phrase is empty"),
        ("talk", ("greeting", "train", "HI!"), "stands in row 2 too"),
        ("safety", ("flag", "x", "y"), "is no list; write one of"),
        ("safety", ("must be caught", "nosuch", "y"), 'no red flag named "nosuch"'),
        ("safety", ("words", "figure", "a, b"), "one row is one wording"),
        ("safety", ("words", "", "a"), "the name is empty"),
    ],
)
def test_a_fault_is_named_with_its_row(name, row, said):
    rows = [*table_files.rows_of(name, text_of(name)), row]
    with pytest.raises(table_files.RowFaults) as faults:
        table_files.write_rows(name, text_of(name), numbered(rows))
    assert [
        fault
        for fault in faults.value.faults
        if fault.field[:2] == ("row", len(rows) + 1) and said in fault.text
    ], faults.value.faults


def test_every_fault_is_named_at_once():
    data = b"topic,use,phrase\r\nhello,train,a\r\ngreeting,teach,b\r\ngreeting,train,\r\n"
    with pytest.raises(table_files.RowFaults) as faults:
        table_files.write_rows("talk", text_of("talk"), table_files.read_csv("talk", data))
    assert [fault.field for fault in faults.value.faults] == [
        ("row", 2, "first"),
        ("row", 3, "second"),
        ("row", 4, "third"),
    ]


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (
            "talk",
            lambda rows: [("greeting", "train", "what causes hiccups"), *rows],
            r'row 2 third: .*"what causes hiccups" stands in hiccups.causes too',
        ),
        (
            "talk",
            lambda rows: [row for row in rows if row[:2] != ("thanks", "test")],
            r"thanks needs two lists|too few",
        ),
        (
            "terms",
            lambda rows: [*rows, ("conditions", "gripes", "hiccough")],
            r'row 702 third: "hiccough" names hiccups too',
        ),
        (
            "terms",
            lambda rows: [row for row in rows if row[1] != "hiccups"],
            "about: “hiccups” is not a term",
        ),
        (
            "safety",
            lambda rows: [*rows, ("must be caught", "stroke", "i like cheese")],
            r"row \d+ third: .*i like cheese",
        ),
    ],
)
def test_what_other_content_forbids_is_named_with_the_row(name, change, said):
    rows = numbered(change(table_files.rows_of(name, text_of(name))))
    faults = table_files.check_table(
        settings.read_settings(), name, table_files.write_rows(name, text_of(name), rows), rows
    )
    listed = [f"{' '.join(map(str, fault.field))}: {fault.text}" for fault in faults]
    assert [fault for fault in listed if re.search(said, fault)], faults


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"a,b,c\r\n1,2,3\r\n", "the columns must be topic, use, phrase"),
        (b"", "the columns must be"),
        (b'topic,use,phrase\r\n"open,train,x', "no CSV"),
        (b"topic,use,phrase\r\ngreeting,train,=1+1\r\n", "row 2: a cell begins with ="),
        (
            b"topic,use,phrase\r\ngreeting,train,hi, there\r\n",
            "row 2: there is something behind the third column",
        ),
        (b"topic,use,phrase\r\ngreeting,train," + b"x" * 3000, "row 2: a cell has 3,000 letters"),
        (b"topic,use,phrase\r\n" + b"greeting,train,x\r\n" * 20_002, "more than 20,000 rows"),
        (b"topic,use,phrase\r\ngreeting,train,\x1b[31m\r\n", "row 2: a cell holds a sign"),
    ],
)
def test_a_csv_that_is_none_or_hostile_is_refused(data, said):
    with pytest.raises((table_files.RowFaults, imports.Refused), match=said):
        table_files.read_csv("talk", data)


def packed(files):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return made.getvalue()


def sheet(*rows):
    book, made = openpyxl.Workbook(), io.BytesIO()
    for row in [("topic", "use", "phrase"), *rows]:
        book.active.append(row)
    book.save(made)
    return made.getvalue()


BOMB = '<!DOCTYPE z [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><z>&b;</z>'


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"not a zip", "not a spreadsheet"),
        (packed({"xl/workbook.xml": BOMB}), "no spreadsheet needs"),
        (packed({"xl/workbook.xml": "<a/>", "../../evil": "x"}), "outside"),
        (
            packed({"xl/workbook.xml": "<a/>", "xl/media/x.bin": b"\0" * 70_000_000}),
            "unpacks to more",
        ),
        (packed({"xl/workbook.xml": "<a/>"}), "not a spreadsheet"),
        (sheet(("greeting", "train", "=1+1")), "row 2: a cell holds a formula"),
        (
            sheet(("greeting", "train", __import__("datetime").date(2026, 1, 2))),
            "row 2: a cell holds a date",
        ),
    ],
)
def test_a_spreadsheet_that_is_none_or_hostile_is_refused(data, said):
    with pytest.raises((table_files.RowFaults, imports.Refused), match=said):
        table_files.read_xlsx("talk", data)


def test_numbers_of_a_spreadsheet_are_text():
    assert table_files.read_xlsx("talk", sheet(("greeting", "train", 42)))[0].cells == (
        "greeting",
        "train",
        "42",
    )


@pytest.mark.parametrize(
    "text",
    [
        "greeting: !!python/object/apply:os.system [id]",
        "greeting: !!python/name:os.system",
        "a: &a [*a]",
        "- x",
        "&x {",
    ],
)
def test_yaml_that_is_code_or_no_table_is_refused_and_never_run(text):
    from bot.content import articles

    with pytest.raises((articles.ContentError, table_files.RowFaults)):
        table_files.rows_of("talk", text)
