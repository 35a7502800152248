"""The visitor API, as the widget and `bot ask` use it; documented at /api/docs."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Engine

from bot.content import replies, reply_model
from bot.conversation import admission, limits, metrics, screening, turns
from bot.conversation.messages import LONGEST_TEXT, BadText, check_text
from bot.domain import countries
from bot.domain.messages import IncomingMessage
from bot.privacy import masking
from bot.safety import verdicts
from bot.store import stored_turns, votes
from bot.web.dependencies import CallLimits, Limited, ServedSite

MOST_TURNS = 100  # that one answer lists
MOST_HEARD = 4000  # signs of a refused text that are searched for a danger
MOST_OF_END = 400  # of its beginning and its end, past the limit of refused ones
SIGNS_A_CALL = 200  # of a text: a long one takes the time of so many short ones
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
    def _one_of_both(self) -> Self:
        if (self.text is None) == (self.choice is None):
            raise ValueError("send either text or choice")
        return self


class Answered(BaseModel):
    turn: int | None = None
    replies: list[reply_model.Reply]


class Turns(BaseModel):
    turns: list[dict[str, Any]]
    more: bool = Field(description="whether more follow behind the last of these turns")


class Stored(Turns):
    """A page of what is stored; `votes` are those on the replies of its turns."""

    conversation: str
    channel: str
    article: str | None
    country: str | None
    opened_at: str
    expires_at: str
    votes: list[dict[str, Any]]


class Vote(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reply: str = Field(max_length=64)
    helpful: bool = Field(strict=True)
    reason: (
        Literal["inaccurate", "out_of_date", "unclear", "not_what_was_asked", "other"] | None
    ) = None
    comment: str | None = Field(None, max_length=LONGEST_TEXT)


@router.post("/conversations", status_code=201)
async def open_conversation(
    request: Request, site: ServedSite, limited: Limited, opening: Opening
) -> Opened:
    """Open a conversation; keep the token, which is shown this once."""
    request.state.country = opening.country
    await limited.openings.take(_address(request))
    article = opening.article if opening.article in site.library.articles else None
    id, token, expires_at = await limits.in_time(
        stored_turns.open_conversation,
        site.engine,
        "web",
        site.config.conversation_hours,
        article,
        countries.country_code(opening.country),
    )
    return Opened(
        conversation=id,
        token=token,
        expires_at=expires_at.isoformat(),
        notice=replies.fill_placeholders(
            site.library.texts["notice"],
            covered=replies.covered_conditions(site.library),
            days=site.config.retention_days,
        ),
        starters=[
            reply_model.Choice.model_validate(choice)
            for choice in replies.starter_choices(site.library, article)
        ],
    )


@router.post("/messages", response_model_exclude_unset=True)
async def send_message(
    request: Request,
    site: ServedSite,
    limited: Limited,
    message: Message,
    authorization: Token = None,
) -> Answered:
    """Send a message; the same id again gives the same replies, and 409 with another text.

    A text that tells of a danger gets its fixed answer whatever else is wrong: without a token,
    after too many messages, or too long. It is stored only where the message is taken."""
    token, text = read_token(authorization), message.text
    request.state.country = message.country
    country, verdict = countries.country_code(message.country), None
    try:
        if text is not None:
            check_text(text)
        with await _admit(request, limited, token, limited.messages, _calls(text)):
            verdict = await _hear(request, site, limited, text)
            caller = admission.Caller(_address(request))
            incoming = IncomingMessage(
                token, message.id, site.config.conversation_hours, text, message.choice, country
            )
            found, turn = await turns.handle(site, caller, incoming, verdict)
    except (BadText, stored_turns.NoConversation, stored_turns.OtherMessage, limits.Refused):
        verdict = verdict or await _screen_refused(request, site, limited, text)
        if not verdict.danger:
            raise
        found, turn = [turns.reply_unstored(site, verdict, country)], None
    return Answered.model_validate({"turn": turn, "replies": found})


async def _screen_refused(
    request: Request, site: turns.Site, limited: CallLimits, text: str | None
) -> verdicts.Verdict:
    """The Verdict of a message that is refused unless it tells of a danger: by the rules alone,
    where its address sends too many of them."""
    text = (text or "")[:MOST_HEARD]
    try:
        await limited.refused.take(_address(request), _calls(text))
    except limits.Refused:
        if len(text) > 2 * MOST_OF_END:
            text = f"{text[:MOST_OF_END]} \n{text[-MOST_OF_END:]}"
        return await screening.screen_message(site.screen, None, text, apart=True)
    return await _hear(request, site, limited, text)


async def _hear(
    request: Request, site: turns.Site, limited: CallLimits, text: str | None
) -> verdicts.Verdict:
    """The Verdict of a text; of one address a long one at a time, so that others get their turn
    between them."""
    if _calls(text) == 1:
        return await turns.screen_text(site, text)
    async with limited.hearing.one(_address(request)):
        return await turns.screen_text(site, text)


def _calls(text: str | None) -> int:
    """For how many calls a message of this text counts."""
    return 1 + len(text or "") // SIGNS_A_CALL


def _address(request: Request) -> str:
    return limits.network_name(request.client.host) if request.client else ""


async def _admit(
    request: Request, limited: CallLimits, token: str, rates: limits.Rates | None, calls: int = 1
) -> AbstractContextManager[None]:
    """Count a call of a conversation, and of its address as so many `calls`; what is entered while
    the call is worked on, see limits.Strangers. Raises limits.Refused."""
    if token and rates:
        await rates.take(token)
    await limited.addresses.take(_address(request), calls)
    return limited.strangers.watch(_address(request), token)


@router.get("/messages", response_model=Turns)
async def read_messages(
    request: Request, site: ServedSite, limited: Limited, after: Id = 0, authorization: Token = None
) -> Response:
    """What was said behind turn `after`, to resume: at most 100 turns. Where more follow, ask again
    behind the last of them."""
    return await _read(request, site, limited, read_token(authorization), _read_page, after)


@router.post("/feedback")
async def give_feedback(
    request: Request, site: ServedSite, limited: Limited, vote: Vote, authorization: Token = None
) -> dict[str, Any]:
    """Say whether a reply was helpful, and why not; a second vote replaces the first."""
    comment = None
    if vote.comment and vote.comment.strip():
        check_text(vote.comment)
        comment = masking.mask_text(vote.comment, site.words)
    token = read_token(authorization)
    with await _admit(request, limited, token, limited.messages):
        await limits.in_time(
            votes.store_vote, site.engine, token, vote.reply, vote.helpful, vote.reason, comment
        )
    metrics.VOTES.labels("yes" if vote.helpful else "no").inc()
    return {"text": site.library.texts["feedback_thanks"]}


@router.get("/terms")
async def read_terms(site: ServedSite) -> dict[str, Any]:
    """What this is, for whom it isn't, and for how long texts are kept."""
    return {
        "text": replies.fill_placeholders(
            site.library.texts["terms_of_use"], days=site.config.retention_days
        ),
        "retention_days": site.config.retention_days,
    }


@router.get("/conversations/current", response_model=Stored)
async def read_conversation(
    request: Request, site: ServedSite, limited: Limited, after: Id = 0, authorization: Token = None
) -> Response:
    """Everything that is stored of this conversation, in pages as of `/api/messages`."""
    return await _read(request, site, limited, read_token(authorization), _read_all, after)


async def _read(
    request: Request,
    site: turns.Site,
    limited: CallLimits,
    token: str,
    read: Callable[[Engine, str, int], bytes],
    after: int,
) -> Response:
    """The response of `read(engine, token, after)`; it is written in the thread that reads."""
    with await _admit(request, limited, token, limited.pages):
        async with limited.reads.one(token):
            body = await limits.in_time(read, site.engine, token, after, pool=limits.READERS)
    return Response(body, media_type="application/json")


def _read_page(engine: Engine, token: str, after: int) -> bytes:
    return _write(_turns(engine, token, after))


def _read_all(engine: Engine, token: str, after: int) -> bytes:
    page = _turns(engine, token, after)
    shown = [turn["id"] for turn in page["turns"]]
    return _write({**stored_turns.read_conversation(engine, token, shown), **page})


def _turns(engine: Engine, token: str, after: int) -> dict[str, Any]:
    found = stored_turns.read_turns(engine, token, after, MOST_TURNS + 1)
    return {"turns": found[:MOST_TURNS], "more": len(found) > MOST_TURNS}


def _write(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


@router.delete("/conversations/current")
async def forget_conversation(
    request: Request, site: ServedSite, limited: Limited, authorization: Token = None
) -> dict[str, Any]:
    """Delete this conversation from every store; the receipt proves it."""
    token = read_token(authorization)
    with await _admit(request, limited, token, rates=None):
        return {"receipt": await turns.forget_conversation(site, token)}


def read_token(header: str | None) -> str:
    """The bearer token of an Authorization header; "" opens nothing."""
    kind, _, token = (header or "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""
