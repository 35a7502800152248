"""Terms, talk, the safety list and the fixed texts: shown as tables, taken out as CSV or XLSX and
brought in again, every fault by its row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response, UploadFile
from pydantic import BaseModel, ConfigDict, StringConstraints

from bot.content import articles
from bot.domain.faults import Fault
from bot.editor.importing.blocks import Refused
from bot.editor.shared import content_files, fault_places, form_texts, pages, session
from bot.editor.shared.fault_places import ShownFault
from bot.editor.shared.state import DeskState, State
from bot.editor.tables import table_files, text_rows
from bot.store.accounts import Member

router = APIRouter()
TITLES = fault_places.TABLES
WHAT = {
    "terms": "What people call conditions, medicines and treatments. A name that no article is "
    "about makes a question “not covered”.",
    "talk": "What visitors say outside the articles, and what is declined: phrases that teach, "
    "and phrases that test.",
    "safety": "What is taken for an emergency or a crisis, and what is answered then. Nothing "
    "here goes live that misses a message which must be caught.",
    "texts": "Every sentence that visitors read outside the articles and the safety list. Names in "
    "braces, as {covered}, are filled in.",
}
BRING_IN = "Bring it in again"  # the label of the form's file
PER_PAGE = 100
LONGEST = {"first": 200, "second": 300, "third": 20_000}  # characters of a row's cells
First = Annotated[str, StringConstraints(max_length=LONGEST["first"]), form_texts.NEWLINES]
Second = Annotated[str, StringConstraints(max_length=LONGEST["second"]), form_texts.NEWLINES]
Third = Annotated[str, StringConstraints(max_length=LONGEST["third"]), form_texts.NEWLINES]
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True)
class TablePage:
    """A table that a request is about, with the desk that serves it and the person who asks."""

    request: Request
    desk: State
    person: Member
    name: str

    def read_text(self) -> str:
        """The text of its file; raises HTTPException where there is no such table."""
        if self.name not in TITLES:
            raise HTTPException(404)
        path = content_files.table_path(self.desk.config, f"{self.name}.yml")
        return content_files.read_file(path)

    def read_opened(self, base: str) -> str:
        """Its text as this editor was shown it; raises articles.ContentError where that was too
        long ago."""
        self.read_text()
        text = content_files.read_kept(self.desk.config, base)
        if text is None:
            said = "This page was opened too long ago. Load it again, and repeat your change."
            raise articles.ContentError([Fault.from_sentence(said)])
        return text


async def _for_reader(
    request: Request, desk: DeskState, person: session.Reader, name: str
) -> TablePage:
    return TablePage(request, desk, person, name)


async def _for_editor(
    request: Request, desk: DeskState, person: session.Editor, name: str
) -> TablePage:
    return TablePage(request, desk, person, name)


TableToRead = Annotated[TablePage, Depends(_for_reader)]
TableToEdit = Annotated[TablePage, Depends(_for_editor)]


class FileForm(BaseModel):
    """A file whose rows are to be the table's; `base` names the table's text that was shown."""

    base: Annotated[str, StringConstraints(max_length=20)]
    file: UploadFile


class RowForm(BaseModel):
    """A row as an editor sent it. `base` names the table's text that was shown; `number` is its
    place there (0: a new one); `then` "remove" takes it out."""

    model_config = ConfigDict(frozen=True)
    base: Annotated[str, StringConstraints(max_length=20)]
    number: int
    first: First = ""
    second: Second = ""
    third: Third = ""
    then: Annotated[str, StringConstraints(max_length=20)] = "save"

    def change_rows(self, rows: Sequence[table_files.Row]) -> list[table_files.Row]:
        """The rows with this one changed, added or taken out; raises HTTPException where it is
        none of them."""
        if self.number and self.number not in [row.number for row in rows]:
            raise HTTPException(404)
        first, second, third = (cell.strip() for cell in (self.first, self.second, self.third))
        made = table_files.Row(self.number or len(rows) + 2, (first, second, third))
        if not self.number:
            return [*rows, made]
        kept = [row for row in rows if self.then != "remove" or row.number != self.number]
        return [made if row.number == self.number else row for row in kept]

    @property
    def page(self) -> int:
        """The page of the table on which the row stands; a new one stands on the first."""
        return _page_of(self.number)

    def say_change(self) -> str:
        """What was done, as the history says it."""
        if self.then == "remove":
            return "a row taken out"
        return "a row changed" if self.number else "a row added"


@router.get("/tables/{name}")
def show_table(table: TableToRead, search: str = "", page: pages.Asked = 1) -> Response:
    """A page of the rows in which `search` stands."""
    return _render(table, search=search[:200], page=page)


@router.get("/tables/{name}/file.{kind}")
def take_out(table: TableToRead, kind: str) -> Response:
    """The whole table as a file for a spreadsheet."""
    if kind not in TYPES:
        raise HTTPException(404)
    rows = table_files.rows_of(table.name, table.read_text())
    write = table_files.write_csv if kind == "csv" else table_files.write_xlsx
    return Response(
        write(table.name, rows),
        media_type=TYPES[kind],
        headers={"Content-Disposition": f'attachment; filename="{table.name}.{kind}"'},
    )


@router.post("/tables/{name}/file")
def bring_in(table: TableToEdit, form: Annotated[FileForm, Form()]) -> Response:
    """Put a file's rows in place of the table's; what another editor saved since it was shown is
    kept."""
    text, data = table.read_opened(form.base), form.file.file.read()
    try:
        folder = table.desk.config.path("data")
        new = table_files.read_file(folder, table.name, text, data)
        return _save(table, text, new, "brought in as a file")
    except Refused as refused:
        return _render(table, 422, [_show_of_file(str(refused))])
    except table_files.RowFaults as error:
        return _render(table, 422, [_show_by_row(table, fault) for fault in error.faults])


@router.post("/tables/{name}/row")
def change_row(table: TableToEdit, form: Annotated[RowForm, Form()]) -> Response:
    """Change a row, add it, or take it out."""
    text = table.read_opened(form.base)
    rows = [
        table_files.Row(place, row)
        for place, row in enumerate(table_files.rows_of(table.name, text), 2)
    ]
    changed = form.change_rows(rows)
    try:
        folder = table.desk.config.path("data")
        new = table_files.change_rows(folder, table.name, text, changed)
        return _save(table, text, new, form.say_change(), form.page)
    except Refused as refused:
        return _render(table, 422, [ShownFault(str(refused))], page=form.page, sent=form)
    except table_files.RowFaults as error:
        made = next((row for row in changed if row not in rows), None)
        shown = [_show_by_row(table, fault, form, made) for fault in error.faults]
        return _render(table, 422, shown, page=form.page, sent=form)


def _show_of_file(text: str, label: str = BRING_IN) -> ShownFault:
    """A fault of the file that was brought in."""
    return fault_places.show_here("file", label, text)


def _show_by_row(
    table: TablePage,
    fault: Fault,
    form: RowForm | None = None,
    made: table_files.Row | None = None,
) -> ShownFault:
    """A fault of a table with the label of its cell, and a link to where it is mended: the form of
    the row that was changed (`made`), another row, or (without a form) the file."""
    (shown,) = fault_places.place_faults([fault])
    if fault.path or fault.field[:1] != ("row",):
        return shown
    _, row, cell = fault.field
    names = dict(zip(table_files.CELLS, table_files.COLUMNS[table.name], strict=True))
    label = f"Row {row}" + (f", {names[str(cell)].capitalize()}" if cell else "")
    if form is None:
        return _show_of_file(shown.text, label)
    if table.name == "texts":  # of which the words alone are a field
        cell = "third"
    if made and row == made.number and (form.number or table.name != "texts"):
        return fault_places.show_here(f"{form.number}.{cell or 'first'}", label, shown.text)
    page = _page_of(int(str(row)))
    return ShownFault(shown.text, label, "", f"?page={page}#row-{row}")


def _page_of(number: int) -> int:
    """The page of the table on which a row stands; a new one stands on the first."""
    return max(number - 2, 0) // PER_PAGE + 1


def _save(table: TablePage, text: str, new: str, why: str, page: int = 1) -> Response:
    """Save `new`, which was made of `text`, and show the table; `page` of it, where it can't be
    saved."""
    try:
        saved = content_files.save_file(
            table.desk.config,
            content_files.table_path(table.desk.config, f"{table.name}.yml"),
            new,
            table.person,
            f"{table.name}: {why}",
            text,
        )
    except content_files.Conflict:
        said = (
            "Another editor changed the same rows meanwhile; nothing of yours is saved. Look at "
            "the table as it is now, and repeat your change."
        )
        return _render(table, 409, [ShownFault(said)], page=page)
    session.record_action(table.request, "changed a table", table.name, why)
    return pages.redirect_to(
        table.request,
        f"/editor/tables/{table.name}",
        "Nothing was changed."
        if saved.text == text
        else f"Saved. Visitors get it once it is published.{saved.outside}",
    )


def _render(
    table: TablePage,
    status: int = 200,
    faults: Sequence[ShownFault] = (),
    search: str = "",
    page: int = 1,
    sent: RowForm | None = None,
) -> Response:
    text, name = table.read_text(), table.name
    low = search.lower()
    found = [
        (number, row)
        for number, row in enumerate(table_files.rows_of(name, text), 2)
        if not low or any(low in cell.lower() for cell in row)
    ]
    pages_of = max(1, -(-len(found) // PER_PAGE))
    page = min(max(page, 1), pages_of)
    return pages.render_page(
        table.request,
        "table.html",
        status,
        name=name,
        titles=TITLES,
        what=WHAT[name],
        columns=table_files.COLUMNS[name],
        longest_cells=LONGEST,
        hints=text_rows.read_hints(text) if name == "texts" else {},
        search=search,
        rows=found[(page - 1) * PER_PAGE : page * PER_PAGE],
        total=len(found),
        page=page,
        pages_of=pages_of,
        faults=faults,
        sent={sent.number: (sent.first, sent.second, sent.third)} if sent else {},
        base=content_files.keep_opened(table.desk.config, text),
    )
