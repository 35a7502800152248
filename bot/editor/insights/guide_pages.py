"""The guide, and the first steps that are put away and brought back."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from bot.editor.shared import first_steps, guide, pages, session

router = APIRouter()
Then = Annotated[str, Form(max_length=20)]


@router.get("/guide")
def show_guide(request: Request, _person: session.Reader) -> Response:
    """The whole guide."""
    first, *sections = guide.read_guide()
    return pages.render_page(request, "guide.html", first=first, sections=sections)


@router.post("/account/first-steps")
def move_first_steps(request: Request, _person: session.Reader, then: Then) -> Response:
    """Put one's first steps away (`then` "away"), or bring them back to the first page."""
    is_away = then == "away"
    session.record_action(request, first_steps.AWAY if is_away else first_steps.BACK)
    said = "The first steps are put away. The help of each page brings them back."
    return pages.redirect_to(request, "/editor/", said if is_away else "")
