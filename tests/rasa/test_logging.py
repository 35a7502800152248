"""Rasa's logs: from the level on that is asked for, through Python's logging, where
bot.runtime.logs lets
no words through."""

import io
import json
import logging
import sys

import pytest
import structlog

from bot.rasa import compatibility
from bot.runtime import logs


@pytest.fixture(autouse=True)
def kept_settings():
    """structlog and the root logger as they were before."""
    settings, root = structlog.get_config(), logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    structlog.configure(**settings)
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.mark.parametrize(
    ("level", "written"),
    [("debug", ["one", "two", "three"]), ("warning", ["two", "three"]), ("error", ["three"])],
)
def test_rasa_logs_from_the_level_on_that_is_asked_for(caplog, level, written):
    compatibility.quieten_rasa(level)
    logger = structlog.get_logger("rasa.of_a_test")

    logger.debug("one")
    logger.warning("two")
    logger.error("three")

    assert [json.loads(line)["event"] for line in caplog.messages] == written


def test_python_s_own_loggers_keep_to_the_same_level(caplog):
    compatibility.quieten_rasa("error")

    logging.getLogger("rasa.of_a_test").warning("not this")
    logging.getLogger("rasa.of_a_test").error("this")

    assert caplog.messages == ["this"]


def test_a_line_of_structlog_is_json_with_its_level_and_values(caplog):
    compatibility.quieten_rasa("info")

    structlog.get_logger("rasa.of_a_test").info(
        "message.parse", text="what does tea cost", number=3
    )

    assert json.loads(caplog.messages[0]) == {
        "event": "message.parse",
        "text": "what does tea cost",
        "number": 3,
        "level": "info",
    }


def test_an_exception_in_a_line_of_structlog_is_written_with_its_kind(caplog):
    compatibility.quieten_rasa("info")

    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        structlog.get_logger("rasa.of_a_test").exception("failed")

    line = json.loads(caplog.messages[0])
    assert line["exception"][0]["exc_type"] == "ZeroDivisionError"


def test_a_value_bound_to_the_context_is_in_the_line(caplog):
    compatibility.quieten_rasa("info")

    with structlog.contextvars.bound_contextvars(turn=3):
        structlog.get_logger("rasa.of_a_test").info("said")

    assert json.loads(caplog.messages[0])["turn"] == 3


def test_where_we_log_none_of_a_visitors_words_come_through_from_rasa(monkeypatch):
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    compatibility.quieten_rasa("info")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logs.Reduced("text", "rasa"))
    logging.getLogger().addHandler(handler)

    structlog.get_logger("rasa.of_a_test").info(
        "processor.message.parse", text="what does tea cost"
    )

    assert "rasa.of_a_test" in written.getvalue() or "at " in written.getvalue()
    assert "tea" not in written.getvalue()


def test_rasas_command_line_logs_plainly(monkeypatch):
    from rasa.utils import io as rasa_io

    asked = {}
    monkeypatch.setattr(logging, "basicConfig", lambda **options: asked.update(options))

    rasa_io.configure_colored_logging("INFO")

    assert asked["level"] == "INFO" and "%(message)s" in asked["format"]
