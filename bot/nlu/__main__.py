"""Rasa's own command line, lean: `python -m bot.nlu run|train ...`, and `test`, which answers phrases with an archive.

`train` prints one line `component NAME` on standard output whenever the training of a component begins.
"""

import asyncio
import json
import logging
import sys
import warnings

from bot.nlu import lean


def main(arguments):
    warnings.simplefilter("ignore")  # Rasa's dependencies warn of each other's age
    lean.prepare()
    if arguments[:1] == ["understand"]:
        return understand(arguments[1])
    if arguments[:1] == ["train"]:
        announce_components()
    import rasa.__main__

    sys.argv = ["rasa", *arguments]
    return rasa.__main__.main()


def announce_components():
    """Print a line on standard output for every component whose training begins."""
    from rasa.engine.training.hooks import LoggingHook

    begin = LoggingHook.on_before_node

    def on_before_node(self, *args, **kwargs):
        name = kwargs.get("node_name", args[0] if args else "")
        print(f"component {name}", flush=True)
        return begin(self, *args, **kwargs)

    LoggingHook.on_before_node = on_before_node


def understand(archive):
    """For each JSON line {text, metadata?} on standard input print {intent, intent_ranking, entities} of the archive."""
    from rasa.core.agent import Agent
    from rasa.core.channels.channel import UserMessage

    from bot.nlu.channel import as_words

    logging.disable(logging.WARNING)
    agent = Agent.load(archive)
    print(json.dumps({"intents": sorted(agent.domain.intents)}), flush=True)
    for line in sys.stdin:
        message = json.loads(line)
        parsed = asyncio.run(agent.processor.parse_message(
            UserMessage(as_words(message["text"]), metadata=message.get("metadata"))))
        print(json.dumps({key: parsed[key] for key in ("intent", "intent_ranking", "entities")}), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
