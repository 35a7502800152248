"""A file or a pasted text is read and checked beside the gateway, and is refused with a sentence
where it costs too much."""

import dataclasses
import io
import re
import zipfile

import pytest

from bot.content import articles, site_content
from bot.editor.importing import bounded_process, first_drafts
from bot.editor.tables import table_files

TEXT = "Sleep\n\nWhy do I jerk\n\nMany people jerk as they fall asleep.\n\nWhen to ask\n\nAsk soon."


def fail(*_, **__):
    raise AssertionError("this was done in the gateway's own process")


def bring_in(ada, name, data):
    base = re.search(r'name="base" value="([0-9a-f]+)"', ada.get(f"/tables/{name}").text)[1]
    return ada.client.post(
        f"/editor/tables/{name}/file",
        data={"csrf": ada.token(), "base": base},
        files={"file": ("x.csv", data)},
    )


def talk_with(desk, *more):
    text = (desk.config.path("data") / "talk.yml").read_text()
    rows = [*table_files.rows_of("talk", text), *more]
    return table_files.write_csv("talk", rows)


def test_a_table_is_checked_outside_of_the_gateways_process(desk, monkeypatch):
    ada = desk.enter("Ada", "editor")
    data = talk_with(desk, ("greeting", "train", "zebra hello there"))
    monkeypatch.setattr(site_content, "check_content", fail)
    monkeypatch.setattr(table_files, "write_rows", fail)
    answer = bring_in(ada, "talk", data)
    assert answer.status_code == 303, answer.text
    assert "zebra hello there" in (desk.config.path("data") / "talk.yml").read_text()


def test_a_pasted_text_becomes_a_draft_outside_of_the_gateways_process(desk, monkeypatch):
    ada = desk.enter("Ada", "editor")
    monkeypatch.setattr(first_drafts, "make_draft", fail)
    monkeypatch.setattr(articles, "normalise_phrase", fail)
    answer = ada.post("/articles/new", text=TEXT)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith("/editor/articles/drafts/")


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"processor": 1}, "takes more than 1 seconds to read"),
        ({"wait": 1}, "takes too long to read"),
        ({"memory": 200_000_000}, "This is too much|can't be read"),
    ],
)
def test_a_table_that_costs_too_much_is_refused_with_a_sentence(desk, monkeypatch, limits, said):
    ada = desk.enter("Ada", "editor")
    before = (desk.config.path("data") / "talk.yml").read_bytes()
    more = [("greeting", "train", f"zebra hello {n} times {n * 7}") for n in range(15_000)]
    monkeypatch.setattr(
        bounded_process, "LIMITS", dataclasses.replace(bounded_process.LIMITS, **limits)
    )
    answer = bring_in(ada, "talk", talk_with(desk, *more))
    assert answer.status_code == 422
    faults = answer.text.replace("&#39;", "'").replace("’", "'")
    assert any(part in faults for part in said.split("|")), faults[:3000]
    assert "fewer rows" in faults
    assert (desk.config.path("data") / "talk.yml").read_bytes() == before


def test_a_file_of_too_many_elements_is_not_opened(monkeypatch):
    monkeypatch.setattr(
        bounded_process, "LIMITS", dataclasses.replace(bounded_process.LIMITS, elements=1_000)
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/workbook.xml", f"<a>{'<b/>' * 2_000}</a>")
    with pytest.raises(bounded_process.Refused, match="more than 1,000 elements"):
        table_files.read_xlsx("talk", packed.getvalue())


def test_a_second_file_waits_for_the_first_and_is_refused_in_the_end(monkeypatch):
    monkeypatch.setattr(
        bounded_process, "LIMITS", dataclasses.replace(bounded_process.LIMITS, turn=0.01)
    )
    with (
        bounded_process.ONE_AT_A_TIME,
        pytest.raises(bounded_process.Refused, match="Another file is being read"),
    ):
        bounded_process.run_bounded("read", b"", kind="page", url="")
