"""The lock against the known vulnerabilities, by pip-audit: `python requirements/audit.py`, in the
environment of audit.txt.

What is found and not in audit-exceptions.toml fails (1); so does an exception that has ended. Where
the vulnerability service doesn't answer, that is said and is an end of its own (3): one package
that is known to be vulnerable is asked for first."""

import datetime
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
LOCKS = ("app.txt",)
NOT_ASKED = 3  # the exit code where nobody answered
KNOWN = "requests==2.19.0"  # CVE-2018-18074


@dataclass(frozen=True)
class Excepted:
    """A vulnerability of one version that can't be reached in what we do with it; `id` is "*" where
    that holds for any."""

    package: str
    version: str
    id: str
    reason: str
    until: datetime.date

    def covers(self, package, names):
        return (self.package, self.version) == (package["name"], package["version"]) and (
            self.id == "*" or self.id in names
        )


def exceptions(path=HERE / "audit-exceptions.toml"):
    """The exceptions of a file."""
    return [Excepted(**entry) for entry in tomllib.loads(path.read_text()).get("exception", [])]


def pins(text):
    """The `name==version` of a lock."""
    return re.findall(r"^[\w.-]+(?:\[[^]]*\])?==[^\s;]+", text, re.MULTILINE)


def judge(report, allowed, today):
    """What of pip-audit's report and the exceptions fails, a line each; and how many packages could
    not be asked for."""
    failures = []
    for package in report["dependencies"]:
        for vulnerability in package.get("vulns", []):
            names = {vulnerability["id"], *vulnerability.get("aliases", [])}
            if not any(each.covers(package, names) for each in allowed if each.until >= today):
                mended = ", ".join(vulnerability.get("fix_versions", [])) or "no version"
                failures.append(
                    f"{package['name']} {package['version']}: {', '.join(sorted(names))}; mended "
                    f"in {mended}"
                )
    failures += [
        f"the exception for {each.package} {each.version} {each.id} ended on {each.until}: "
        f"review it"
        for each in allowed
        if each.until < today
    ]
    return failures, sum("skip_reason" in package for package in report["dependencies"])


def ask(names):
    """pip-audit's report on these `name==version`."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(names))
        file.flush()
        command = [
            sys.executable,
            "-m",
            "pip_audit",
            "-r",
            file.name,
            "--no-deps",
            "--disable-pip",
            "--format",
            "json",
            "--progress-spinner",
            "off",
        ]
        done = subprocess.run(command, capture_output=True, text=True)
    try:
        return json.loads(done.stdout)
    except ValueError:  # it couldn't ask at all
        return {"dependencies": [{"name": name, "skip_reason": "no answer"} for name in names]}


def main():
    if not any(package.get("vulns") for package in ask([KNOWN])["dependencies"]):
        print("audit: not done; the vulnerability service of PyPI does not answer here")
        return NOT_ASKED
    names = sorted({name for lock in LOCKS for name in pins((HERE / lock).read_text())})
    failures, skipped = judge(ask(names), exceptions(), datetime.datetime.now(datetime.UTC).date())
    print(
        "\n".join(
            [
                *failures,
                f"audit: {len(names)} packages, {skipped} could not be asked for, "
                f"{len(failures)} failures",
            ]
        )
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
