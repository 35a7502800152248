"""Sites that embed the chat: how ALLOWED_ORIGINS is read, and what is said of one that is
refused."""

import asyncio
import dataclasses
import logging

import pytest

from bot.operations import doctor
from bot.runtime import settings
from bot.web import origins


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://a.example", ["https://a.example"]),
        ("https://a.example/", ["https://a.example"]),
        ("https://A.Example HTTPS://b.example", ["https://a.example", "https://b.example"]),
        ("https://a.example,https://b.example", ["https://a.example", "https://b.example"]),
        ("https://a.example, https://b.example;", ["https://a.example", "https://b.example"]),
        ("'https://a.example' \"https://b.example\"", ["https://a.example", "https://b.example"]),
        ("https://a.example\n  https://b.example\n", ["https://a.example", "https://b.example"]),
        ("https://a.example:443 http://b.example:80", ["https://a.example", "http://b.example"]),
        ("http://localhost:3000", ["http://localhost:3000"]),
        ("https://bücher.example", ["https://xn--bcher-kva.example"]),
        ("*", ["*"]),
        ("", []),
    ],
)
def test_a_site_is_understood_however_it_is_written(written, read):
    assert settings.read_settings({"ALLOWED_ORIGINS": written}).origins() == read


@pytest.mark.parametrize(
    "written",
    ["a.example", "https://a.example/page", "https://*.a.example", "ftp://a.example", "null"]
    + ["https://", "https://a.example:port", "https://a.example?x=1", "https://me@a.example"],
)
def test_what_no_browser_names_as_a_site_is_refused_with_the_reason(written):
    with pytest.raises(settings.SettingsError, match="ALLOWED_ORIGINS names .* can't be used: "):
        settings.read_settings({"ALLOWED_ORIGINS": f"https://good.example {written}"})


def config(allowed="https://a.example https://www.b.example", **given):
    return dataclasses.replace(settings.Settings(), allowed_origins=allowed, **given)


@pytest.mark.parametrize(
    ("origin", "reason"),
    [
        ("https://a.example", ""),
        ("http://own:8000", ""),
        ("https://chat.example.org", ""),
        ("http://a.example", "has https://a.example; name http://a.example too"),
        ("https://a.example:8443", "with another port"),
        ("https://www.a.example", "without www"),
        ("https://b.example", "with www"),
        ("https://other.example", "doesn't name it; add https://other.example"),
        ("null", 'sandbox="allow-scripts allow-same-origin"'),
    ],
)
def test_a_refused_site_is_told_why(origin, reason):
    said = origins.explain_refusal(
        origin, config(public_url="https://chat.example.org/"), "http://own:8000"
    )
    assert reason in said and bool(said) == bool(reason)


def call(middleware, origin, path="/api/messages"):
    async def nothing(*_):
        pass

    headers = [(b"host", b"own"), (b"origin", origin.encode())]
    scope = {"type": "http", "scheme": "http", "path": path, "headers": headers}
    asyncio.run(middleware(scope, nothing, nothing))


def test_the_log_names_each_refused_site_once_and_not_without_end(caplog):
    async def app(*_):
        pass

    middleware = origins.Origins(app, config())
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            call(middleware, "https://www.a.example")
        call(middleware, "https://a.example")
        call(middleware, "http://own")
        call(middleware, "https://other.example", "/style.css")
    (line,) = caplog.messages
    assert "'https://www.a.example' was refused: ALLOWED_ORIGINS has https://a.example" in line
    for n in range(200):
        call(middleware, f"https://x{n}.example")
    assert len(caplog.messages) == origins.MOST


@pytest.mark.parametrize("origin", ["https://a.example\nERROR", "words of somebody", "x" * 999])
def test_what_no_browser_sends_is_not_written_into_the_log(caplog, origin):
    async def app(*_):
        pass

    call(origins.Origins(app, config()), origin)
    assert caplog.messages == []


def test_doctor_names_how_each_site_is_read():
    written = "https://a.example/ HTTPS://B.example http://c.example https://d.example"
    said = list(doctor._look_origins(config(written)))
    assert said == [
        ("notice", "https://a.example/ has a slash at its end; it is read as https://a.example"),
        ("notice", "HTTPS://B.example is written oddly; it is read as https://b.example"),
        (
            "notice",
            "http://c.example is without https: browsers there call it only from http pages",
        ),
        ("ok", "https://d.example"),
    ]
    assert list(doctor._look_origins(config("")))[0][0] == "notice"
