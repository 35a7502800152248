"""What is in deploy/: systemd's units, the image, the compose file and the manifests, each held
against its schema and against the code."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from conftest import left_out

from bot.cli import main
from bot.runtime import settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SETTINGS = {name for name, *_ in settings.settings_table()}
SECRETS = {name for name in SETTINGS if settings.is_secret(name)} | {"DATABASE_URL", "REDIS_URL"}
UNITS = sorted([*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")])
MANIFESTS = [
    made
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    if path.name != "kustomization.yaml"
    for made in yaml.safe_load_all(path.read_text())
]
OTHERS = {"PATH", "PYTHONDONTWRITEBYTECODE", "NAME"}


@pytest.fixture(scope="module")
def systemd(tmp_path_factory):
    """The folder of the units, for a project that stands here."""
    if not shutil.which("systemd-analyze"):
        left_out("systemd-analyze", "systemd")
    folder = tmp_path_factory.mktemp("units")
    for path in UNITS:
        (folder / path.name).write_text(path.read_text().replace("/opt/pamphlet/", f"{ROOT}/"))
    return folder


def analyze(*arguments, folder):
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments], cwd=folder, capture_output=True, text=True
    )


def test_systemd_takes_the_units_without_a_word(systemd):
    done = analyze("verify", *(f"./{path.name}" for path in UNITS), folder=systemd)
    assert done.returncode == 0, done.stderr
    # it also tells of the machine's own units
    assert [line for line in done.stderr.splitlines() if "pamphlet" in line] == []


@pytest.mark.parametrize("name", [path.name for path in UNITS if path.suffix == ".service"])
def test_the_services_may_do_little(systemd, name):
    # 100 is a service that may do all
    done = analyze("security", "--offline=true", "--threshold=15", f"./{name}", folder=systemd)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "path", [path for path in UNITS if path.suffix == ".service"], ids=lambda path: path.name
)
def test_a_unit_runs_a_verb_with_settings_that_there_are(path):
    lines = path.read_text().splitlines()
    [command] = [
        shlex.split(line.partition("=")[2]) for line in lines if line.startswith("ExecStart=")
    ]
    assert command[0] == "/opt/pamphlet/.venv/bin/bot" and command[1] in main.VERBS
    named = {
        pair.partition("=")[0]
        for line in lines
        if line.startswith("Environment=")
        for pair in line.partition("=")[2].split()
    }
    assert (
        named - OTHERS and named - OTHERS <= SETTINGS and not named & (SECRETS - {"DATABASE_URL"})
    )


def test_the_image_is_run_by_nobody_who_may_do_anything_and_holds_no_secret():
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text())
    steps = [
        (kind, rest)
        for kind, _, rest in (
            line.partition(" ") for line in text.splitlines() if line and not line.startswith("#")
        )
    ]
    last = steps[max(i for i, (kind, _) in enumerate(steps) if kind == "FROM") :]
    assert [rest for kind, rest in last if kind == "USER"] == ["10001:10001"]
    assert all(
        ":" in rest.split()[0] and ":latest" not in rest for kind, rest in steps if kind == "FROM"
    )
    named = {
        pair.partition("=")[0] for kind, rest in last if kind == "ENV" for pair in rest.split()
    }
    assert named - OTHERS <= SETTINGS and not named & (SECRETS - {"DATABASE_URL"})
    [command] = [yaml.safe_load(rest) for kind, rest in last if kind == "CMD"]
    assert command[0] == "bot" and command[1] in main.VERBS
    for kind, rest in steps:
        if kind == "COPY" and "--from" not in rest:
            assert all((ROOT / name).exists() for name in rest.split()[:-1])
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    assert {".git", ".venv*", ".tools", "var", "models/*"} <= set(ignored)


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_the_compose_file_is_as_its_schema_wants(compose):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "check_jsonschema",
            "--builtin-schema",
            "vendor.compose-spec",
            DEPLOY / "compose.yaml",
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_the_compose_file_opens_the_proxy_alone_and_names_settings_that_there_are(compose):
    services = compose["services"]
    assert [name for name, service in services.items() if service.get("ports")] == ["proxy"]
    assert compose["networks"]["inside"]["internal"] and {"database", "redis"} == {
        name for name, service in services.items() if service.get("networks") == ["inside"]
    }
    asked = {
        line.partition("=")[0]
        for line in (DEPLOY / "compose.env").read_text().splitlines()
        if "=" in line
    }
    assert set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text())) == asked
    for name in ("prepare", "gateway1", "gateway2"):
        service = services[name]
        assert (
            set(service["environment"]) <= SETTINGS
            and service.get("command", ["bot", "serve"])[1] in main.VERBS
        )
        assert all(
            "${" in service["environment"][secret]
            for secret in SECRETS & set(service["environment"]) - {"REDIS_URL"}
        )
        assert service["read_only"] and service["cap_drop"] == ["ALL"] and service["mem_limit"]


def test_the_compose_files_proxy_knows_its_name_and_both_gateways(compose, tmp_path):
    command = compose["services"]["proxy"]["command"][2].replace("$$", "$").partition(" && ")[0]
    command = command.replace("/site.conf", str(DEPLOY / "nginx.conf")).replace(
        "/etc/nginx/conf.d/default.conf", str(tmp_path / "made")
    )
    subprocess.run(
        ["sh", "-c", command], check=True, env={"NAME": "ask.example.net", "PATH": "/usr/bin:/bin"}
    )
    made = (tmp_path / "made").read_text()
    upstream = re.search(r"upstream pamphlet \{(.*?)\n\}", made, re.DOTALL)[1]
    assert re.findall(r"server (\S+) max_fails=2 fail_timeout=2s;", upstream) == [
        "gateway1:8000",
        "gateway2:8000",
    ]
    assert (
        "chat.example.org" not in made.partition("upstream")[2]
        and "server_name ask.example.net;" in made
        and "127.0.0.1" not in made
    )


@pytest.mark.parametrize(
    "made", MANIFESTS, ids=lambda made: f"{made['kind']} {made['metadata']['name']}"
)
@pytest.mark.parametrize("version", ["1.30", "1.35"])
def test_a_manifest_is_as_kubernetes_wants(made, version):
    kubernetes_validate.validate(made, version, strict=True)


def of_kind(kind):
    return [made for made in MANIFESTS if made["kind"] == kind]


def test_the_manifests_belong_together():
    listed = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == sorted(
        path.name
        for path in (DEPLOY / "kubernetes").glob("*.yaml")
        if path.name != "kustomization.yaml"
    )
    [gateway], [service], [budget], [scaling] = (
        of_kind("Deployment"),
        of_kind("Service"),
        of_kind("PodDisruptionBudget"),
        of_kind("HorizontalPodAutoscaler"),
    )
    labels = gateway["spec"]["template"]["metadata"]["labels"]
    for selector in (
        gateway["spec"]["selector"]["matchLabels"],
        service["spec"]["selector"],
        budget["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    assert (
        scaling["spec"]["scaleTargetRef"]["name"] == gateway["metadata"]["name"]
        and scaling["spec"]["minReplicas"] > budget["spec"]["minAvailable"]
    )
    [config] = of_kind("ConfigMap")
    assert set(config["data"]) <= SETTINGS - SECRETS and all(
        isinstance(value, str) for value in config["data"].values()
    )
    assert of_kind("Secret") == []


def test_every_container_is_closed_bounded_and_has_its_secrets_by_reference():
    for made in of_kind("Deployment") + of_kind("Job"):
        pod = made["spec"]["template"]["spec"]
        assert (
            pod["automountServiceAccountToken"] is False
            and pod["securityContext"]["runAsNonRoot"] is True
        )
        for container in pod["containers"] + pod["initContainers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert (
                container["resources"]["requests"]["cpu"]
                and container["resources"]["limits"]["memory"]
            )
            assert "env" not in container
        for container in pod["containers"]:
            assert {"secretRef": {"name": "pamphlet"}} in container["envFrom"]
    [container] = of_kind("Deployment")[0]["spec"]["template"]["spec"]["containers"]
    assert all(
        container[probe]["httpGet"]["path"] == "/health/live"
        for probe in ("startupProbe", "readinessProbe", "livenessProbe")
    )


def test_the_network_keeps_all_but_the_gateways_port_private():
    policies = {made["metadata"]["name"]: made["spec"] for made in of_kind("NetworkPolicy")}
    assert policies["closed"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    opened = [
        port
        for policy in policies.values()
        for rule in policy.get("ingress", [])
        for port in rule["ports"]
    ]
    assert opened == [{"protocol": "TCP", "port": 8000}] and all(
        rule["from"] for policy in policies.values() for rule in policy.get("ingress", [])
    )
