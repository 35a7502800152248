"""An answer as visitors would see it: on the website, and as each messaging app writes it."""

import functools

from bot import content, release
from bot.gateway import channels
from bot.gateway.channels import text

PLAIN = text.Style(limit=8000)


def of(reply, texts, config):
    """[(channel, reply or text)] of an answer: `web` as the Reply, `plain text` and each channel as
    what it would send."""
    unit = text.unit(reply, texts, config.public_url or "https://chat.example.org")
    styles = {"plain text": PLAIN} | {name: channel.STYLE for name, channel in channels.ALL.items()}
    return [("web", reply), *((name, text.write(unit, style)) for name, style in styles.items())]


def library(config, id):
    """The Content of a release; raises release.ReleaseError where there is none."""
    if id is None:
        return _load(str(config.path("data")))
    return _read(config, id)


@functools.lru_cache(maxsize=6)
def _load(folder):
    return content.load(folder)


@functools.lru_cache(maxsize=6)
def _read(config, id):
    return release.read_content(config, id)
