"""Settings: one frozen object, read from the environment; every one declared here once, with default and help."""

import datetime
import os
import secrets
from dataclasses import dataclass, field, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEVELS = ("debug", "info", "warning", "error")


class SettingsError(ValueError):
    """A setting has a value that can't be used; the message names the setting, the value and what is expected."""


def _setting(default, help):
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class Settings:
    """Each field is the environment variable of the same name in capitals."""

    host: str = _setting("127.0.0.1", "address on which the gateway listens")
    port: int = _setting(8000, "port on which the gateway listens")
    public_url: str = _setting("", "where visitors reach the gateway, as https://chat.example.org; empty: what the request says")
    database_url: str = _setting("sqlite:///var/pamphlet.db", "SQLAlchemy address of the database")
    data: str = _setting("data", "folder of the content that editors write")
    models: str = _setting("models", "folder of candidates, releases and the sentence encoder")
    var: str = _setting("var", "folder of what the service keeps for itself: database, secret")
    rasa_python: str = _setting(".venv-rasa/bin/python", "the Python that holds Rasa")
    secret: str = _setting("", "signs releases and opens the private routes; empty: made once and kept in var/secret")
    allowed_origins: str = _setting("", "sites that may embed the chat, as https://a.example https://b.example")
    front_article: str = _setting("myoclonus", "article that the page at / shows; where there is none of this name, the first")
    country: str = _setting("", "two-letter country of most visitors, for emergency numbers; empty: 112")
    conversation_hours: int = _setting(24, "hours until an unused conversation ends")
    retention_days: int = _setting(30, "days until the text of a conversation is deleted")
    messages_per_minute: int = _setting(30, "messages that one conversation may send in a minute")
    conversations_per_minute: int = _setting(30, "conversations that one address may open in a minute")
    log_level: str = _setting("warning", "least level that is logged: debug, info, warning or error; none logs what visitors write")
    answer_seconds: float = _setting(4.0, "seconds until a message that gets no answer is called unavailable")

    def path(self, name):
        """The folder or file that setting `name` gives, from the project's root where it is relative."""
        return ROOT / getattr(self, name)

    def database(self):
        """The database address, with a relative SQLite file taken from the project's root."""
        head = "sqlite:///"
        if self.database_url.startswith(head) and not self.database_url.startswith(head + "/") and self.database_url != head + ":memory:":
            return f"{head}{ROOT / self.database_url.removeprefix(head)}"
        return self.database_url

    def kept_since(self):
        """The moment from which on texts are kept."""
        return datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=self.retention_days)

    def origins(self):
        return self.allowed_origins.split()


def read(environment=os.environ):
    """The settings of an environment; raises SettingsError."""
    values = {}
    for setting in fields(Settings):
        text = environment.get(setting.name.upper())
        if text is None or text == "" and setting.type is not str:
            continue
        try:
            values[setting.name] = setting.type(text)
        except ValueError:
            raise SettingsError(f"{setting.name.upper()}={text!r} can't be used: "
                                f"{'a number' if setting.type is float else 'a whole number'} is expected") from None
        if setting.type is not str and values[setting.name] <= 0:
            raise SettingsError(f"{setting.name.upper()}={text!r} can't be used: a number above 0 is expected")
    if values.get("log_level", LEVELS[0]) not in LEVELS:
        raise SettingsError(f"LOG_LEVEL={values['log_level']!r} can't be used: one of {', '.join(LEVELS)} is expected")
    return Settings(**values)


def secret(settings):
    """The secret of this site, made at the first call and kept in var/secret (readable by its owner only)."""
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


def table():
    """Every setting as (variable, default, help), for the docs and `bot settings`."""
    return [(setting.name.upper(), setting.default, setting.metadata["help"]) for setting in fields(Settings)]
