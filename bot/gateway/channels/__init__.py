"""The messaging channels, each a module of the shape that shape.py describes. One is on when its
settings are there."""

from bot.gateway.channels import (
    mattermost,
    messenger,
    slack,
    teams,
    telegram,
    twilio,
    webhook,
    whatsapp,
)

ALL = {
    "telegram": telegram,
    "whatsapp": whatsapp,
    "messenger": messenger,
    "slack": slack,
    "teams": teams,
    "twilio": twilio,
    "mattermost": mattermost,
    "webhook": webhook,
}


def on(config):
    """The channels whose settings are all there: {name: module}."""
    return {name: channel for name, channel in ALL.items() if not missing(config, name)}


def missing(config, name):
    """The names of the settings that a channel lacks."""
    return [setting for setting in ALL[name].NEEDS if not getattr(config, setting)]


def begun(config, name):
    """Whether somebody has begun to set a channel up: a setting of its own is there."""
    return any(getattr(config, setting) for setting in ALL[name].NEEDS if setting != "public_url")
