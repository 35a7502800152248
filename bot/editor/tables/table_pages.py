"""Terms, talk, the safety list and the fixed texts: shown as tables, taken out as CSV or XLSX and
brought in again, every fault by its row."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, UploadFile
from fastapi.responses import HTMLResponse, Response

from bot.content import articles
from bot.domain.faults import Fault
from bot.editor.importing.blocks import Refused
from bot.editor.shared import content_files, pages, session
from bot.editor.shared.state import DeskState, State
from bot.editor.tables import table_files, text_rows
from bot.store.accounts import Member

router = APIRouter()
TITLES = {"terms": "Terms", "talk": "Talk", "safety": "Safety list", "texts": "Fixed texts"}
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
PER_PAGE = 100
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@router.get("/tables/{name}")
def show_table(
    request: Request, desk: DeskState, name: str, search: str = "", page: pages.Asked = 1
) -> Response:
    return _page(request, desk, name, search[:200], page)


@router.get("/tables/{name}/file.{kind}")
def take_out(desk: DeskState, name: str, kind: str) -> Response:
    """The whole table as a file for a spreadsheet."""
    if kind not in TYPES:
        raise HTTPException(404)
    rows = table_files.rows_of(name, _text(desk, name))
    data = (
        table_files.write_csv(name, rows) if kind == "csv" else table_files.write_xlsx(name, rows)
    )
    return Response(
        data,
        media_type=TYPES[kind],
        headers={"Content-Disposition": f'attachment; filename="{name}.{kind}"'},
    )


@router.post("/tables/{name}/file")
def bring_in(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    name: str,
    base: Annotated[str, Form(max_length=20)],
    file: UploadFile,
) -> Response:
    """Put a file's rows in place of the table's; what another editor saved since `base` was shown
    is kept."""
    text = _base(desk, name, base)
    data = file.file.read()
    try:
        folder = desk.config.path("data")
        new = table_files.read_file(folder, name, text, data)
        return _keep(request, desk, person, name, text, new, "brought in as a file")
    except Refused as refused:
        return _page(request, desk, name, status=422, faults=[str(refused)])
    except table_files.RowFaults as error:
        return _page(request, desk, name, status=422, faults=error.faults)


@router.post("/tables/{name}/row")
def change_row(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    name: str,
    base: Annotated[str, Form(max_length=20)],
    number: Annotated[int, Form()],
    first: Annotated[str, Form(max_length=200)] = "",
    second: Annotated[str, Form(max_length=300)] = "",
    third: Annotated[str, Form(max_length=20_000)] = "",
    then: Annotated[str, Form(max_length=20)] = "save",
) -> Response:
    """Change row `number` (0: a new one), or take it out."""
    text = _base(desk, name, base)
    rows = [
        table_files.Row(place, row) for place, row in enumerate(table_files.rows_of(name, text), 2)
    ]
    first, second, third = (cell.strip().replace("\r\n", "\n") for cell in (first, second, third))
    made = table_files.Row(number or len(rows) + 2, (first, second, third))
    if number and number not in [row.number for row in rows]:
        raise HTTPException(404)
    rows = [row for row in rows if then != "remove" or row.number != number]
    rows = [made if row.number == number else row for row in rows] + ([] if number else [made])
    try:
        folder = desk.config.path("data")
        return _keep(
            request,
            desk,
            person,
            name,
            text,
            table_files.change_rows(folder, name, text, rows),
            "a row taken out" if then == "remove" else "a row changed" if number else "a row added",
        )
    except Refused as refused:
        return _page(request, desk, name, status=422, faults=[str(refused)])
    except table_files.RowFaults as error:
        return _page(request, desk, name, status=422, faults=error.faults)


def _keep(
    request: Request, desk: State, person: Member, name: str, text: str, new: str, why: str
) -> Response:
    try:
        saved = content_files.save_file(
            desk.config,
            content_files.table_path(desk.config, f"{name}.yml"),
            new,
            person,
            f"{name}: {why}",
            text,
        )
    except content_files.Conflict:
        return _page(
            request,
            desk,
            name,
            status=409,
            faults=[
                "Another editor changed the same rows meanwhile; nothing of yours is saved. Look "
                "at the table as "
                "it is now, and repeat your change."
            ],
        )
    session.record_action(request, "changed a table", name, why)
    return pages.redirect_to(
        request,
        f"/editor/tables/{name}",
        "Nothing was changed."
        if saved.text == text
        else "Saved. Visitors get it once it is published.",
    )


def _page(
    request: Request,
    desk: State,
    name: str,
    search: str = "",
    page: int = 1,
    status: int = 200,
    faults: Sequence[str] = (),
) -> HTMLResponse:
    text = _text(desk, name)
    low = search.lower()
    found = [
        (number, row)
        for number, row in enumerate(table_files.rows_of(name, text), 2)
        if not low or any(low in cell.lower() for cell in row)
    ]
    pages_of = max(1, -(-len(found) // PER_PAGE))
    page = min(max(page, 1), pages_of)
    return pages.render_page(
        request,
        "table.html",
        status,
        name=name,
        titles=TITLES,
        what=WHAT[name],
        columns=table_files.COLUMNS[name],
        hints=text_rows.read_hints(text) if name == "texts" else {},
        search=search,
        rows=found[(page - 1) * PER_PAGE : page * PER_PAGE],
        total=len(found),
        page=page,
        pages_of=pages_of,
        faults=faults,
        base=content_files.keep_opened(desk.config, text),
    )


def _text(desk: State, name: str) -> str:
    if name not in TITLES:
        raise HTTPException(404)
    return content_files.read_file(content_files.table_path(desk.config, f"{name}.yml"))


def _base(desk: State, name: str, base: str) -> str:
    """The table's text as this editor was shown it."""
    _text(desk, name)
    text = content_files.read_kept(desk.config, base)
    if text is None:
        said = "This page was opened too long ago. Load it again, and repeat your change."
        raise articles.ContentError([Fault.from_sentence(said)])
    return text
