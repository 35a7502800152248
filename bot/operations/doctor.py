"""What this machine lacks to serve, and what mends it. It looks only: nothing is made, changed or
started."""

import base64
import binascii
import datetime
import importlib.metadata
import ipaddress
import os
import re
import resource
import shutil
import socket
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from bot.language import encoder
from bot.operations import mail
from bot.rasa import compatibility
from bot.releases import registry
from bot.runtime import settings
from bot.runtime.settings import Settings
from bot.safety import danger_screen, net, rules_file
from bot.store import engine as store_engine
from bot.store import reminders

PYTHON = (3, 13)
# bytes; a training writes some 100 MB, and a release holds 30
LEAST_DISK, ROOMY_DISK = 512 * 1024**2, 2 * 1024**3
# bytes; 190 and 330 were resident with nine articles
GATEWAY_MEMORY, RASA_MEMORY = 250 * 1024**2, 400 * 1024**2
SHORTEST_SECRET, FEWEST_SIGNS = 32, 10
LEAST_FILES, ROOMY_FILES = 512, 4096
CHECKED_WITHIN = datetime.timedelta(days=365)  # that a person looked whether a line is right
OK, NOTICE, MEND = "ok", "notice", "mend"
type Findings = Iterator[tuple[str, str]]  # (state, what is said of it)


def examine_machine(config: Settings) -> list[tuple[str, str, str]]:
    """[(state, what, said)] of everything that is looked at; state: "ok", "notice", or "mend" for
    what must be mended."""
    return [(state, what, said) for what, look in LOOKS.items() for state, said in look(config)]


def _look_python(config: Settings) -> Findings:
    if sys.version_info[:2] != PYTHON:
        yield (
            MEND,
            f"this is Python {sys.version_info[0]}.{sys.version_info[1]}; Pamphlet wants 3.13: "
            f"run `make install`",
        )
    installed = {
        found.metadata["Name"]: found.version for found in importlib.metadata.distributions()
    }
    yield _compare(installed, "app.txt")


def _look_rasa(config: Settings) -> Findings:
    try:
        compatibility.check_versions()
    except (compatibility.UnsupportedRasa, importlib.metadata.PackageNotFoundError) as error:
        yield MEND, f"{error}"
        return
    untried = compatibility.untried_packages()
    yield from [(NOTICE, sentence) for sentence in untried] or [
        (OK, f"{compatibility.RASA_VERSION}, with packages that it is known to work with")
    ]


def _compare(installed: Mapping[str, str], lock: str) -> tuple[str, str]:
    """Whether what is installed is what the lock names; what it names for some machines only is
    left out."""
    plain = {re.sub("[-_.]+", "-", name).lower(): version for name, version in installed.items()}
    text = (settings.ROOT / "requirements" / lock).read_text()
    other = [
        name
        for name, version in re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==(\S+) \\$", text, re.MULTILINE)
        if plain.get(name) != version
    ]
    if other:
        return (
            MEND,
            f"{len(other)} packages are not as requirements/{lock} locks them "
            f"({', '.join(other[:3])} ...): run `make install`",
        )
    return OK, f"as requirements/{lock} locks it"


def _look_encoder(config: Settings) -> Findings:
    try:
        encoder.check_encoder(encoder.load_encoder(config.path("models") / "encoder"))
        yield OK, "computes what it should"
    except (encoder.EncoderMissing, encoder.EncoderFault) as error:
        yield MEND, f"{error}"


def _look_release(config: Settings) -> Findings:
    try:
        id = registry.live_release(config)
    except registry.ReleaseError as error:
        yield MEND, f"{error}"
        return
    if id is None:
        where = (
            "publish one where RELEASES_URL leads" if config.releases_url else "run `bot prepare`"
        )
        yield MEND, f"none is published: {where}"
    elif not config.secret and not (config.path("var") / "secret").exists():
        yield (
            MEND,
            f"{id} can't be verified: {config.path('var') / 'secret'} is missing; set SECRET to "
            f"the site that made it, or run `bot prepare`",
        )
    else:
        try:
            manifest = registry.read_manifest(config, id)
            yield OK, f"{id} is signed and whole"
        except registry.ReleaseError as error:
            yield MEND, f"{error}"
            return
        if config.path("data").is_dir() and manifest["digest"] != registry.training_digest(config):
            yield (
                NOTICE,
                f"the content or the code has changed since {id}; `bot prepare` makes a new one",
            )


def _look_net(config: Settings) -> Findings:
    if (id := registry.live_release_or_none(config)) is None:
        yield NOTICE, "no release, no net"
        return
    try:
        path = registry.folder_of(config, id) / registry.NET
        if not path.is_file():
            yield (
                NOTICE,
                f"{id} has none: dangers are heard by the rules alone; put messages into "
                f"data/danger, and run `bot prepare`",
            )
            return
        net.read_net(path)
        yield OK, "hears dangers beside the rules"
    except (net.NetFault, registry.ReleaseError) as error:
        yield MEND, f"dangers are heard by the rules alone: {error}"


def _look_country(config: Settings) -> Findings:
    """Whose telephone lines visitors get, and which of them nobody has checked for long."""
    if not config.country:
        yield NOTICE, "empty: who doesn't say where they are is told 112, 911 and 999; set COUNTRY"
        return
    id = registry.live_release_or_none(config)
    folder = registry.folder_of(config, id) / "data" if id else config.path("data")
    try:
        found = danger_screen.load_screen(folder).book.find(config.country)
    except rules_file.SafetyFileError as error:
        yield MEND, f"{error}"
        return
    if found is None:
        yield (
            MEND,
            f"no telephone line of {config.country} is known: add the country to "
            f"data/emergency_numbers.yml, and run `bot prepare`",
        )
        return
    since = datetime.date.today() - CHECKED_WITHIN
    due = [line for lines in found.values() for line in lines if not line.is_checked_since(since)]
    if not due:
        yield OK, f"{config.country}: a person has checked each line within a year"
        return
    named = "; ".join(
        f"{line.label} {line.number or line.url}" + (f" ({line.doubt})" if line.doubt else "")
        for line in due
    )
    yield (
        NOTICE,
        f"{config.country}: within a year no person has checked {named}. Ask whoever runs it, and "
        f"write the day and your name as `checked` in data/emergency_numbers.yml",
    )


def _look_database(config: Settings) -> Findings:
    address, shown = config.database(), settings.hide_password(config.database_url)
    if address.startswith("sqlite:///") and not Path(address.removeprefix("sqlite:///")).exists():
        yield NOTICE, f"{shown} is not there yet; it is made at the first start"
        return
    engine = store_engine.connect_database(address)
    try:
        here, newest = store_engine.read_revision(engine)
    except store_engine.StoreDown as error:
        yield MEND, f"{shown}: {error}; is DATABASE_URL right, and does the server run?"
        return
    finally:
        engine.dispose()
    if here == newest:
        yield OK, f"{shown} answers, and has the newest form ({newest})"
    elif here is None or newest is None or here < newest:
        yield (
            NOTICE,
            f"{shown} has the form {here or 'of an empty one'}; the next start brings it to "
            f"{newest}: back it up before",
        )
    else:
        yield (
            MEND,
            f"{shown} has the form {here}, which is newer than this code ({newest}): run the "
            f"version that made it",
        )


def _look_redis(config: Settings) -> Findings:
    if not config.redis_url:
        several = config.database_url.startswith("postgresql")
        yield (
            (NOTICE, "REDIS_URL is empty: several gateways would each count for themselves")
            if several
            else (OK, "none is wanted")
        )
        return
    import redis

    shown = settings.hide_password(config.redis_url)
    try:
        with redis.Redis.from_url(
            config.redis_url, socket_timeout=2, socket_connect_timeout=2
        ) as client:
            client.ping()
        yield OK, f"{shown} answers"
    except (redis.RedisError, OSError, ValueError) as error:
        yield MEND, f"{shown} does not answer ({type(error).__name__}); start it, or mend REDIS_URL"


def _look_mail(config: Settings) -> Findings:
    """Whether the mail server takes reminders, and who can't be reached by it."""
    if not config.smtp_host:
        yield OK, "no server is set: the log says what awaits a signature"
        return
    try:
        with mail.open_server(config) as server:
            mail.check_sender(config, server)
        yield OK, f"{mail.name_server(config)} takes mails from {config.smtp_from}"
    except mail.MailFault as fault:
        yield MEND, f"{fault}; until then nobody is reminded of what awaits a signature"
    if nowhere := [signer.name for signer in _list_signers(config) if not signer.email]:
        yield (
            NOTICE,
            f"{', '.join(nowhere)} may sign, and can't be reminded: no e-mail address is known; "
            f"`bot people email NAME --email ADDRESS` adds one",
        )


def _list_signers(config: Settings) -> list[reminders.Signer]:
    """Who may sign; nobody where the database can't tell, which it is asked about elsewhere."""
    address = config.database()
    if address.startswith("sqlite:///") and not Path(address.removeprefix("sqlite:///")).exists():
        return []
    engine = store_engine.connect_database(address)
    try:
        return reminders.list_signers(engine, config.signer_roles())
    except store_engine.StoreDown:
        return []
    finally:
        engine.dispose()


def _look_disk(config: Settings) -> Findings:
    file = Path(config.database().removeprefix("sqlite:///"))
    database = file.stat().st_size if file.is_file() else 0
    for name in ("var", "models"):
        folder = config.path(name)
        there = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(there).free
        # SQLite rewrites its file when texts are deleted
        wanted = LEAST_DISK + (database if name == "var" else 0)
        if not os.access(there, os.W_OK):
            yield (
                MEND,
                f"{there} can't be written to; give it to the user who serves, or set "
                f"{name.upper()}",
            )
        elif free < wanted:
            yield MEND, f"{folder} has {_mb(free)} left, {_mb(wanted)} are wanted; make room"
        elif free < ROOMY_DISK + database:
            yield NOTICE, f"{folder} has {_mb(free)} left; less than {_mb(wanted)} will not do"
        else:
            yield OK, f"{folder} has {_mb(free)} left"


def _look_memory(config: Settings) -> Findings:
    wanted = GATEWAY_MEMORY + config.rasa_processes * RASA_MEMORY
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and (text := limit.read_text().strip()).isdecimal():
        total = min(total, int(text))
    said = f"{_mb(total)} in all; the gateway and {config.rasa_processes} Rasa want {_mb(wanted)}, twice a Rasa's at a release"  # noqa: E501
    yield (
        (MEND, f"{said}: give it more, or lower RASA_PROCESSES")
        if total < wanted + config.rasa_processes * RASA_MEMORY
        else (OK, said)
    )


def _look_files(config: Settings) -> Findings:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    said = f"{files} may be open, and fewer visitors be connected at once"
    more = f"deploy/pamphlet.service allows more, or `ulimit -n {ROOMY_FILES}`"
    if files < LEAST_FILES:
        yield MEND, f"{said}; a single one could keep all others out: {more}"
    elif files < ROOMY_FILES:
        yield NOTICE, f"{said}; {more}"
    else:
        yield OK, said


def _look_port(config: Settings) -> Findings:
    host, port = config.host, config.port
    with socket.socket(settings.socket_family(host)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            yield OK, f"{port} of {host} is free"
            return
        except OSError as error:
            fault = error.strerror
    try:
        if httpx.get(f"{config.address()}/health/live", timeout=2).json() == {"live": True}:
            yield OK, f"{port} of {host} is served by a gateway already"
            return
    except (httpx.HTTPError, ValueError):
        pass
    yield MEND, f"{port} of {host} can't be had ({fault}); stop what uses it, or set PORT and HOST"


def _look_origins(config: Settings) -> Findings:
    """How each site of ALLOWED_ORIGINS is read; what can't be is refused at the start."""
    found = settings.read_origins(config.allowed_origins)
    if not found:
        yield NOTICE, "empty: the chat runs on this site's own pages alone"
        return
    for written, origin in found:
        if origin == "*":
            yield NOTICE, "* lets every site embed the chat"
        elif written != origin:
            why = "has a slash at its end" if written.rstrip("/") == origin else "is written oddly"
            yield NOTICE, f"{written} {why}; it is read as {origin}"
        elif origin.startswith("http://") and "//localhost" not in origin:
            yield NOTICE, f"{origin} is without https: browsers there call it only from http pages"
        else:
            yield OK, origin


def _look_public_url(config: Settings) -> Findings:
    parts = urlsplit(config.public_url)
    if not config.public_url:
        if _is_local(config.host):
            yield OK, "empty: for this machine, or a proxy on it; set it before visitors come"
        else:
            yield (
                MEND,
                f"empty, but HOST={config.host} can be reached from elsewhere: put a proxy with "
                f"https before it, and set PUBLIC_URL",
            )
    elif parts.scheme == "http" and not _is_local(parts.hostname or ""):
        yield (
            MEND,
            f"{config.public_url} is not https: what visitors ask about their health would "
            f"travel in the open",
        )
    else:
        yield OK, config.public_url


def _look_secrets(config: Settings) -> Findings:
    if config.secret:
        yield _weigh("SECRET", config.secret)
    elif config.releases_url:
        yield (
            MEND,
            "SECRET is empty, but hosts share releases (RELEASES_URL): give all of them the same "
            "one",
        )
    else:
        path = config.path("var") / "secret"
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield MEND, f"{path} can be read by others: chmod 600 {path}"
        elif path.exists():
            yield _weigh(str(path), path.read_text().strip())
        else:
            yield NOTICE, f"{path} is made at the first start"
    if config.metrics_token:
        yield _weigh("METRICS_TOKEN", config.metrics_token)
    if config.webhook_secret:
        try:
            strong = (
                config.webhook_secret.startswith("whsec_")
                and len(base64.b64decode(config.webhook_secret[6:], validate=True)) >= 24
            )
        except binascii.Error:
            strong = False
        yield (
            (OK, "WEBHOOK_SECRET is long enough")
            if strong
            else (MEND, "WEBHOOK_SECRET is not whsec_ and the base64 of at least 24 bytes")
        )


def _weigh(name: str, secret: str) -> tuple[str, str]:
    if len(secret) < SHORTEST_SECRET or len(set(secret)) < FEWEST_SIGNS:
        return (
            MEND,
            f"{name} can be guessed: take at least {SHORTEST_SECRET} random signs, as `openssl "
            f"rand -base64 32` gives",
        )
    return OK, f"{name} is long enough"


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _mb(count: float) -> str:
    return f"{count / 1024**2:,.0f} MB"


LOOKS = {
    "Python": _look_python,
    "Rasa": _look_rasa,
    "encoder": _look_encoder,
    "release": _look_release,
    "danger net": _look_net,
    "COUNTRY": _look_country,
    "database": _look_database,
    "Redis": _look_redis,
    "mail": _look_mail,
    "disk": _look_disk,
    "memory": _look_memory,
    "files": _look_files,
    "port": _look_port,
    "PUBLIC_URL": _look_public_url,
    "ALLOWED_ORIGINS": _look_origins,
    "secrets": _look_secrets,
}
