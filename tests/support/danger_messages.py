"""The messages that hold the screen to its promises, and the ways they are varied."""

import random
import zlib
from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.conversation import screening
from bot.releases import registry
from bot.runtime import settings
from bot.safety import danger_screen, net

HERE = Path(__file__).resolve().parents[1] / "safety"
STORY = (
    "Hello, I found this page last night. My mother gave me the link because she reads a lot "
    "about it. "
    "We live near the coast and have a small garden. "
)
# of no rule; which of them the net doubts, changes with what teaches it
DOUBTS = (
    "it's been 10 minutes",
    "my chest feels funny",
    "im scared ill fall asleep and not wake up",
    "its been 10 min",
    "she is hot and twitching",
)


@dataclass(frozen=True)
class Message:
    text: str
    kind: str  # "emergency", "crisis", or "" where nothing may be raised
    always: bool  # on the list of those that may never be missed
    round: int


def rounds() -> list[int]:
    return sorted(int(path.stem[-1]) for path in HERE.glob("must_catch_*.txt"))


def read(name: str) -> list[Message]:
    """Return the messages of the files `name`_1.txt, `name`_2.txt ...; "== kind: topic" heads a
    group, "*" always."""
    found = []
    for number in rounds():
        kind = ""
        for line in (HERE / f"{name}_{number}.txt").read_text("utf-8").splitlines():
            if line.startswith("=="):
                kind = line[3:].partition(":")[0] if name == "must_catch" else ""
            elif line and not line.startswith("#"):
                found.append(Message(line.removeprefix("* "), kind, line.startswith("* "), number))
    return found


def phrases(data: Path) -> list[str]:
    """Return every question, `train` and `test` phrase of the articles and of the talk."""
    found = []
    for path in sorted((data / "articles").glob("*.md")):
        front = path.read_text("utf-8").split("\n---", 1)[0].removeprefix("---")
        found += [str(question["ask"]) for question in yaml.safe_load(front)["questions"].values()]
    files = [*sorted((data / "phrases").glob("*.yml")), data / "talk.yml"]
    for entry in [each for path in files for each in _read_entries(path)]:
        found += [str(phrase) for part in ("train", "test") for phrase in (entry.get(part) or ())]
    return found


def _read_entries(path: Path) -> list[dict[str, list[object]]]:
    return list((yaml.safe_load(path.read_text("utf-8")) or {}).values())


def slip(kind: str):
    """Return a function that makes one typing slip in one word of five letters or more, always the
    same for a text."""

    def vary(text: str) -> str:
        words = text.split()
        long = [i for i, word in enumerate(words) if len(word) >= 5 and word.isalpha()]
        if not long:
            return text
        chance = random.Random(zlib.crc32((text + kind).encode()))
        i = chance.choice(long)
        word, at = words[i], chance.randrange(1, len(words[i]) - 2)
        words[i] = {
            "swapped": word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            "dropped": word[:at] + word[at + 1 :],
            "doubled": word[:at] + word[at] + word[at:],
            "changed": word[:at] + ("e" if word[at] != "e" else "a") + word[at + 1 :],
        }[kind]
        return " ".join(words)

    return vary


VARIANTS = {
    "CAPITALS": str.upper,
    "no punctuation": lambda text: "".join(c for c in text if c.isalnum() or c == " ").lower(),
    "curly apostrophes": lambda text: text.replace("'", "’"),
    "after a long story": lambda text: STORY * 8 + text,
    "before a long story": lambda text: text + ". " + STORY * 8,
    "amid a long story": lambda text: STORY * 6 + text + " . " + STORY * 5,
    "a greeting before": lambda text: "hi there. " + text,
    "run on without a stop": lambda text: (
        text + " and we live near the coast and have a small garden"
    ),
    **{f"a letter {kind}": slip(kind) for kind in ("swapped", "dropped", "doubled", "changed")},
}


def find_doubted() -> str:
    """A message that the live release's net warns of, and no rule hears."""
    config, rules = settings.read_settings(), danger_screen.load_screen(HERE.parents[1] / "data")
    listener = screening.open_listener(config, registry.live_release(config) or "", rules)
    for text in DOUBTS:
        judgement = listener and listener.judge(text)
        doubted = judgement and judgement.tier == net.WARNING
        if doubted and danger_screen.find_danger(rules, text) is None:
            return text
    raise AssertionError("the net is in doubt about none of DOUBTS by now: add a message to them")
