"""Settings: one frozen object, read from the environment; every one declared here once, with
default and help."""

import datetime
import os
import re
import secrets
import socket
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, cast

from bot.domain import countries

ROOT = Path(__file__).resolve().parents[2]
LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")
TLS = ("starttls", "tls", "none")
CAPITALS_OR_NOT = ("log_level", "log_format")  # Rasa's own command line writes INFO


class SettingsError(ValueError):
    """A setting has a value that can't be used; the message names the setting, the value and what
    is expected."""


def _setting[T](default: T, help: str) -> T:
    return field(default=default, metadata={"help": help})


def _secret(help: str) -> str:
    """A setting whose value is never shown."""
    return field(default="", metadata={"help": help, "secret": True})


@dataclass(frozen=True)
class Settings:
    """Each field is the environment variable of the same name in capitals."""

    host: str = _setting("127.0.0.1", "address on which the gateway listens")
    port: int = _setting(8000, "port on which the gateway listens")
    public_url: str = _setting(
        "",
        "where visitors reach the gateway, as https://chat.example.org; empty: what the request "
        "says",
    )
    trusted_proxies: str = _setting(
        "127.0.0.1",
        "proxies that are believed about a visitor's address and https, as 10.0.0.2,10.1.0.0/16",
    )
    database_url: str = _setting(
        "sqlite:///var/pamphlet.db",
        "SQLAlchemy address of the database; without it, pamphlet.db in the folder VAR",
    )
    redis_url: str = _setting(
        "",
        "Redis that several gateways share, as redis://10.0.0.5:6379/0; empty: this gateway "
        "counts alone",
    )
    releases_url: str = _setting(
        "",
        "where hosts share releases: a folder, as file:///srv/pamphlet, or s3://bucket/folder; "
        "empty: MODELS alone",
    )
    rasa_processes: int = _setting(1, "Rasa processes behind this gateway")
    data: str = _setting("data", "folder of the content that editors write")
    models: str = _setting("models", "folder of candidates, releases and the sentence encoder")
    var: str = _setting("var", "folder of what the service keeps for itself: database, secret")
    secret: str = _secret(
        "signs releases and opens the private routes; empty: made once and kept in var/secret"
    )
    allowed_origins: str = _setting(
        "", "sites that may embed the chat, as https://a.example https://b.example"
    )
    front_article: str = _setting(
        "", "article that the page at / shows; empty, or none of this name: a list of all"
    )
    site_name: str = _setting("Pamphlet", "name of the site, on its pages and in their titles")
    pages: str = _setting("pages", "folder of the site's own pages, logo and colours: docs/site.md")
    country: str = _setting(
        "",
        "country of most visitors, for emergency numbers, as GB, US or DE; empty: 112, 911 and 999",
    )
    conversation_hours: int = _setting(24, "hours until an unused conversation ends")
    retention_days: int = _setting(30, "days until the text of a conversation is deleted")
    messages_per_minute: int = _setting(
        30, "messages that one conversation may send in a minute; an address ten times as many"
    )
    conversations_per_minute: int = _setting(
        30, "conversations that one address may open in a minute"
    )
    log_level: str = _setting(
        "warning",
        "least level that is logged: debug, info, warning or error; none logs what visitors write",
    )
    log_format: str = _setting(
        "text",
        "how logs are written: text, or json, an object a line with the number of the turn, "
        "alike in every process",
    )
    otel_exporter_otlp_endpoint: str = _setting(
        "",
        "OpenTelemetry collector that gets a trace of each message, as http://127.0.0.1:4318; "
        "empty: none",
    )
    metrics_token: str = _secret(
        "opens /metrics to Prometheus, as its bearer token; empty: there is no such page"
    )
    approval: str = _setting(
        "",
        "whose approval a publication from the desk wants: second, another publisher's; empty: "
        "nobody's",
    )
    signers: str = _setting(
        "clinician",
        "roles of the desk that may sign answers as reviewed, as clinician,admin",
    )
    smtp_host: str = _setting(
        "",
        "mail server by which those who may sign are reminded, as smtp.example.org; empty: the "
        "log says what waits",
    )
    smtp_port: int = _setting(587, "mail server: its port")
    smtp_tls: str = _setting(
        "starttls",
        "mail server: how the way to it is closed: starttls, tls (from the first byte, mostly on "
        "port 465), or none",
    )
    smtp_user: str = _setting("", "mail server: who signs in there; empty: nobody does")
    smtp_password: str = _secret("mail server: the password of SMTP_USER")
    smtp_from: str = _setting(
        "", "mail server: the address that mails come from, as desk@example.org"
    )
    check_links: str = _setting(
        "",
        "how often the service asks every source's address, and tells the desk what moved or is "
        "gone: weekly; empty: never",
    )
    oidc_issuer: str = _setting(
        "",
        "single sign-on at the desk: the issuer's address, as it names itself; empty: there is "
        "none",
    )
    oidc_client_id: str = _setting("", "single sign-on: this site's client id at the issuer")
    oidc_client_secret: str = _secret(
        "single sign-on: the client's secret; empty: it is a public client"
    )
    answer_seconds: float = _setting(
        4.0, "seconds until a message that gets no answer is called unavailable"
    )
    telegram_token: str = _secret("Telegram: the bot's token, from BotFather")
    telegram_url: str = _setting("https://api.telegram.org", "Telegram: where its API is")
    whatsapp_token: str = _secret("WhatsApp: access token of a system user")
    whatsapp_phone_id: str = _setting(
        "", 'WhatsApp: id of the phone number, from Meta\'s page "API Setup"'
    )
    whatsapp_app_secret: str = _secret("WhatsApp: secret of the Meta app, which signs its calls")
    whatsapp_verify_token: str = _secret(
        "WhatsApp: a word of your own that Meta repeats when it first calls"
    )
    messenger_token: str = _secret("Messenger: access token of the Facebook page")
    messenger_app_secret: str = _secret("Messenger: secret of the Meta app, which signs its calls")
    messenger_verify_token: str = _secret(
        "Messenger: a word of your own that Meta repeats when it first calls"
    )
    meta_url: str = _setting(
        "https://graph.facebook.com/v23.0", "WhatsApp and Messenger: where Meta's API is"
    )
    slack_token: str = _secret("Slack: the bot's token, xoxb-...")
    slack_signing_secret: str = _secret("Slack: secret that signs its calls")
    slack_url: str = _setting("https://slack.com/api", "Slack: where its API is")
    slack_hooks_url: str = _setting(
        "https://hooks.slack.com", "Slack: where the answers to slash commands go"
    )
    teams_app_id: str = _setting("", "Teams: id of the Azure bot's app")
    teams_app_password: str = _secret("Teams: client secret of the app")
    teams_tenant: str = _setting(
        "botframework.com",
        "Teams: tenant of a single-tenant app; botframework.com: a multi-tenant one",
    )
    teams_service_url: str = _setting(
        "https://smba.trafficmanager.net", "Teams: below which address replies may go"
    )
    teams_metadata_url: str = _setting(
        "https://login.botframework.com/v1/.well-known/openidconfiguration",
        "Teams: where the keys are named",
    )
    teams_login_url: str = _setting(
        "https://login.microsoftonline.com", "Teams: where the token for replies comes from"
    )
    twilio_account: str = _setting("", "Twilio: SID of the account, AC...")
    twilio_token: str = _secret("Twilio: auth token of the account, which signs its calls")
    twilio_url: str = _setting("https://api.twilio.com", "Twilio: where its API is")
    mattermost_url: str = _setting(
        "", "Mattermost: where the server is, as https://mattermost.example.org"
    )
    mattermost_token: str = _secret("Mattermost: access token of the bot account")
    mattermost_call_tokens: str = _secret(
        "Mattermost: tokens of the outgoing webhook and of the slash command, with a space between"
    )
    webhook_secret: str = _secret(
        "signed webhook: signs calls in both directions, whsec_ and base64"
    )
    webhook_url: str = _setting("", "signed webhook: where replies are sent")

    def path(self, name: str) -> Path:
        """The folder or file that setting `name` gives, from the project's root where it is
        relative."""
        return ROOT / str(getattr(self, name))

    def database(self) -> str:
        """The database address, with a relative SQLite file taken from the project's root."""
        head = "sqlite:///"
        if (
            self.database_url.startswith(head)
            and not self.database_url.startswith(head + "/")
            and self.database_url != head + ":memory:"
        ):
            return f"{head}{ROOT / self.database_url.removeprefix(head)}"
        return self.database_url

    def address(self) -> str:
        """Where the gateway listens, as an address to call."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def kept_since(self) -> datetime.datetime:
        """The moment from which on texts are kept."""
        return datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=self.retention_days)

    def signer_roles(self) -> list[str]:
        """The roles of the desk that may sign answers."""
        return [role.strip() for role in self.signers.split(",")]

    def origins(self) -> list[str]:
        """The sites that may embed the chat, each as a browser names it."""
        return [origin for _, origin in read_origins(self.allowed_origins)]


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of an environment; raises SettingsError."""
    values: dict[str, Any] = {}
    for setting in fields(Settings):
        text = environment.get(setting.name.upper())
        if text is None or text == "" and setting.type is not str:
            continue
        convert = cast("Callable[[str], str | int | float]", setting.type)
        try:
            values[setting.name] = convert(
                text.lower() if setting.name in CAPITALS_OR_NOT else text
            )
        except ValueError:
            raise SettingsError(
                f"{setting.name.upper()}={text!r} can't be used: "
                f"{'a number' if setting.type is float else 'a whole number'} is expected"
            ) from None
        if setting.type is not str and values[setting.name] <= 0:
            raise SettingsError(
                f"{setting.name.upper()}={text!r} can't be used: a number above 0 is expected"
            )
    if country := values.get("country"):
        values["country"] = countries.country_code(country)
        if not values["country"]:
            raise SettingsError(f"COUNTRY={country!r} can't be used: {countries.SAY}")
    if not values.get("database_url"):
        values["database_url"] = f"sqlite:///{values.get('var') or 'var'}/pamphlet.db"
    read_origins(values.get("allowed_origins", ""))
    _want_known_words(values)
    _want_whole_site(values.get("public_url", ""))
    _want_roles(values.get("signers", "clinician"))
    _want_mail_server(values)
    issuer = values.get("oidc_issuer", "")
    if issuer and not re.match(r"https://|http://(127\.0\.0\.1|localhost)[:/]", issuer):
        raise SettingsError(
            f"OIDC_ISSUER={issuer!r} can't be used: an address that begins with https:// is "
            f"expected"
        )
    if issuer and not values.get("oidc_client_id"):
        raise SettingsError(
            "OIDC_CLIENT_ID is empty: OIDC_ISSUER wants the client id that the issuer gave this "
            "site"
        )
    return Settings(**values)


def read_origins(text: str) -> list[tuple[str, str]]:
    """[(as it was written, origin)] of ALLOWED_ORIGINS: with blanks, commas or lines between,
    quoted or not, a slash behind or not, in capitals or not. Raises SettingsError for what no
    browser names as a page's origin."""
    written = re.findall(r"[^\s,;\"']+", text)
    return [(each, each if each == "*" else _read_origin(each)) for each in written]


def _read_origin(written: str) -> str:
    try:
        parts = urllib.parse.urlsplit(written)
        host = (parts.hostname or "").encode("idna").decode()
        port = parts.port
    except (ValueError, UnicodeError):
        host, port = "", None
    scheme = parts.scheme if host else ""
    if scheme not in ("http", "https"):
        reason = "it needs https:// before it" if "://" not in written else "it is no web address"
    elif "*" in host:
        reason = "each site is named by itself, without a star"
    elif parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        reason = f"a site has no path: write {scheme}://{host}"
    else:
        usual = {"http": 80, "https": 443}[scheme]
        return f"{scheme}://{host}" + (f":{port}" if port not in (None, usual) else "")
    raise SettingsError(
        f"ALLOWED_ORIGINS names {written!r}, which can't be used: {reason}; sites are named as "
        f"https://a.example https://b.example"
    )


def _want_known_words(values: Mapping[str, Any]) -> None:
    """Raise SettingsError where a setting that takes one of a few words has another."""
    for name, allowed in (("log_level", LEVELS), ("log_format", FORMATS), ("smtp_tls", TLS)):
        if values.get(name, allowed[0]) not in allowed:
            raise SettingsError(
                f"{name.upper()}={values[name]!r} can't be used: one of {', '.join(allowed)} is "
                f"expected"
            )
    for name, word in (("approval", "second"), ("check_links", "weekly")):
        if values.get(name, "") not in ("", word):
            raise SettingsError(
                f"{name.upper()}={values[name]!r} can't be used: {word}, or nothing, is expected"
            )


def _want_roles(signers: str) -> None:
    """Raise SettingsError where SIGNERS names what is no role."""
    for role in signers.split(","):
        if role.strip() not in ("clinician", "editor", "publisher", "admin"):
            raise SettingsError(
                f"SIGNERS={signers!r} can't be used: roles of the desk are expected, as "
                f"clinician,admin"
            )


def _want_mail_server(values: Mapping[str, Any]) -> None:
    """Raise SettingsError where a mail server is named and something that it wants is not, or a
    password would travel in the open."""
    if not values.get("smtp_host"):
        return
    sender = values.get("smtp_from", "")
    if not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", sender):
        raise SettingsError(
            f"SMTP_FROM={sender!r} can't be used: SMTP_HOST wants the address that mails come "
            f"from, as desk@example.org"
        )
    if not values.get("public_url"):
        raise SettingsError(
            "PUBLIC_URL is empty: SMTP_HOST wants it, for mails lead to the desk by it"
        )
    user, password = values.get("smtp_user", ""), values.get("smtp_password", "")
    if bool(user) != bool(password) or not f"{user}{password}".isascii():
        raise SettingsError(
            "SMTP_USER and SMTP_PASSWORD can't be used: set both, in ASCII signs, or neither where "
            "the mail server asks for no password"
        )
    if values.get("smtp_tls") == "none" and password:
        raise SettingsError(
            "SMTP_TLS=none can't be used with SMTP_PASSWORD, which would travel in the open: take "
            "starttls or tls"
        )


def _want_whole_site(url: str) -> None:
    """Raise SettingsError where PUBLIC_URL is more, or less, than a site's address: what pages and
    desk name begins at its root."""
    parts = urllib.parse.urlsplit(url)
    if url and (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.path not in ("", "/")
        or parts.query
        or parts.fragment
    ):
        raise SettingsError(
            f"PUBLIC_URL={url!r} can't be used: an address without a path is expected, as "
            f"https://chat.example.org; give Pamphlet a name of its own at the proxy"
        )


def settings_environment(settings: Settings) -> dict[str, str]:
    """The settings as the environment that gives them to another process of ours."""
    return {
        setting.name.upper(): str(getattr(settings, setting.name)) for setting in fields(Settings)
    }


def site_secret(settings: Settings) -> str:
    """The secret of this site, made at the first call and kept in var/secret (readable by its owner
    only)."""
    if settings.secret:
        return settings.secret
    path = settings.path("var") / "secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
    except FileExistsError:
        pass
    return path.read_text().strip()


def kept_secret(settings: Settings) -> str | None:
    """The secret of this site where it has one already, else None; makes none."""
    path = settings.path("var") / "secret"
    return settings.secret or (path.read_text().strip() if path.is_file() else None)


def socket_family(host: str) -> socket.AddressFamily:
    """The kind of socket on which a gateway listens at this host."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def is_secret(name: str) -> bool:
    """Whether the value of the setting of this name must not be shown."""
    return any(
        setting.name == name.lower() and setting.metadata.get("secret")
        for setting in fields(Settings)
    )


def hide_password(url: str) -> str:
    """An address as it may be shown: without the passwords in it, before its last "@" and in its
    query."""
    url = re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url)
    return re.sub(
        r"([?&;][^=&;]*(?:pass|pwd|secret|token|key)[^=&;]*=)[^&;]*", r"\1***", url, flags=re.I
    )


def settings_table() -> list[tuple[str, str | int | float, str]]:
    """Every setting as (variable, default, help), for the docs and `bot settings`."""
    return [
        (setting.name.upper(), cast("str | int | float", setting.default), setting.metadata["help"])
        for setting in fields(Settings)
    ]
