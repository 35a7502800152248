"""Logs without a visitor's words: what our own modules say in full, of what anything else says only
where it stands.

Rasa, its libraries and the web server write messages into their logs, at debug level and inside
exceptions, so none of their wording is let through. The value of an exception is left out for the
same reason: of it stay kind and place."""

from __future__ import annotations

import contextvars
import datetime
import json
import logging
import sys
import traceback
from types import TracebackType

OURS = ("bot", "actions")
_turn: contextvars.ContextVar[int | None] = contextvars.ContextVar("turn", default=None)


def begin_turn(metadata: object) -> None:
    """Name the turn that is worked on from here on, in this task and what it calls: the number in a
    message's metadata, if any."""
    turn = metadata.get("turn") if isinstance(metadata, dict) else None
    _turn.set(turn if isinstance(turn, int) else None)


def place_of(error: BaseException) -> str:
    """The kind of an exception and where it was raised; its words may be a visitor's."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


class Reduced(logging.Formatter):
    """`TIME LEVEL logger: message` for our modules; for others, and for every exception, the place
    in its stead.

    As "json" it is an object a line: {time, level, process, logger, turn?, message}.
    """

    def __init__(self, form: str, process: str) -> None:
        super().__init__()
        self.form, self.process = form, process

    def format(self, record: logging.LogRecord) -> str:
        ours = record.name.partition(".")[0] in OURS
        said = record.getMessage() if ours else f"at {record.filename}:{record.lineno}"
        if record.exc_info and record.exc_info[0]:
            said += f"; {_faults(record.exc_info[1])}"
        if self.form == "text":
            return f"{self.formatTime(record)} {record.levelname} {record.name}: {said}"
        time, turn = datetime.datetime.fromtimestamp(record.created, datetime.UTC), _turn.get()
        return json.dumps(
            {
                "time": time.isoformat(timespec="milliseconds"),
                "level": record.levelname.lower(),
                "process": self.process,
                "logger": record.name,
                **({} if turn is None else {"turn": turn}),
                "message": said,
            },
            ensure_ascii=False,
        )


def configure_logs(level: str, form: str, process: str) -> None:
    """Send every log of this process to standard error, reduced, from `level` ("debug", "info",
    "warning" ...) on.

    `form` is "text" or "json", `process` the name that JSON gives it.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Reduced(form, process))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for logger in list(logging.root.manager.loggerDict.values()):
        # none may have a way of its own past the handler above
        if isinstance(logger, logging.Logger):
            logger.handlers.clear()
            logger.propagate = True
    logging.raiseExceptions = False  # a log call that fails would print its arguments
    # pydantic's quote values; they come as a place only, and at debug level only
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel("DEBUG" if level == "debug" else "ERROR")
    sys.excepthook = _report


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger("bot").critical("ended by %s", _faults(error))


def _faults(error: BaseException | None) -> str:
    """An exception and what caused it, as `KeyError at b.py:2 < a.py:1, from ...`: kinds and
    innermost places."""
    found: list[str] = []
    while error is not None and len(found) < 5:
        places = [
            f"{frame.f_code.co_filename.rpartition('/')[2]}:{line}"
            for frame, line in traceback.walk_tb(error.__traceback__)
        ]
        found.append(f"{type(error).__name__} at {' < '.join(places[:-6:-1])}")
        error = error.__cause__ or error.__context__
    return ", from ".join(found)
