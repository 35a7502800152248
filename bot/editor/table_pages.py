"""Terms, talk and the safety list: shown as tables, taken out as CSV or XLSX and brought in again,
every fault by its row."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, UploadFile
from fastapi.responses import Response

from bot import articles
from bot.editor import files, imports, pages, people, tables

router = APIRouter()
TITLES = {"terms": "Terms", "talk": "Talk", "safety": "Safety list"}
WHAT = {
    "terms": "What people call conditions, medicines and treatments. A name that no article is "
    "about makes a question “not covered”.",
    "talk": "What visitors say outside the articles, and what is declined: phrases that teach, "
    "and phrases that test.",
    "safety": "What is taken for an emergency or a crisis, and what is answered then. Nothing "
    "here goes live that misses a message which must be caught.",
}
PER_PAGE = 100
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@router.get("/tables/{name}")
def show(request: Request, name: str, search: str = "", page: int = 1):
    return _page(request, name, search[:200], page)


@router.get("/tables/{name}/file.{kind}")
def take_out(request: Request, name: str, kind: str):
    """The whole table as a file for a spreadsheet."""
    if kind not in TYPES:
        raise HTTPException(404)
    rows = tables.rows_of(name, _text(request, name))
    data = tables.write_csv(name, rows) if kind == "csv" else tables.write_xlsx(name, rows)
    return Response(
        data,
        media_type=TYPES[kind],
        headers={"Content-Disposition": f'attachment; filename="{name}.{kind}"'},
    )


@router.post("/tables/{name}/file")
def bring_in(
    request: Request, name: str, base: Annotated[str, Form(max_length=20)], file: UploadFile
):
    """Put a file's rows in place of the table's; what another editor saved since `base` was shown
    is kept."""
    text = _base(request, name, base)
    data = file.file.read()
    try:
        rows = (
            tables.read_xlsx(name, data) if data.startswith(b"PK") else tables.read_csv(name, data)
        )
        return _keep(request, name, text, rows, "brought in as a file")
    except imports.Refused as refused:
        return _page(request, name, status=422, faults=[str(refused)])
    except tables.RowFaults as error:
        return _page(request, name, status=422, faults=error.faults)


@router.post("/tables/{name}/row")
def change_row(
    request: Request,
    name: str,
    base: Annotated[str, Form(max_length=20)],
    number: Annotated[int, Form()],
    first: Annotated[str, Form(max_length=200)] = "",
    second: Annotated[str, Form(max_length=300)] = "",
    third: Annotated[str, Form(max_length=20_000)] = "",
    then: Annotated[str, Form(max_length=20)] = "save",
):
    """Change row `number` (0: a new one), or take it out."""
    text = _base(request, name, base)
    rows = [
        tables.Row(place, tuple(row)) for place, row in enumerate(tables.rows_of(name, text), 2)
    ]
    made = tables.Row(
        number or len(rows) + 2,
        tuple(cell.strip().replace("\r\n", "\n") for cell in (first, second, third)),
    )
    if number and number not in [row.number for row in rows]:
        raise HTTPException(404)
    rows = [row for row in rows if then != "remove" or row.number != number]
    rows = [made if row.number == number else row for row in rows] + ([] if number else [made])
    try:
        return _keep(
            request,
            name,
            text,
            rows,
            "a row taken out" if then == "remove" else "a row changed" if number else "a row added",
        )
    except tables.RowFaults as error:
        return _page(request, name, status=422, faults=error.faults)


def _keep(request, name, text, rows, why):
    desk, person = request.app.state.desk, people.require(request, "editor")
    new = tables.write(name, text, rows)
    faults = tables.check(desk.config, name, new, rows) if new != text else []
    if faults:
        return _page(request, name, status=422, faults=faults)
    try:
        saved = files.save(
            desk.config,
            files.table_path(desk.config, f"{name}.yml"),
            new,
            person,
            f"{name}: {why}",
            text,
        )
    except files.Conflict:
        return _page(
            request,
            name,
            status=409,
            faults=[
                "Another editor changed the same rows meanwhile; nothing of yours is saved. Look "
                "at the table as "
                "it is now, and repeat your change."
            ],
        )
    people.record(request, "changed a table", name, why)
    return pages.redirect(
        request,
        f"/editor/tables/{name}",
        "Nothing was changed."
        if saved.text == text
        else "Saved. Visitors get it once it is published.",
    )


def _page(request, name, search="", page=1, status=200, faults=()):
    desk, text = request.app.state.desk, _text(request, name)
    low = search.lower()
    found = [
        (number, row)
        for number, row in enumerate(tables.rows_of(name, text), 2)
        if not low or any(low in cell.lower() for cell in row)
    ]
    pages_of = max(1, -(-len(found) // PER_PAGE))
    page = min(max(page, 1), pages_of)
    return pages.render(
        request,
        "table.html",
        status,
        name=name,
        titles=TITLES,
        what=WHAT[name],
        columns=tables.COLUMNS[name],
        search=search,
        rows=found[(page - 1) * PER_PAGE : page * PER_PAGE],
        total=len(found),
        page=page,
        pages_of=pages_of,
        faults=faults,
        base=files.keep(desk.config, text),
    )


def _text(request, name):
    if name not in TITLES:
        raise HTTPException(404)
    return files.read(files.table_path(request.app.state.desk.config, f"{name}.yml"))


def _base(request, name, base):
    """The table's text as this editor was shown it."""
    _text(request, name)
    text = files.kept(request.app.state.desk.config, base)
    if text is None:
        raise articles.ContentError(
            ["This page was opened too long ago. Load it again, and repeat your change."]
        )
    return text
