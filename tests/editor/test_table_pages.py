"""The tables at the desk: rows changed in place, files out and in, faults by row, merged, for who
may."""

import re

import pytest

from bot.editor.tables import table_files

pytestmark = pytest.mark.usefixtures("warm")


def base_of(page):
    return re.search(r'name="base" value="([0-9a-f]+)"', page)[1]


def rows(desk, name):
    return table_files.rows_of(name, (desk.config.path("data") / f"{name}.yml").read_text())


@pytest.mark.parametrize("name", ["terms", "talk", "safety", "texts"])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_table_goes_out_and_comes_in_again_unchanged(desk, name, kind):
    ada, before = (
        desk.enter("Ada", "editor"),
        (desk.config.path("data") / f"{name}.yml").read_bytes(),
    )
    sent = ada.get(f"/tables/{name}/file.{kind}")
    assert "attachment" in sent.headers["content-disposition"]
    page = ada.get(f"/tables/{name}").text
    answer = ada.client.post(
        f"/editor/tables/{name}/file",
        data={"csrf": ada.token(), "base": base_of(page)},
        files={"file": (f"x.{kind}", sent.content)},
    )
    assert answer.status_code == 303, answer.text
    assert (desk.config.path("data") / f"{name}.yml").read_bytes() == before


def test_a_row_is_added_found_changed_and_taken_out(desk):
    ada = desk.enter("Ada", "editor")
    add = {
        "number": 0,
        "first": "conditions",
        "second": "zebra syndrome",
        "third": "zebras; stripes disease",
    }
    assert (
        ada.post(
            "/tables/terms/row", base=base_of(ada.get("/tables/terms").text), **add
        ).status_code
        == 303
    )
    assert ("conditions", "zebra syndrome", "zebras; stripes disease") in rows(desk, "terms")
    page = ada.get("/tables/terms?search=ZEBRA").text
    assert "1 row" in page and "stripes disease" in page
    number = int(re.search(r'name="number" value="([1-9]\d*)"', page)[1])
    changed = ada.post(
        "/tables/terms/row", base=base_of(page), **{**add, "number": number, "third": "zebras"}
    )
    assert changed.status_code == 303 and ("conditions", "zebra syndrome", "zebras") in rows(
        desk, "terms"
    )
    page = ada.get("/tables/terms").text
    assert (
        ada.post(
            "/tables/terms/row", base=base_of(page), **{**add, "number": number, "then": "remove"}
        ).status_code
        == 303
    )
    assert "zebra syndrome" not in [row[1] for row in rows(desk, "terms")]


def test_faults_are_named_by_row_and_nothing_is_saved(desk):
    ada = desk.enter("Ada", "editor")
    before = rows(desk, "talk")
    base = base_of(ada.get("/tables/talk").text)
    sent = b"topic,use,phrase\r\nhello,train,x\r\ngreeting,train,=1+1\r\n"
    answer = ada.client.post(
        "/editor/tables/talk/file",
        data={"csrf": ada.token(), "base": base},
        files={"file": ("x.csv", sent)},
    )
    assert answer.status_code == 422
    assert '<a href="#field-file">Row 3, Phrase</a>: A cell begins with =' in answer.text
    twice = ada.post(
        "/tables/talk/row",
        base=base,
        number=0,
        first="greeting",
        second="train",
        third="what causes hiccups",
    )
    assert (
        twice.status_code == 422
        and f'<a href="#field-0.third">Row {len(before) + 2}, Phrase</a>' in twice.text
        and "hiccups.causes" in twice.text
    )
    assert rows(desk, "talk") == before


def test_two_editors_of_a_table_are_merged(desk):
    ada, bob = desk.enter("Ada", "editor"), desk.enter("Bob", "editor")
    opened = base_of(ada.get("/tables/talk").text)
    bob.post(
        "/tables/talk/row",
        base=opened,
        number=0,
        first="greeting",
        second="train",
        third="ahoy from bob",
    )
    assert (
        ada.post(
            "/tables/talk/row",
            base=opened,
            number=0,
            first="thanks",
            second="train",
            third="ta ever so from ada",
        ).status_code
        == 303
    )
    assert {"ahoy from bob", "ta ever so from ada"} <= {row[2] for row in rows(desk, "talk")}


def test_markup_in_a_row_is_text_and_a_reader_changes_nothing(desk):
    ada, rea = desk.enter("Ada", "editor"), desk.enter("Rea", "reader")
    base = base_of(ada.get("/tables/talk").text)
    ada.post(
        "/tables/talk/row",
        base=base,
        number=0,
        first="greeting",
        second="train",
        third="<script>alert(1)</script> hi",
    )
    page = ada.get("/tables/talk?search=alert").text
    assert "&lt;script&gt;alert(1)" in page and "<script>alert" not in page
    assert (
        rea.post(
            "/tables/talk/row", base=base, number=0, first="greeting", second="train", third="rea"
        ).status_code
        == 403
    )
    assert (
        rea.get("/tables/talk").status_code == 200
        and "Add" not in rea.get("/tables/talk").text.split("</header>")[1]
    )


@pytest.mark.parametrize(
    "path", ["/tables/rules", "/tables/..%2fterms", "/tables/terms/file.yml", "/tables/masking"]
)
def test_there_are_no_other_tables(desk, path):
    assert desk.enter("Ada", "editor").get(path).status_code == 404
