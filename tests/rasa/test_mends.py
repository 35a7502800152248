"""Each function of bot/rasa/compatibility.py: a test that fails without it.

Logs (`quieten`, `log_without_colours`) have test_logging.py, what is left out has test_left_out.py.
"""

import importlib.metadata
import logging
import sys
from pathlib import Path

import numpy
import packaging.version
import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.exceptions import YamlSyntaxException
from rasa.shared.utils.validation import YamlValidationException, validate_yaml_schema
from rasa.utils.endpoints import EndpointConfig
from sanic import Sanic, response

from bot.rasa import compatibility
from bot.rasa.compatibility import KNOWN_VERSIONS
from bot.rasa.local_actions import LocalActions

# ── check_versions ────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


@pytest.fixture
def installed(monkeypatch):
    """{package: version} that take the place of the installed ones."""
    real, versions = importlib.metadata.version, {}
    monkeypatch.setattr(
        importlib.metadata, "version", lambda package: versions.get(package) or real(package)
    )
    return versions


def test_another_rasa_is_refused_in_a_sentence_that_names_both_versions(installed):
    installed["rasa"] = "3.6.22"

    with pytest.raises(
        compatibility.UnsupportedRasa, match=r"rasa 3\.6\.22 is installed.*3\.6\.21: run `make"
    ):
        compatibility.check_versions()


def test_another_major_release_of_any_package_is_named_in_a_sentence(installed, caplog):
    installed.update(dict.fromkeys(KNOWN_VERSIONS, "99.1"))

    compatibility.check_versions()

    assert caplog.messages == [
        f"{package} 99.1 is installed; Rasa is known to work here with {package} {known}: run "
        f"`make install`, or try "
        "tests/rasa/ with it"
        for package, known in KNOWN_VERSIONS.items()
    ]


def test_a_release_that_only_begins_with_the_same_digit_is_another_one(installed, caplog):
    installed["numpy"] = KNOWN_VERSIONS["numpy"] + "1.0"

    compatibility.check_versions()

    assert f"numpy {installed['numpy']} is installed" in caplog.text


def test_a_minor_release_is_known(installed, caplog):
    installed["numpy"] = KNOWN_VERSIONS["numpy"] + ".99.3"

    compatibility.check_versions()

    assert not caplog.messages


def test_the_installed_packages_are_the_ones_that_are_known(caplog):
    compatibility.check_versions()

    assert not caplog.messages


# ── prepare ───────────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def test_rasa_sends_no_telemetry():
    from rasa import telemetry

    assert telemetry.is_telemetry_enabled() is False


def test_preparing_twice_is_preparing_once():
    before = sys.modules["pkg_resources"]

    compatibility.put_pkg_resources()

    assert sys.modules["pkg_resources"] is before


# ── What newer packages no longer have ────────────────────────────────────────────────────────────────────────  # noqa: E501


@pytest.fixture
def pkg_resources(monkeypatch):
    """The module that `put_pkg_resources` puts in place."""
    monkeypatch.delitem(sys.modules, "pkg_resources")
    compatibility.put_pkg_resources()
    import pkg_resources as made

    return made


@pytest.mark.parametrize(
    "name", ["shared/utils/schemas/domain.yml", "/shared/utils/schemas/domain.yml"]
)
def test_pkg_resources_finds_a_file_of_a_package(pkg_resources, name):
    path = pkg_resources.resource_filename("rasa", name)

    assert "intents" in Path(path).read_text(encoding="utf-8")


def test_pkg_resources_finds_a_file_beside_a_module(pkg_resources):
    path = pkg_resources.resource_filename("rasa.telemetry", "__init__.py")

    assert path == sys.modules["rasa"].__file__


def test_pkg_resources_knows_the_version_of_a_package(pkg_resources):
    assert pkg_resources.get_distribution("rasa").version == "3.6.21"


def test_pkg_resources_says_that_a_package_is_unknown(pkg_resources):
    with pytest.raises(ModuleNotFoundError):
        pkg_resources.get_distribution("no-such-package")


def test_a_real_pkg_resources_stays(monkeypatch, tmp_path):
    (tmp_path / "pkg_resources.py").write_text("real = True")
    monkeypatch.delitem(sys.modules, "pkg_resources")
    monkeypatch.syspath_prepend(tmp_path)

    compatibility.put_pkg_resources()
    import pkg_resources

    assert pkg_resources.real


def test_the_log_processor_of_sentry_hands_every_line_on(monkeypatch):
    monkeypatch.delitem(sys.modules, "structlog_sentry")
    compatibility.put_structlog_sentry()
    from structlog_sentry import SentryProcessor

    line = {"event": "said"}

    assert SentryProcessor(event_level=logging.FATAL)(None, "error", line) is line


def test_an_archive_without_a_name_gets_one_of_its_own(monkeypatch):
    monkeypatch.delitem(sys.modules, "randomname")
    compatibility.put_randomname()
    import randomname

    names = {randomname.get_name() for _ in range(100)}

    assert len(names) == 100 and all(name.startswith("pamphlet-") for name in names)


def test_numpy_has_its_warning_under_the_name_that_rasa_silences(monkeypatch):
    monkeypatch.delattr(numpy, "VisibleDeprecationWarning", raising=False)

    compatibility.name_visible_deprecation_warning()

    assert numpy.VisibleDeprecationWarning is numpy.exceptions.VisibleDeprecationWarning


def test_packaging_has_the_class_that_no_version_is(monkeypatch):
    monkeypatch.delattr(packaging.version, "LegacyVersion", raising=False)

    compatibility.name_legacy_version()

    assert issubclass(packaging.version.LegacyVersion, packaging.version.Version)
    assert not isinstance(packaging.version.parse("3.1"), packaging.version.LegacyVersion)


@pytest.mark.parametrize("version", ["3.x", "latest", "3,1"])
def test_a_version_that_is_none_is_warned_of_and_the_file_is_read(version):
    with pytest.warns(UserWarning, match=r"must specify 'version' as string"):
        domain = Domain.from_yaml(f'version: "{version}"\nintents: [ask]', "domain.yml")

    assert "ask" in domain.intents


def test_a_syntax_error_with_a_text_keeps_it():
    with pytest.raises(YamlSyntaxException) as caught:
        validate_yaml_schema("intents: [", "shared/utils/schemas/domain.yml")

    assert "expected the node content" in str(caught.value) and "line 1, column 11" in str(
        caught.value
    )


def test_a_lone_tag_in_place_of_a_whole_file_is_shown_as_a_sentence():
    with pytest.raises(YamlValidationException) as caught:
        validate_yaml_schema("!!", "shared/utils/schemas/domain.yml")

    assert "Failed to validate" in str(caught.value)


# ── What newer packages do otherwise ──────────────────────────────────────────────────────────────────────────  # noqa: E501


def test_sanic_serves_in_this_process_whatever_number_of_workers_is_wanted(monkeypatch):
    prepared, served = {}, []
    monkeypatch.setattr(Sanic, "prepare", lambda self, **options: prepared.update(options))
    monkeypatch.setattr(
        Sanic, "serve_single", classmethod(lambda cls, primary: served.append(primary))
    )
    monkeypatch.setattr(
        Sanic, "serve", classmethod(lambda cls, primary: served.append("other processes"))
    )
    monkeypatch.setattr(Sanic, "_app_registry", {})
    app = Sanic("one_process", configure_logging=False)

    app.run(host="127.0.0.1", port=5005, workers=4, backlog=7)

    assert served == [app]
    assert (prepared["single_process"], prepared["workers"], prepared["motd"]) == (True, 1, False)
    assert (prepared["host"], prepared["port"], prepared["backlog"]) == ("127.0.0.1", 5005, 7)


def test_a_response_can_be_streamed_as_rasas_rest_channel_does_it(monkeypatch):
    monkeypatch.delattr(response, "stream", raising=False)

    compatibility.stream_responses()

    assert response.stream is response.ResponseStream


def test_an_actions_module_in_the_endpoints_runs_in_rasas_process():
    endpoint = EndpointConfig.from_dict({"actions_module": "tests.rasa.sample_actions"})

    assert isinstance(endpoint, LocalActions) and endpoint.package == "tests.rasa.sample_actions"


def test_an_address_in_the_endpoints_is_still_called():
    endpoint = EndpointConfig.from_dict({"url": "http://localhost:5055/webhook", "token": "secret"})

    assert type(endpoint) is EndpointConfig
    assert (endpoint.url, endpoint.token) == ("http://localhost:5055/webhook", "secret")
