"""The audit of the lock: what it lets pass, what fails it, and that its exceptions are current and
true."""

import datetime
from pathlib import Path

import pytest

from requirements import audit

ROOT = Path(__file__).resolve().parents[2]
TODAY = datetime.datetime.now(datetime.UTC).date()
EXCEPTIONS = audit.exceptions()


def report(*vulnerabilities, version="1.0"):
    return {
        "dependencies": [
            {"name": "pack", "version": version, "vulns": list(vulnerabilities)},
            {"name": "gone", "skip_reason": "not found"},
        ]
    }


def excepted(id="CVE-1", days=1):
    return audit.Excepted("pack", "1.0", id, "because", TODAY + datetime.timedelta(days=days))


FOUND = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.0"]}


def test_what_is_found_fails_with_its_names_and_what_mends_it():
    assert audit.judge(report(FOUND), [], TODAY) == (["pack 1.0: CVE-1, PYSEC-1; mended in 2.0"], 1)
    assert audit.judge(report(), [], TODAY) == ([], 1)


@pytest.mark.parametrize("id", ["CVE-1", "PYSEC-1", "*"])
def test_an_exception_covers_its_own_version_by_any_of_its_names(id):
    assert audit.judge(report(FOUND), [excepted(id)], TODAY)[0] == []
    assert len(audit.judge(report(FOUND, version="1.1"), [excepted(id)], TODAY)[0]) == 1
    assert (
        len(
            audit.judge(
                report({**FOUND, "id": "PYSEC-2", "aliases": []}), [excepted("CVE-1")], TODAY
            )[0]
        )
        == 1
    )


def test_an_exception_that_has_ended_fails_and_covers_nothing():
    failures, _ = audit.judge(report(FOUND), [excepted(days=-1)], TODAY)
    assert len(failures) == 2 and "review it" in failures[1]


def test_no_exception_has_ended_or_is_of_a_version_that_no_lock_holds():
    pins = {
        pin
        for lock in audit.LOCKS
        for pin in audit.pins((ROOT / "requirements" / lock).read_text())
    }
    assert len(pins) > 100
    for each in EXCEPTIONS:
        assert TODAY <= each.until <= datetime.date(2028, 1, 1), (
            f"{each.package}: review it, and set another end"
        )
        assert f"{each.package}=={each.version}" in pins, each
        assert each.reason.endswith(".")


def test_nobody_who_answers_is_told_apart_from_something_found(monkeypatch, capsys):
    monkeypatch.setattr(
        audit,
        "ask",
        lambda names: {
            "dependencies": [{"name": name, "skip_reason": "no answer"} for name in names]
        },
    )
    assert audit.main() == audit.NOT_ASKED != 1
    assert "does not answer" in capsys.readouterr().out
    found = {"dependencies": [{"name": "pack", "version": "1.0", "vulns": [FOUND]}]}
    monkeypatch.setattr(audit, "ask", lambda names: found)
    assert audit.main() == 1
