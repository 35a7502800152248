"""What a route of the gateway asks for in its signature: the site that it serves, and how often it
may be called."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from bot.conversation import limits, turns
from bot.runtime import settings
from bot.web import pacing


@dataclass(frozen=True)
class CallLimits:
    """How often the visitor API may be called: by a conversation for `messages` and `pages`, by an
    address at all, for `openings`, and with what is `refused`; and what is under way."""

    messages: limits.Rates
    pages: limits.Rates
    addresses: limits.Rates
    openings: limits.Rates
    refused: limits.Rates
    strangers: limits.Strangers
    reads: limits.Reads
    hearing: limits.Lanes  # of each address one long text at a time


def open_call_limits(site: turns.Site) -> CallLimits:
    """The CallLimits of a site's settings."""
    config, per_minute = site.config, site.config.messages_per_minute
    of_address = _calls_per_minute(config)
    return CallLimits(
        messages=limits.Rates("messages", per_minute, site.shared),
        pages=limits.Rates("pages", per_minute, site.shared),
        addresses=limits.Rates("calls of an address", of_address, site.shared),
        openings=limits.Rates("openings", config.conversations_per_minute, site.shared),
        refused=limits.Rates("refused", per_minute),
        strangers=limits.Strangers(of_address),
        reads=limits.Reads(),
        hearing=limits.Lanes(),
    )


def requests_per_second(config: settings.Settings) -> float:
    """How many requests one address may begin, see pacing.Pacing: never fewer than messages."""
    return max(pacing.PER_SECOND, _calls_per_minute(config) / 60)


def _calls_per_minute(config: settings.Settings) -> int:
    return limits.OF_ADDRESS * config.messages_per_minute


def get_site(request: Request) -> turns.Site:
    """The Site that answers a request, for what isn't a route."""
    site: turns.Site = request.app.state.site
    return site


# without a thread each: FastAPI would run a plain function in one
async def _give_site(request: Request) -> turns.Site:
    return get_site(request)


async def _give_limits(request: Request) -> CallLimits:
    made: CallLimits = request.app.state.limits
    return made


ServedSite = Annotated[turns.Site, Depends(_give_site)]
Limited = Annotated[CallLimits, Depends(_give_limits)]
