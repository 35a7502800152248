"""Rasa, as processes that the command line and the gateway start:

- `python -m bot.rasa train FOLDER ARCHIVE` trains the release in FOLDER (config.yml, domain.yml,
  data/) and prints a line `component NAME` whenever it begins to train one;
- `python -m bot.rasa understand ARCHIVE` prints the archive's intents, then how it understands each
  line that it reads;
- `python -m bot.rasa serve ARCHIVE PORT` serves the gateway's private channel on loopback, until
  its standard input ends;
- `python -m bot.rasa rasa ARGUMENT ...` is Rasa's own command line (`bot rasa` at the terminal).
"""

import asyncio
import json
import os
import secrets
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.rasa import compatibility
from bot.runtime import logs, parent_process


def main(arguments: list[str]) -> int | None:
    # Rasa's dependencies warn of each other's age, and undo filters
    warnings.showwarning = lambda *_, **__: None
    compatibility.prepare_rasa()
    verb, arguments = arguments[0], arguments[1:]
    if verb == "rasa":
        return rasa(arguments)
    level = os.environ.get("LOG_LEVEL", "warning")
    compatibility.quieten_rasa(level)
    if verb != "train":  # what visitors wrote goes through the others
        logs.configure_logs(level, os.environ.get("LOG_FORMAT", "text"), "rasa")
    verbs: dict[str, Callable[..., int | None]] = {
        "train": train,
        "understand": understand,
        "serve": serve,
    }
    return verbs[verb](*arguments)


def rasa(arguments: list[str]) -> int | None:
    """Rasa's own command line, with what bot.rasa.compatibility mends in place."""
    from rasa import __main__

    os.environ.setdefault("INTERNAL_SECRET", secrets.token_urlsafe(32))  # credentials.yml names it
    sys.argv = ["bot rasa", *arguments]
    code: int | None = __main__.main()
    return code


def train(folder: str, archive: str) -> int:
    """Train the release in `folder` into the file `archive`."""
    from rasa.engine.training.hooks import LoggingHook
    from rasa.model_training import train

    begin = LoggingHook.on_before_node

    def on_before_node(self: LoggingHook, *args: Any, **kwargs: Any) -> Any:
        name = kwargs.get("node_name", args[0] if args else "")
        print(f"component {name}", flush=True)
        return begin(self, *args, **kwargs)

    LoggingHook.on_before_node = on_before_node
    path = Path(archive)
    result = train(
        domain=f"{folder}/domain.yml",
        config=f"{folder}/config.yml",
        training_files=f"{folder}/data",
        output=str(path.parent),
        fixed_model_name=path.name.removesuffix(".tar.gz"),
    )
    return int(result.code)


def understand(archive: str) -> None:
    """For each JSON line {text, metadata?} on standard input print {intent, intent_ranking,
    entities, context} of the archive."""
    from rasa.core.agent import Agent
    from rasa.core.channels.channel import UserMessage

    from bot.rasa.channel import as_words

    agent = Agent.load(archive)
    print(json.dumps({"intents": sorted(agent.domain.intents)}), flush=True)
    for line in sys.stdin:
        message = json.loads(line)
        parsed = asyncio.run(
            agent.processor.parse_message(
                UserMessage(as_words(message["text"]), metadata=message.get("metadata"))
            )
        )
        print(
            json.dumps(
                {
                    key: parsed.get(key)
                    for key in ("intent", "intent_ranking", "entities", "context")
                }
            ),
            flush=True,
        )


def serve(archive: str, port: str) -> int:
    """Serve `archive` to the gateway; ends with the process that started it."""
    from rasa.core.run import serve_application
    from rasa.core.utils import AvailableEndpoints

    parent_process.end_with_parent()
    root = Path(__file__).parents[2]
    serve_application(
        model_path=archive,
        interface="127.0.0.1",
        port=int(port),
        enable_api=False,
        credentials=str(root / "credentials.yml"),
        server_listeners=[(_end_without_model, "after_server_start")],
        endpoints=AvailableEndpoints.read_endpoints(str(root / "endpoints.yml")),
    )
    return 0


async def _end_without_model(app: Any, loop: asyncio.AbstractEventLoop) -> None:
    """Rasa serves on without a model; who started it must hear of that at once."""
    if not app.ctx.agent.is_ready():
        print(
            "the archive was made by another version of this code; train again",
            file=sys.stderr,
            flush=True,
        )
        os._exit(3)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
