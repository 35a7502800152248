"""A visitor's message on its way through the gateway, whatever channel it came by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class IncomingMessage:
    """A message as its visitor sent it: a text, or one of the choices that were offered.

    `token`: of its conversation; `id`: its sender's name for it, the same when it is sent again;
    `hours`: so long its conversation stays open when nothing more comes; `country`: where its
    visitor is, as far as they say.

    Raises ValueError with both a text and a choice, and with neither."""

    token: str
    id: str
    hours: int
    text: str | None = None
    choice: str | None = None
    country: str | None = None

    def __post_init__(self) -> None:
        if (self.text is None) == (self.choice is None):
            raise ValueError("a message is either a text or a choice")
