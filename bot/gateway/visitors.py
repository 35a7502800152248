"""The visitor API, as the widget and `bot ask` use it; documented at /api/docs."""

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot import countries, masking, replies, reply_model, store
from bot.gateway import limits, metrics, screening, turns
from bot.safety.normal_form import make_normal_form
from bot.store import votes

LONGEST_TEXT = 2000
MOST_HEARD = 4000  # signs of a refused text that are searched for a danger
UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
router = APIRouter(prefix="/api")
Token = Annotated[str | None, Header(alias="Authorization")]
Id = Annotated[int, Query(ge=0, lt=2**63)]  # what a database can compare
Country = Annotated[
    str | None,
    Field(
        max_length=100,
        description="where the visitor is, for emergency numbers: two letters of ISO 3166, as GB; "
        "what is no country counts as not said, so that no message is refused for it",
    ),
]


class BadText(ValueError):
    """A text that can't be taken; the argument is the key of the fixed text that says why."""


class Opening(BaseModel):
    """What a new conversation may say of itself."""

    model_config = ConfigDict(extra="forbid")
    article: str | None = Field(None, max_length=100, description="the article that the page shows")
    country: Country = None
    language: str | None = Field(
        None, pattern="^[A-Za-z0-9-]{2,20}$", description="of the widget; answers stay English"
    )


class Opened(BaseModel):
    conversation: str
    token: str
    expires_at: str
    notice: str
    starters: list[reply_model.Choice]


class Message(BaseModel):
    """A text in the visitor's words, or a choice that was offered. The id makes a retry safe."""

    model_config = ConfigDict(extra="forbid")
    id: str = Field(pattern="^[A-Za-z0-9_-]{1,64}$")
    text: str | None = None
    choice: str | None = Field(None, max_length=200)
    country: Country = None

    @model_validator(mode="after")
    def _one_of_both(self):
        if (self.text is None) == (self.choice is None):
            raise ValueError("send either text or choice")
        return self


class Answered(BaseModel):
    turn: int | None = None
    replies: list[reply_model.Reply]


class Vote(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reply: str = Field(max_length=64)
    helpful: bool = Field(strict=True)
    reason: (
        Literal["inaccurate", "out_of_date", "unclear", "not_what_was_asked", "other"] | None
    ) = None
    comment: str | None = Field(None, max_length=LONGEST_TEXT)


@router.post("/conversations", status_code=201)
async def open_conversation(request: Request, opening: Opening) -> Opened:
    """Open a conversation; keep the token, which is shown this once."""
    desk = request.app.state.desk
    request.state.country = opening.country
    await request.app.state.openings.take(_address(request))
    article = opening.article if opening.article in desk.library.articles else None
    id, token, expires_at = await limits.in_time(
        store.open_conversation,
        desk.engine,
        "web",
        desk.config.conversation_hours,
        article,
        countries.normalise(opening.country),
    )
    return Opened(
        conversation=id,
        token=token,
        expires_at=expires_at.isoformat(),
        notice=replies.fill(
            desk.library.texts["notice"],
            covered=replies.covered(desk.library),
            days=desk.config.retention_days,
        ),
        starters=replies.starters(desk.library, article),
    )


@router.post("/messages", response_model_exclude_unset=True)
async def send_message(request: Request, message: Message, authorization: Token = None) -> Answered:
    """Send a message; the same id again gives the same replies.

    A text that tells of a danger gets its fixed answer whatever else is wrong: without a token,
    after too many messages, or too long. It is stored only where the message is taken."""
    desk, token, text = request.app.state.desk, read_token(authorization), message.text
    request.state.country = message.country
    country, verdict = countries.normalise(message.country), None
    try:
        if text is not None:
            check_text(text)
        await request.app.state.messages.take(token)
        verdict = await turns.screen(desk, text)
        found, turn = await turns.take(
            desk, token, message.id, text, message.choice, country, verdict
        )
    except (BadText, store.NoConversation, limits.Refused):
        verdict = verdict or await _screen_refused(request, text)
        if not verdict.danger:
            raise
        found, turn = [turns.say_unstored(desk, verdict, country)], None
    return Answered(turn=turn, replies=found)


async def _screen_refused(request, text):
    """The Verdict of a message that is refused unless it tells of a danger: by the rules alone,
    where its address sends too many of them."""
    desk, text = request.app.state.desk, (text or "")[:MOST_HEARD]
    try:
        await request.app.state.refused.take(_address(request))
    except limits.Refused:
        return await screening.screen(desk.screen, None, text)
    return await turns.screen(desk, text)


def _address(request):
    return request.client.host if request.client else ""


@router.get("/messages")
async def read_messages(request: Request, after: Id = 0, authorization: Token = None) -> dict:
    """What was said behind turn `after`, to resume."""
    desk = request.app.state.desk
    return {
        "turns": await limits.in_time(
            store.read_turns, desk.engine, read_token(authorization), after
        )
    }


@router.post("/feedback")
async def give_feedback(request: Request, vote: Vote, authorization: Token = None) -> dict:
    """Say whether a reply was helpful, and why not; a second vote replaces the first."""
    desk, comment = request.app.state.desk, None
    if vote.comment and vote.comment.strip():
        check_text(vote.comment)
        comment = masking.mask(vote.comment, desk.words)
    token = read_token(authorization)
    await request.app.state.messages.take(token)
    await limits.in_time(
        votes.vote, desk.engine, token, vote.reply, vote.helpful, vote.reason, comment
    )
    metrics.VOTES.labels("yes" if vote.helpful else "no").inc()
    return {"text": desk.library.texts["feedback_thanks"]}


@router.get("/terms")
async def read_terms(request: Request) -> dict:
    """What this is, for whom it isn't, and for how long texts are kept."""
    desk = request.app.state.desk
    return {
        "text": replies.fill(desk.library.texts["terms_of_use"], days=desk.config.retention_days),
        "retention_days": desk.config.retention_days,
    }


@router.get("/conversations/current")
async def read_conversation(request: Request, authorization: Token = None) -> dict:
    """Everything that is stored of this conversation."""
    desk, token = request.app.state.desk, read_token(authorization)
    return {
        **await limits.in_time(store.read_conversation, desk.engine, token),
        "turns": await limits.in_time(store.read_turns, desk.engine, token),
    }


@router.delete("/conversations/current")
async def forget_conversation(request: Request, authorization: Token = None) -> dict:
    """Delete this conversation from every store; the receipt proves it."""
    return {"receipt": await turns.forget(request.app.state.desk, read_token(authorization))}


def read_token(header):
    """The bearer token of an Authorization header; "" opens nothing."""
    kind, _, token = (header or "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def check_text(text):
    """Nothing, or BadText."""
    if not make_normal_form(text).strip():
        raise BadText("text_empty")
    if len(text) > LONGEST_TEXT:
        raise BadText("text_too_long")
    if UNREADABLE.search(text):
        raise BadText("text_unreadable")
