"""An answer as visitors would see it: on the website, and as each messaging app writes it."""

import functools
from typing import Any

from bot.channels import catalogue, rendering
from bot.content import site_content
from bot.content.site_content import SiteContent
from bot.releases import registry
from bot.runtime.settings import Settings

Reply = dict[str, Any]  # of bot/content/reply_model.py, as JSON

PLAIN = rendering.Style(limit=8000)


def preview_reply(
    reply: Reply, texts: dict[str, Any], config: Settings
) -> list[tuple[str, Reply | str]]:
    """[(channel, reply or text)] of an answer: `web` as the Reply with what it says of its review
    as `reviewed`, `plain text` and each channel as what it would send."""
    unit = rendering.reply_unit(reply, texts, config.public_url or "https://chat.example.org")
    styles = {"plain text": PLAIN} | {
        name: channel.STYLE for name, channel in catalogue.ALL.items()
    }
    return [
        ("web", {**reply, "reviewed": say_review(reply, texts)}),
        *((name, rendering.write_unit(unit, style)) for name, style in styles.items()),
    ]


def say_review(reply: Reply, texts: dict[str, Any]) -> str:
    """What a reply says of its review; "" where it is no article's."""
    article = reply.get("article")
    return rendering.say_review(article, texts) if article else ""


def release_content(config: Settings, id: str | None) -> SiteContent:
    """The Content of a release; raises registry.ReleaseError where there is none."""
    if id is None:
        return _load(str(config.path("data")))
    return _read(config, id)


@functools.lru_cache(maxsize=6)
def _load(folder: str) -> SiteContent:
    return site_content.load_content(folder)


@functools.lru_cache(maxsize=6)
def _read(config: Settings, id: str) -> SiteContent:
    return registry.read_content(config, id)
