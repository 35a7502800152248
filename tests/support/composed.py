"""deploy/compose.yaml started without containers' software: each service is a process with the
environment, user, limits, networks and volumes that the file names, on Linux's own means (mount and
network namespaces, an overlay in place of an image, control groups). For root.

The images are not those that the file names: nginx, PostgreSQL and Redis are Debian's, the project
and its Python are this machine's. What the file asks of Docker itself (its own form, the order of
starting, restarts) is done here by hand."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from bot.releases import depot, registry
from bot.runtime import settings
from tests.support import servers

ROOT = settings.ROOT
NAME = "chat.example.org"
USER = 10001  # of the image
INSIDE = "10.214.0"  # the network that the file gives no addresses
CGROUPS = Path("/sys/fs/cgroup")
START_SECONDS = 180
# What an image is: the machine's files, with a layer above that is gone with the process.
CONTAINER = """
set -e
mount -t tmpfs tmpfs {work}
mkdir {work}/upper {work}/work {work}/root
mount -t overlay overlay -o lowerdir=/,upperdir={work}/upper,workdir={work}/work {work}/root
cd {work}/root
chmod 755 root
printf '%s' '{hosts}' > etc/hosts
mount --rbind /dev dev
mount -t proc proc proc
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir -p .{project}
mount --bind {project} .{project}
{volumes}
{closing}
exec chroot . {privileges} env -i {environment} sh -c {command}
"""


class Impossible(RuntimeError):
    """This machine can't do it: the argument says why."""


@dataclass
class Service:
    """A process of the compose file; `pid` is the one that the service's own signals go to."""

    name: str
    namespace: str
    process: subprocess.Popen
    groups: list  # of control, its folders

    @property
    def pid(self):
        return int(_say("ps", "-o", "pid=", "--ppid", str(self.process.pid)).split()[0])

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError, IndexError):
                os.kill(self.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(25)
        self.process.kill()
        self.process.wait()


@dataclass
class Composed:
    """What `start` made: the file as it was read, its folder, and the services that run."""

    file: dict
    folder: Path
    tag: str
    running: dict = field(default_factory=dict)

    @property
    def host(self):
        """The namespace in which the networks meet, and visitors are."""
        return f"pamphlet-{self.tag}"

    def address(self, service, network="outside"):
        """A service's address in a network."""
        start = INSIDE if network == "inside" else _outside(self.file)
        return f"{start}.{10 + list(self.file['services']).index(service)}"

    def log(self, service):
        return self.folder / f"{service}.log"

    def start(self, name):
        """Start a service, as often as it has ended."""
        service = self.file["services"][name]
        groups = [_make_group(self.tag, name, kind, service) for kind in ("memory", "pids")]
        groups = [folder for folder in groups if folder]
        work = self.folder / f"root-{name}"
        work.mkdir(exist_ok=True)
        script = CONTAINER.format(
            work=work,
            project=ROOT,
            hosts=self._hosts(),
            volumes="\n".join(self._volumes(name)),
            closing="mount -o remount,ro ." if service.get("read_only") else "",
            privileges=_privileges(service),
            environment=" ".join(_quote(f"{k}={v}") for k, v in _environment(service).items()),
            command=_quote(_command(name, service)),
        )
        enter = "".join(f"echo $$ > {folder}/cgroup.procs\n" for folder in groups)
        namespace = f"{self.host}-{name}"
        with self.log(name).open("ab") as output:
            process = subprocess.Popen(
                [
                    "bash",
                    "-c",
                    f"{enter}exec ip netns exec {namespace} unshare --mount --pid --fork "
                    f"--kill-child --propagation private bash -c {_quote(script)}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        made = self.running[name] = Service(name, namespace, process, groups)
        return made

    def _hosts(self):
        lines = ["127.0.0.1 localhost"]
        for name, service in self.file["services"].items():
            network = "outside" if "outside" in service.get("networks", []) else "inside"
            lines.append(f"{self.address(name, network)} {name}")
        return "\n".join(lines) + "\n"

    def _volumes(self, name):
        for volume in self.file["services"][name].get("volumes", []):
            source, target, *how = volume.split(":")
            path = ROOT / source if source.startswith("./") else Path(source)
            if not path.is_absolute():
                path = self.folder / "volumes" / source
            made = "mkdir -p" if path.is_dir() else "touch"
            yield f"mkdir -p .{Path(target).parent} && {made} .{target}"
            yield f"mount --bind {'-o ro' if 'ro' in how else ''} {path} .{target}"

    def wait_for(self, holds, what):
        """Wait until `holds()`; raises RuntimeError with the ends of the logs."""
        end = time.monotonic() + START_SECONDS
        while not holds():
            gone = [name for name, each in self.running.items() if each.process.poll() is not None]
            if time.monotonic() > end or set(gone) - {"prepare"}:
                log_ends = {name: self.log(name).read_text()[-800:] for name in self.running}
                raise RuntimeError(f"{what} did not come; ended: {gone}; {log_ends}")
            time.sleep(0.3)

    def healthy(self, name, *command):
        """Whether a command in a service's network ends well."""
        at = ["ip", "netns", "exec", f"{self.host}-{name}"]
        return subprocess.run([*at, *command], capture_output=True).returncode == 0


@contextlib.contextmanager
def composed(folder, secret):
    """The site of deploy/compose.yaml, started: a Composed. Its content and its first release are
    this project's, as `bot prepare` would find them; `secret` is theirs."""
    if os.getuid() != 0 or not shutil.which("ip"):
        raise Impossible("network and mount namespaces are for root, with iproute2")
    given = {
        "NAME": NAME,
        "SECRET": secret,
        "DATABASE_PASSWORD": "0123456789abcdef",
        "METRICS_TOKEN": "0123456789abcdef0123456789abcdef",
        "CERTIFICATES": str(folder / "certificates"),
    }
    file = yaml.safe_load(interpolate((ROOT / "deploy/compose.yaml").read_text(), given))
    made = Composed(file, Path(folder), f"{os.getpid():x}")
    _make_volumes(made, secret)
    try:
        _make_networks(made)
        _start_in_order(made)
        yield made
    finally:
        for service in made.running.values():
            service.stop()
        for service in made.running.values():
            for group in service.groups:
                with contextlib.suppress(OSError):
                    group.rmdir()
        for name in [f"{made.host}-{name}" for name in file["services"]] + [made.host]:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


@contextlib.contextmanager
def inside(namespace):
    """Have what this thread opens be opened in a network namespace."""
    with open("/proc/thread-self/ns/net") as own, open(f"/run/netns/{namespace}") as other:
        os.setns(other.fileno(), os.CLONE_NEWNET)
        try:
            yield
        finally:
            os.setns(own.fileno(), os.CLONE_NEWNET)


def interpolate(text, given):
    """The compose file with its variables: ${NAME}, ${NAME:?what it is}, ${NAME:-default}, $$."""

    def put(found):
        if found[0] == "$$":
            return "$"
        return given.get(found["name"]) or (found["rest"] or "")[2:]

    return re.sub(r"\$\$|\$\{(?P<name>\w+)(?P<rest>:[?-][^}]*)?\}", put, text)


def _outside(file):
    [made] = file["networks"]["outside"]["ipam"]["config"]
    return made["subnet"].rpartition(".")[0]


def _make_volumes(made, secret):
    """Folders for the named volumes, with what the image puts there, a certificate, and a depot
    with the release that is live here."""
    volumes = made.folder / "volumes"
    for name in made.file["volumes"]:
        (volumes / name).mkdir(parents=True)
    config = settings.read_settings()
    for name in ("prepared", "gateway1", "gateway2"):
        shutil.copytree(config.path("models") / "encoder", volumes / name / "models" / "encoder")
    shutil.copytree(config.path("data"), volumes / "shared" / "data")
    (volumes / "shared" / "releases").mkdir()
    url, id = f"file://{volumes / 'shared' / 'releases'}", registry.live_release(config)
    depot.put_release(url, registry.folder_of(config, id))
    depot.put_live(url, id)
    for name in ("shared", "prepared", "gateway1", "gateway2"):
        subprocess.run(["chown", "-R", f"{USER}:{USER}", volumes / name], check=True)
    made.folder.chmod(0o755)
    certificates = made.folder / "certificates" / "live" / NAME
    certificates.mkdir(parents=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        + ["-subj", f"/CN={NAME}", "-keyout", certificates / "privkey.pem"]
        + ["-out", certificates / "fullchain.pem"],
        check=True,
        capture_output=True,
    )


def _make_networks(made):
    """A namespace for each service, and two bridges in one of their own, where visitors are."""
    _run("ip", "netns", "add", made.host)
    for network in made.file["networks"]:
        _run("ip", "-n", made.host, "link", "add", network, "type", "bridge")
        _run("ip", "-n", made.host, "link", "set", network, "up")
    # only the outside one leads anywhere
    _run("ip", "-n", made.host, "addr", "add", f"{_outside(made.file)}.1/24", "dev", "outside")
    _run("ip", "-n", made.host, "link", "set", "lo", "up")
    for number, (name, service) in enumerate(made.file["services"].items()):
        namespace = f"{made.host}-{name}"
        _run("ip", "netns", "add", namespace)
        _run("ip", "-n", namespace, "link", "set", "lo", "up")
        for network in service["networks"]:
            at = f"{network[:3]}{number}"
            link = ["ip", "-n", made.host, "link"]
            _run(*link, "add", at, "type", "veth", "peer", "name", network, "netns", namespace)
            _run(*link, "set", at, "master", network, "up")
            address = f"{made.address(name, network)}/24"
            _run("ip", "-n", namespace, "addr", "add", address, "dev", network)
            _run("ip", "-n", namespace, "link", "set", network, "up")


def _start_in_order(made):
    """As `depends_on` says: what is waited for is healthy, or has ended well."""
    made.start("database")
    made.start("redis")
    user = ["-h", "127.0.0.1", "-U", "pamphlet"]
    made.wait_for(lambda: made.healthy("database", "pg_isready", *user), "PostgreSQL")
    made.wait_for(lambda: made.healthy("redis", "redis-cli", "ping"), "Redis")
    prepare = made.start("prepare")
    if prepare.process.wait(900) != 0:
        raise RuntimeError(f"bot prepare failed: {made.log('prepare').read_text()[-2000:]}")
    for name in ("gateway1", "gateway2"):
        made.start(name)
    for name in ("gateway1", "gateway2"):
        url = f"http://{made.address(name)}:8000/health/ready"
        made.wait_for(lambda url=url: made.healthy("proxy", "curl", "-sf", url), name)
    made.start("proxy")
    url = f"https://{made.address('proxy')}/api/terms"
    ask = ["curl", "-skf", "-H", f"Host: {NAME}", url]
    made.wait_for(lambda: made.healthy("proxy", *ask), "nginx")


def _environment(service):
    """The image's, where it is ours, and the file's."""
    image = image_environment() if service["image"] == "pamphlet" else {"PATH": os.environ["PATH"]}
    return image | {name: str(value) for name, value in service.get("environment", {}).items()}


def image_environment():
    """What the Dockerfile's last stage sets, with the project where it is here."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "deploy/Dockerfile").read_text()).rpartition("\nFROM ")[2]
    found = {}
    for line in re.findall(r"^ENV (.*)$", text, re.MULTILINE):
        found |= dict(pair.split("=", 1) for pair in line.split())
    found["PATH"] = found["PATH"].replace("/opt/pamphlet", str(ROOT))
    found["PATH"] = found["PATH"].replace("$PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
    return found


def _command(name, service):
    """The shell's line of a service: the file's command, or the image's own."""
    if name == "database":
        as_server = "setpriv --reuid postgres --clear-groups " + str(_postgresql())
        data, user = "/var/lib/postgresql/data/cluster", service["environment"]["POSTGRES_USER"]
        steps = [
            "cd /tmp; chown postgres /var/lib/postgresql/data",
            "printf '%s' \"$POSTGRES_PASSWORD\" > /tmp/password; chmod 644 /tmp/password",
            f"if ! test -d {data}; then "
            f"{as_server}/initdb -D {data} -U {user} -E UTF8 --no-locale -A scram-sha-256"
            " --pwfile /tmp/password",
            f"echo 'host all all all scram-sha-256' >> {data}/pg_hba.conf",
            f"echo 'create database {user}' | {as_server}/postgres --single -D {data} postgres; fi",
            f"exec {as_server}/postgres -D {data} -c listen_addresses='*'"
            f" -c unix_socket_directories=/tmp",
        ]
        return "; ".join(steps)
    command = service.get("command") or ["bot", "serve"]
    if name == "redis":  # the image opens it to its network
        command = [*command, "--protected-mode", "no", "--bind", "0.0.0.0"]
    if name == "proxy":  # Debian's nginx brings a site of its own, and a folder the image hasn't
        command = [*command[:2], f"rm -f /etc/nginx/sites-enabled/*; {command[2]}"]
    where = f"cd {ROOT}; " if service["image"] == "pamphlet" else ""
    return where + "exec " + " ".join(_quote(part) for part in command)


def _postgresql():
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if not programs:
        raise servers.Missing("PostgreSQL", "postgresql")
    return programs[0]


def _privileges(service):
    """Whose it is and what it may: nothing, where the file drops all capabilities."""
    if service["image"] != "pamphlet":
        return ""
    assert service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"]
    return (
        f"setpriv --reuid {USER} --regid {USER} --clear-groups --bounding-set=-all "
        f"--inh-caps=-all --no-new-privs"
    )


def _make_group(tag, name, kind, service):
    """The folder of a control group with the file's limit, or None where there is none."""
    limit = service.get({"memory": "mem_limit", "pids": "pids_limit"}[kind])
    if limit is None:
        return None
    value = int(str(limit).rstrip("g")) * (1024**3 if str(limit).endswith("g") else 1)
    one = (CGROUPS / "cgroup.controllers").exists()  # a single hierarchy, or one for each kind
    folder = CGROUPS / ("" if one else kind) / f"pamphlet-{tag}-{name}{'' if one else '-' + kind}"
    limits = {"memory": "memory.max" if one else "memory.limit_in_bytes", "pids": "pids.max"}
    try:
        folder.mkdir(exist_ok=True)
        (folder / limits[kind]).write_text(str(value))
    except OSError as error:
        raise Impossible(f"no control groups: {error}") from error
    return folder


def _quote(text):
    return "'" + str(text).replace("'", "'\\''") + "'"


def _run(*command):
    subprocess.run(command, check=True, capture_output=True)


def _say(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout
