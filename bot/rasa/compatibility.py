"""Rasa 3.6.21 on a Python and packages that are maintained today: `prepare()` before anything of
Rasa is imported.

Rasa's own requirements end at Python 3.10 and at releases of 2022 and 2023. Nothing that Pamphlet
uses of it needs them: each function below mends one place in which a newer package behaves
otherwise, or puts a stand-in where a package isn't needed. `tests/rasa/` holds every one of them,
and what we rely on besides. What only makes Rasa faster is in speed.py."""

import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.resources
import importlib.util
import logging
import os
import secrets
import sys
import types
import warnings
from collections.abc import Sequence
from typing import Any

RASA_VERSION = "3.6.21"
# The packages whose behaviour a mend depends on, with the releases (major, or major.minor before
# 1.0) that tests/rasa/ was passed with. Another one may work: it is named, and the contract suite
# tells.
KNOWN_VERSIONS = {
    "sanic": "25",
    "numpy": "2",
    "scipy": "1",
    "packaging": "26",
    "ruamel.yaml": "0.19",
    "structlog": "26",
    "SQLAlchemy": "2",
    "aiohttp": "3",
    "jsonschema": "4",
    "pykwalify": "1",
    "rasa-sdk": "3",
}

# Never used here: components of config.yml that did would fail with a sentence. TensorFlow alone
# was 2.1 GB of disk, 355 MB of memory and 3.2 s at each start (2026-11-22).
LEFT_OUT = (
    # DIET, TED, language models
    "tensorflow",
    "tensorflow_addons",
    "tensorflow_text",
    "tensorflow_hub",
    "keras",
    "transformers",
    "dask",  # the order of a graph's nodes: speed.py runs them
    "aio_pika",
    "aiormq",
    "pymongo",  # brokers and stores that endpoints.yml does not name
    "sanic_jwt",
    "terminaltables",
    "colorclass",  # Rasa's own API with JWT; `rasa interactive`
    "rasa.utils.plotting",  # matplotlib; `bot rasa test` says that it draws nothing
    # Rasa's channels: Pamphlet has its own (bot/gateway/channels)
    *(
        f"rasa.core.channels.{name}"
        for name in (
            "botframework",
            "facebook",
            "hangouts",
            "mattermost",
            "rocketchat",
            "slack",
            "socketio",
            "telegram",
            "twilio",
            "twilio_voice",
            "webexteams",
        )
    ),
)


class UnsupportedRasa(RuntimeError):
    """The installed Rasa is not the one that this module mends."""


class LeftOut(RuntimeError):
    """Something was used that needs a package which Pamphlet leaves out."""


def prepare_rasa() -> None:
    """Make the next `import rasa` work here, and quick. Raises UnsupportedRasa; warns of a package
    that was never tried."""
    check_versions()
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    # two threads of it on two busy cores wait for each other
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Rasa is of 2023; what matters fails in tests/rasa/
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    if not any(isinstance(finder, StandInFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, StandInFinder())
    put_pkg_resources()
    put_structlog_sentry()
    put_randomname()
    name_visible_deprecation_warning()
    name_legacy_version()
    read_bad_versions()
    show_yaml_errors_without_a_place()
    log_without_colours()
    serve_in_one_process()
    stream_responses()
    take_actions_module()
    from bot.rasa import speed

    speed.apply_speedups()


def check_versions() -> None:
    """Raise UnsupportedRasa for another Rasa; log a sentence for each package in a release that was
    never tried."""
    found = importlib.metadata.version("rasa")
    if found != RASA_VERSION:
        raise UnsupportedRasa(
            f"rasa {found} is installed, and bot/rasa/compatibility.py mends {RASA_VERSION}: run "
            f"`make install`"
        )
    for sentence in untried_packages():
        logging.getLogger(__name__).warning("%s", sentence)


def untried_packages() -> list[str]:
    """A sentence for each package of KNOWN_VERSIONS that is installed in another release."""
    found = [
        (package, known, importlib.metadata.version(package))
        for package, known in KNOWN_VERSIONS.items()
    ]
    return [
        f"{package} {version} is installed; Rasa is known to work here with {package} {known}: "
        f"run `make install`, or try tests/rasa/ with it"
        for package, known, version in found
        if version != known and not version.startswith(known + ".")
    ]


def quieten_rasa(level: str = "warning") -> None:
    """Let Rasa log from `level` on. What it logs may hold a visitor's words: where it serves,
    bot.runtime.logs lets none through."""
    from rasa.utils.log_utils import configure_structlog

    configure_structlog(logging.getLevelName(level.upper()))
    logging.getLogger().setLevel(level.upper())


# ── What newer packages no longer have ─────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def put_pkg_resources() -> None:
    """A small `pkg_resources`, which setuptools no longer has: Rasa finds its schemas and the
    versions of packages with it."""
    if "pkg_resources" in sys.modules or importlib.util.find_spec("pkg_resources"):
        return
    module = types.ModuleType(
        "pkg_resources", "The two functions of pkg_resources that Rasa calls."
    )

    def resource_filename(package: str, name: str) -> str:
        """The path of a file of a package, or of the folder in which a module stands; a name may
        begin with a slash."""
        found = importlib.import_module(package)
        if not hasattr(found, "__path__"):  # a module: its folder, as pkg_resources has it
            return os.path.join(os.path.dirname(found.__file__ or ""), name.lstrip("/"))
        return str(importlib.resources.files(package).joinpath(name.lstrip("/")))

    vars(module).update(
        resource_filename=resource_filename,
        # raises a ModuleNotFoundError for an unknown one
        get_distribution=importlib.metadata.distribution,
    )
    sys.modules["pkg_resources"] = module


def put_structlog_sentry() -> None:
    """A `structlog_sentry` that hands every log line on: telemetry is off, and Sentry isn't
    installed."""
    module = types.ModuleType("structlog_sentry")

    class SentryProcessor:
        def __init__(self, *arguments: Any, **options: Any) -> None:
            pass

        def __call__(self, logger: Any, name: str, event: Any) -> Any:
            return event

    vars(module)["SentryProcessor"] = SentryProcessor
    sys.modules["structlog_sentry"] = module


def put_randomname() -> None:
    """A `randomname` for the archives of `bot rasa train`, which have no other name: the real one
    is built from source."""
    module = types.ModuleType("randomname")
    vars(module)["get_name"] = lambda: f"pamphlet-{secrets.token_hex(3)}"
    sys.modules["randomname"] = module


def name_visible_deprecation_warning() -> None:
    """`numpy.VisibleDeprecationWarning`, which moved to numpy.exceptions in NumPy 2: Rasa silences
    it by its old name."""
    import numpy

    if "VisibleDeprecationWarning" not in vars(numpy):
        vars(numpy)["VisibleDeprecationWarning"] = numpy.exceptions.VisibleDeprecationWarning


def name_legacy_version() -> None:
    """`packaging.version.LegacyVersion`, gone since packaging 22: Rasa asks whether a file's
    `version:` is one."""
    from packaging import version

    if not hasattr(version, "LegacyVersion"):
        vars(version)["LegacyVersion"] = type(
            "LegacyVersion",
            (version.Version,),
            {"__doc__": "What packaging gave for a version that is none."},
        )


def read_bad_versions() -> None:
    """Let Rasa warn of a `version:` that is none ("3.x"), as it did: packaging raises since its
    release 22."""
    from packaging import version
    from rasa.shared.utils import validation

    def parse(text: object) -> Any:
        try:
            return version.parse(str(text))
        except version.InvalidVersion:
            return vars(version)["LegacyVersion"]("0")

    validation.version = types.SimpleNamespace(parse=parse)


def show_yaml_errors_without_a_place() -> None:
    """Let Rasa show what is wrong with a file whose value is a lone tag (`rules: !!`): since
    ruamel.yaml 0.19 such a value has no line, and the error itself failed for want of it."""
    from rasa.shared.utils.validation import YamlValidationException

    find = YamlValidationException._line_number_for_path

    def line_number_for_path(self: YamlValidationException, current: Any, path: str) -> int | None:
        try:
            line: int | None = find(self, current, path)
            return line
        except TypeError:
            return None

    YamlValidationException._line_number_for_path = line_number_for_path


def log_without_colours() -> None:
    """Rasa's command line writes its log plainly: coloredlogs, which coloured it, is of 2021."""
    from rasa.utils import io

    def configure(log_level: int | str | None) -> None:
        logging.basicConfig(
            level=log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
        )

    io.configure_colored_logging = configure


# ── What newer packages do otherwise ───────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def serve_in_one_process() -> None:
    """Serve in this process: since 22.9 Sanic starts others that import the application anew, and
    find none of Rasa's."""
    from sanic import Sanic

    run = Sanic.run

    def run_here(self: Any, *arguments: Any, workers: int = 1, **options: Any) -> Any:
        return run(self, *arguments, **{"motd": False, **options, "single_process": True})

    # the mend itself, which hands every argument on
    Sanic.run = run_here  # type: ignore[method-assign]


def stream_responses() -> None:
    """`sanic.response.stream`, gone since Sanic 22.6: Rasa's REST channel, which `bot rasa shell`
    talks to, answers with it."""
    from sanic import response

    if not hasattr(response, "stream"):
        vars(response)["stream"] = response.ResponseStream


def take_actions_module() -> None:
    """Let endpoints.yml name a package of actions (`action_endpoint: {actions_module: actions}`, as
    Rasa Pro has it) that run in Rasa's own process: 3.1 ms less a message and 99 MB less memory
    than a server of their own (2026-11-28)."""
    from rasa.utils.endpoints import EndpointConfig

    from_dict = EndpointConfig.from_dict.__func__

    def read(cls: type[EndpointConfig], data: dict[str, Any]) -> Any:
        if data.get("actions_module"):
            from bot.rasa.local_actions import LocalActions

            return LocalActions(data["actions_module"])
        return from_dict(cls, data)

    EndpointConfig.from_dict = classmethod(read)


# ── Stand-ins for what is left out ─────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


class StandInFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of LEFT_OUT as empty ones, whose every name is a placeholder class."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name in LEFT_OUT or name.partition(".")[0] in LEFT_OUT:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return StandInModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


class StandInModule(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return placeholder_class(name)


class Placeholder(type):
    """A class that can be inherited from, subscripted and used as a decorator, but not made,
    iterated or measured.

    (One that could be iterated, over its subscripts without end, ran to 13.5 GB.)
    """

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return placeholder_class(name)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if "_left_out" not in cls.__dict__:  # a class of Rasa's that inherits from a placeholder
            raise LeftOut(
                f"{cls.__name__} needs a package that Pamphlet leaves out (LEFT_OUT in "
                f"bot/rasa/compatibility.py)"
            )
        if len(args) == 1 and callable(args[0]) and not kwargs:
            return args[0]
        return placeholder_class(cls.__name__)

    def __or__(cls, other: Any) -> Any:
        return cls

    __ror__ = __getitem__ = __or__

    def _refuse(cls, *_: object) -> Any:
        raise LeftOut(
            f"{cls.__name__} belongs to a package that Pamphlet leaves out (LEFT_OUT in "
            f"bot/rasa/compatibility.py)"
        )

    __iter__ = __len__ = __contains__ = __next__ = _refuse


def placeholder_class(name: str) -> Placeholder:
    """A placeholder class of this name."""
    return Placeholder(name, (), {"_left_out": True})
