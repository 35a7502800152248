"""The messaging channels, each a module of the shape that base.py describes. One is on when its
settings are there."""

from bot.channels import base
from bot.channels.platforms import (
    mattermost,
    messenger,
    slack,
    teams,
    telegram,
    twilio,
    webhook,
    whatsapp,
)
from bot.runtime import settings

ALL: dict[str, base.Channel] = {
    "telegram": telegram,
    "whatsapp": whatsapp,
    "messenger": messenger,
    "slack": slack,
    "teams": teams,
    "twilio": twilio,
    "mattermost": mattermost,
    "webhook": webhook,
}


def enabled_channels(config: settings.Settings) -> dict[str, base.Channel]:
    """The channels whose settings are all there: {name: module}."""
    return {name: channel for name, channel in ALL.items() if not missing_settings(config, name)}


def missing_settings(config: settings.Settings, name: str) -> list[str]:
    """The names of the settings that a channel lacks."""
    return [setting for setting in ALL[name].NEEDS if not getattr(config, setting)]


def is_begun(config: settings.Settings, name: str) -> bool:
    """Whether somebody has begun to set a channel up: a setting of its own is there."""
    return any(getattr(config, setting) for setting in ALL[name].NEEDS if setting != "public_url")
