"""`make bench-library DATA=../shared/benchmarks`: how training, start, memory, latency and accuracy
grow with the library.

Builds libraries of 10, 100 and 1,000 conditions, ten questions each, from
DATA/medquad_library.jsonl: its question is the editor's wording and a phrase, hand-written wordings
of the same facet are the others. Trains each, serves it through the whole service, and asks
wordings that no condition was taught. Prints a table, writes var/bench/library.json and
docs/images/library-growth.svg. What is measured is growth: these phrases are more alike than
people's."""

import argparse
import json
import os
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

import httpx
import yaml

from benchmarks.asked import list_choices
from benchmarks.service import (
    ask_ours,
    open_ours,
    say,
    started,
    wait_for,
)
from bot.content import facets, phrases, site_content, terms
from bot.domain.reply_kinds import ReplyKind
from bot.releases import registry, steps
from bot.runtime import settings
from tests.support.memory import memory
from tests.support.servers import free_port

ROOT = settings.ROOT
QUESTIONS, TAUGHT, ASKED, MESSAGES = 10, 5, 2, 300
LEFT_OUT = 5  # of so many phrases of a facet one teaches nothing, and is asked
SEED = 20
# Wordings of each facet: the first list is taught (TAUGHT of it to each condition), the second is
# asked and never taught.
WORDINGS = {
    "information": (
        [
            "what is {}",
            "explain {} to me",
            "{} meaning",
            "tell me about {}",
            "what does {} mean",
            "what kind of illness is {}",
            "i never heard of {}, what is it",
        ],
        ["could you describe {}", "what exactly is this {} the letter talks about"],
    ),
    "symptoms": (
        [
            "what are the symptoms of {}",
            "signs of {}",
            "how does {} feel",
            "what does {} do to the body",
            "how would i notice {}",
            "first signs of {}",
            "what problems does {} give",
        ],
        ["what might someone with {} notice", "how does {} show itself"],
    ),
    "treatment": (
        [
            "how is {} treated",
            "treatment for {}",
            "what helps against {}",
            "can {} be cured",
            "which medicines are used for {}",
            "what do doctors do for {}",
            "therapy for {}",
        ],
        ["what are the options for treating {}", "is there anything that can be done about {}"],
    ),
    "inheritance": (
        [
            "is {} inherited",
            "does {} run in families",
            "can i pass {} to my children",
            "is {} genetic",
            "do you get {} from your parents",
            "inheritance of {}",
            "my mother had {}, will i get it",
        ],
        ["is {} handed down in a family", "could my baby inherit {}"],
    ),
    "frequency": (
        [
            "how many people have {}",
            "how common is {}",
            "is {} rare",
            "number of people with {}",
            "how often does {} happen",
            "what share of people get {}",
            "how widespread is {}",
        ],
        ["are there many people with {}", "what are the odds of having {}"],
    ),
    "genetic changes": (
        [
            "which gene is changed in {}",
            "genetic changes in {}",
            "what mutation leads to {}",
            "genes linked to {}",
            "which chromosome is involved in {}",
            "what is wrong in the dna in {}",
            "gene defect of {}",
        ],
        ["what do the genes look like in {}", "is a particular gene altered in {}"],
    ),
    "causes": (
        [
            "what causes {}",
            "why do people get {}",
            "reasons for {}",
            "where does {} come from",
            "how does {} start",
            "what brings on {}",
            "what is behind {}",
        ],
        ["what leads to {}", "how come someone develops {}"],
    ),
    "exams and tests": (
        [
            "how is {} diagnosed",
            "tests for {}",
            "how do doctors find {}",
            "which scan shows {}",
            "is there a blood test for {}",
            "how can {} be confirmed",
            "what examination for {}",
        ],
        ["how will they check whether it is {}", "what does the doctor do to detect {}"],
    ),
    "research": (
        [
            "is there research on {}",
            "clinical trials for {}",
            "new studies of {}",
            "what are scientists finding out about {}",
            "latest research {}",
            "can i join a trial for {}",
            "what is being studied about {}",
        ],
        ["are researchers working on {}", "any ongoing studies into {}"],
    ),
    "outlook": (
        [
            "what is the outlook for {}",
            "prognosis of {}",
            "how long do people with {} live",
            "does {} get worse",
            "will {} go away",
            "what happens over time with {}",
            "life expectancy {}",
        ],
        ["what does the future look like with {}", "how does {} turn out in the long run"],
    ),
    "susceptibility": (
        [
            "who gets {}",
            "who is at risk for {}",
            "risk factors for {}",
            "am i likely to get {}",
            "which people get {} more often",
            "does age matter for {}",
            "what raises the risk of {}",
        ],
        ["which groups are prone to {}", "what makes a person more liable to {}"],
    ),
    "considerations": (
        [
            "what can i do myself about {}",
            "living with {}",
            "daily life with {}",
            "how to cope with {}",
            "what should i eat with {}",
            "tips for people with {}",
            "self care {}",
        ],
        ["how do people manage {} from day to day", "what can someone with {} do at home"],
    ),
    "prevention": (
        [
            "can {} be prevented",
            "how to prevent {}",
            "how do i avoid {}",
            "stop {} before it starts",
            "prevention of {}",
            "what protects from {}",
            "lower my chance of {}",
        ],
        ["is there a way to keep from getting {}", "how can a person guard against {}"],
    ),
    "stages": (
        [
            "what are the stages of {}",
            "how is {} staged",
            "stages {}",
            "how far along is {}",
            "grades of {}",
            "phases of {}",
            "what does stage two of {} mean",
        ],
        ["which steps does {} go through", "how do they rate how advanced {} is"],
    ),
    "complications": (
        [
            "what complications can {} have",
            "dangers of {}",
            "what can go wrong with {}",
            "can {} lead to other illnesses",
            "complications {}",
            "what happens if {} is not treated",
            "long term damage from {}",
        ],
        ["what further trouble may follow from {}", "which other problems come with {}"],
    ),
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000])
    options = parser.parse_args()
    conditions = read_conditions(options.data)
    path = settings.read_settings().path("var") / "bench" / "library.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    for size in options.sizes:
        results[str(size)] = {"at": time.strftime("%Y-%m-%d %H:%M"), **measure(conditions[:size])}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(results, indent=1))
    print(table(results))
    plot(results, ROOT / "docs" / "images" / "library-growth.svg")


def read_conditions(folder):
    """[(condition, {facet: its question in the data})], those with most facets first, in a fixed
    order."""
    source, found = folder / "medquad_library.jsonl", {}
    if not source.is_file():
        sys.exit(f"{source} is missing: give the folder that holds it")
    for line in source.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        name = " ".join(
            re.sub(r"[^a-z0-9' ]", " ", re.sub(r"\(.*?\)", "", row["focus"].lower())).split()
        )
        if 4 <= len(name) <= 60 and len(name.split()) <= 6 and row["facet"] in WORDINGS:
            found.setdefault(name, {}).setdefault(row["facet"], row["question"])
    return sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))


def build(folder, conditions):
    """Write the content folder of a library; [(phrase, question)] to ask. Without data/facets.yml,
    whose phrases are measured by themselves."""
    data = copy_content(folder, "articles", "evidence", "phrases", "facets.yml")
    draw, asked = random.Random(SEED), []
    talk = (data / "talk.yml").read_text(encoding="utf-8")  # what is said there stays there
    for number, (condition, known) in enumerate(conditions):
        sides = [*known, *(facet for facet in WORDINGS if facet not in known)][:QUESTIONS]
        write_article(data, f"c{number}", condition, sides)
        own = {}
        for side in sides:
            taught, held_out = WORDINGS[side]
            train, test = (
                [
                    phrase
                    for phrase in (wording.format(condition) for wording in wordings)
                    if phrase not in talk
                ]
                for wordings in (draw.sample(taught, TAUGHT), held_out)
            )
            id = side.replace(" ", "_")
            own[id] = {"train": train, "test": test[:ASKED]}
            asked += [(phrase, f"c{number}.{id}") for phrase in test[:ASKED]]
        phrases.path_of(data, f"c{number}").write_text(
            yaml.safe_dump(own, width=1000), encoding="utf-8"
        )
    add_conditions(data, {name for name, _ in conditions})
    (data / "stories.yml").write_text('version: "3.1"\nstories: []\n')
    return data, asked


def copy_content(folder, *left_out):
    """A copy of the content without what has these names; folders are there, and empty."""
    left_out = shutil.ignore_patterns(*left_out, ".*")
    data = Path(shutil.copytree(ROOT / "data", folder / "data", ignore=left_out))
    for name in ("articles", "evidence", "phrases"):
        (data / name).mkdir(exist_ok=True)
    return data


def write_article(data, id, condition, sides):
    """An article on a condition, a question a side, without phrases."""
    written_on, name = time.strftime("%Y-%m-%d"), condition.capitalize()
    questions = {
        side.replace(" ", "_"): {"ask": f"{name}: {side}", "facet": side.replace(" ", "_")}
        for side in sides
    }
    front = {
        "title": name,
        "about": condition,
        "written_by": "benchmark",
        "written_on": written_on,
        "review_every": "365 days",
        "evidence": "none",
        "sources": {
            1: {
                "title": "MedQuAD",
                "publisher": "Ben Abacha and Demner-Fushman",
                "url": "https://github.com/abachaa/MedQuAD",
            }
        },
        "questions": questions,
    }
    sections = [
        f"## {question['ask']} {{#{id}}}\nThis is the part on {side}. [1]\n"
        for side, (id, question) in zip(sides, questions.items(), strict=True)
    ]
    (data / "articles" / f"{id}.md").write_text(
        "---\n"
        + yaml.safe_dump(front, sort_keys=False, width=1000).replace(f"'{written_on}'", written_on)
        + "---\n"
        + "\n".join(sections),
        encoding="utf-8",
    )


def add_conditions(data, names):
    """Make the names conditions, whatever they were before."""
    path = data / "terms.yml"
    terms = yaml.safe_load(path.read_text(encoding="utf-8"))
    for group in terms.values():
        for term, others in list(group.items()):
            if term.lower() in names or any(other.lower() in names for other in others or []):
                del group[term]
    terms["conditions"].update({name: [] for name in sorted(names)})
    path.write_text(yaml.safe_dump(terms, sort_keys=False, allow_unicode=True), encoding="utf-8")


def measure(conditions):
    """Train, serve and ask a library of these conditions: {questions, phrases, train, start,
    memory, p50, p95, right ...}."""
    folder = Path(tempfile.mkdtemp(prefix="pamphlet-library-"))
    before = dict(os.environ)
    try:
        data, asked = build(folder, conditions)
        os.environ |= {
            "DATA": str(data),
            "MODELS": str(folder / "models"),
            "VAR": str(folder / "var"),
            "SECRET": "bench",
            "DATABASE_URL": f"sqlite:///{folder}/bench.db",
            "PORT": str(free_port()),
            "MESSAGES_PER_MINUTE": "1000000",
            "CONVERSATIONS_PER_MINUTE": "1000000",
            "FRONT_ARTICLE": "c0",
        }
        config = settings.read_settings()
        (folder / "models").mkdir()
        (folder / "models" / "encoder").symlink_to(ROOT / "models" / "encoder")
        say(f"{len(conditions)} conditions: training")
        reached = []
        begun = time.monotonic()
        id = registry.train_candidate(
            config, lambda step, done: reached.append((step, round(time.monotonic() - begun, 1)))
        )
        train = time.monotonic() - begun
        print("   ", ", ".join(f"{step} {at}" for step, at in reached), file=sys.stderr)
        os.replace(registry.folder_of(config, id).parent, folder / "models" / "releases")
        registry.publish_release(config, id)
        say("serving")
        url = f"http://127.0.0.1:{config.port}"
        with started([sys.executable, "-m", "bot", "serve"], dict(os.environ)) as (process, begun):
            start = wait_for(
                lambda: ask_ours(httpx, url, open_ours(httpx, url), asked[0][0]), begun
            )
            sample = random.Random(SEED).sample(asked, min(MESSAGES, len(asked)))
            got, taken = ask_all(url, sample)
            found = outcomes(sample, got)
            return {
                "conditions": len(conditions),
                "questions": len(conditions) * QUESTIONS,
                "phrases": len(conditions) * QUESTIONS * TAUGHT,
                "train": train,
                "start": start,
                "memory": memory(process.pid),
                "p50": statistics.median(taken),
                "p95": sorted(taken)[int(0.95 * len(taken))],
                **found,
            }
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(folder, ignore_errors=True)


def read_new_conditions(folder, count):
    """The names of so many conditions that data/terms.yml doesn't know."""
    known = {name.lower() for name in terms.read_terms(ROOT / "data")[1]}
    names = [name for name, _ in read_conditions(folder) if name not in known]
    if len(names) < count:
        sys.exit(f"{folder} holds only {len(names)} conditions that data/terms.yml doesn't know")
    return names[:count]


def build_without_phrases(folder, names):
    """Write the content folder of a library: the articles as they are and, beside them, conditions
    without a phrase, each with QUESTIONS of the sides that an article here has and data/facets.yml
    teaches. One in LEFT_OUT phrases of each side teaches nothing: [(text, question)] to ask."""
    data, draw, left_out = copy_content(folder), random.Random(SEED), {}
    path = data / "facets.yml"
    sides = yaml.safe_load(path.read_text(encoding="utf-8"))
    for side, entry in sides.items():
        mixed = draw.sample(entry["phrases"], len(entry["phrases"]))
        count = len(mixed) // LEFT_OUT
        left_out[side], entry["phrases"] = mixed[:count], mixed[count:]
    path.write_text(yaml.safe_dump(sides, allow_unicode=True), encoding="utf-8")
    articles = site_content.load_content(ROOT / "data").articles.values()
    answered = {side for article in articles for q in article.questions for side in q.facets}
    asked = []
    for number, name in enumerate(names):
        own = draw.sample(sorted(answered & left_out.keys()), QUESTIONS)
        write_article(data, f"c{number}", name, own)
        asked += [
            (phrase.replace(facets.TERM, name), f"c{number}.{side}")
            for side in own
            for phrase in left_out[side]
        ]
    add_conditions(data, set(names))
    return data, asked


def measure_without_phrases(names):
    """Train a library with conditions of these names that have no phrase, and ask what was left
    out, each on its condition's page: {conditions, asked, train, understanding (without the net of
    dangers): seconds, right ...}."""
    with tempfile.TemporaryDirectory(prefix="pamphlet-library-") as folder:
        folder = Path(folder)
        data, asked = build_without_phrases(folder, names)
        environment = {
            **os.environ,
            "DATA": str(data),
            "MODELS": str(folder / "models"),
            "VAR": str(folder / "var"),
            "SECRET": "bench",
        }
        config = settings.read_settings(environment)
        shutil.copytree(
            settings.read_settings().path("models") / "encoder", folder / "models" / "encoder"
        )
        say(f"{len(names)} conditions without a phrase: training")
        reached, begun = {}, time.monotonic()
        id = registry.train_candidate(
            config, lambda step, done: reached.setdefault(step, time.monotonic() - begun)
        )
        train = time.monotonic() - begun
        say(f"  {train:.0f} s; asking")
        sample = random.Random(SEED).sample(asked, min(MESSAGES, len(asked)))
        messages = [
            {"text": text, "metadata": {"article": question.partition(".")[0]}}
            for text, question in sample
        ]
        archive = registry.folder_of(config, id) / registry.ARCHIVE
        understood = registry.understand_messages(config, archive, messages)[1]
        got = [as_reply(result) for result in understood]
    return {
        "conditions": len(names),
        "asked": len(sample),
        "train": train,
        "understanding": reached[steps.DANGERS],
        **outcomes(sample, got),
    }


def as_reply(result):
    """What of a reply `outcomes` looks at, of how a message was understood."""
    name = result["intent"]["name"]
    return {
        "kind": ReplyKind.ANSWER if "." in name else name,
        "question": name,
        "choices": [{"value": choice} for choice in list_choices(result)],
    }


def ask_all(url, sample):
    """(the first reply to each, ms that each took), in conversations of their own."""
    got, taken = [], []
    with httpx.Client() as client:
        for phrase, _ in sample:
            conversation = open_ours(client, url)
            begun = time.perf_counter()
            answer = client.post(
                f"{url}/api/messages",
                json={"id": uuid.uuid4().hex, "text": phrase},
                headers={"Authorization": f"Bearer {conversation}"},
                timeout=30,
            )
            taken.append((time.perf_counter() - begun) * 1000)
            answer.raise_for_status()
            got.append(answer.json()["replies"][0])
    return got, taken


def outcomes(sample, got):
    """Shares of the held-out wordings: right, offered, wrong, and of these another condition's."""
    right = sum(
        reply.get("question") == question for reply, (_, question) in zip(got, sample, strict=True)
    )
    wrong = [
        (reply["question"], question)
        for reply, (_, question) in zip(got, sample, strict=True)
        if reply["kind"] == ReplyKind.ANSWER and reply["question"] != question
    ]
    offered = sum(
        reply["kind"] != ReplyKind.ANSWER
        and question in [choice["value"] for choice in reply.get("choices") or []]
        for reply, (_, question) in zip(got, sample, strict=True)
    )
    crossed = sum(one.partition(".")[0] != other.partition(".")[0] for one, other in wrong)
    return {
        "right": right / len(sample),
        "offered": offered / len(sample),
        "wrong": len(wrong) / len(sample),
        "crossed": crossed / len(sample),
    }


ROWS = [
    ("conditions", "conditions", 0),
    ("questions", "questions", 0),
    ("phrases", "train phrases", 0),
    ("train", "training, s", 0),
    ("start", "start to first answer, s", 1),
    ("memory", "memory of all processes, MB", 0),
    ("p50", "one message, p50, ms", 1),
    ("p95", "one message, p95, ms", 1),
]
SHARES = [
    ("right", "held-out wordings answered rightly"),
    ("offered", "asked back with the right one offered"),
    ("wrong", "answered wrongly"),
    ("crossed", "with another condition's answer"),
]


def table(results):
    """The results as a Markdown table, a column a size."""
    columns = [results[size] for size in sorted(results, key=int)]
    lines = [
        "| | " + " | ".join(f"{column['conditions']:,} conditions" for column in columns) + " |",
        "| --- " * (len(columns) + 1) + "|",
    ]
    lines += [
        f"| {title} | " + " | ".join(f"{column[key]:,.{digits}f}" for column in columns) + " |"
        for key, title, digits in ROWS[1:]
    ]
    lines += [
        f"| {title} | " + " | ".join(f"{column[key]:.1%}" for column in columns) + " |"
        for key, title in SHARES
    ]
    return "\n".join(lines)


def plot(results, path):
    """Four growth curves, both axes logarithmic: a straight line of the dotted one's slope is
    linear growth."""
    import subprocess

    code = """
import json, sys
import matplotlib
matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "library", "svg.fonttype": "none"})
from matplotlib import pyplot
results, path = json.loads(sys.argv[1]), sys.argv[2]
columns = [results[size] for size in sorted(results, key=int)]
figure, all = pyplot.subplots(1, 4, figsize=(12, 2.8), constrained_layout=True)
for axes, (key, title) in zip(all, [("train", "training, s"), ("start", "start, s"), ("memory", "memory, MB"), ("p50", "one message, p50, ms")]):
    x, y = [column["questions"] for column in columns], [column[key] for column in columns]
    axes.loglog(x, y, marker="o")
    axes.loglog(x, [y[0] * each / x[0] for each in x], linestyle=":", color="grey")
    axes.set(title=title, xlabel="questions", ylim=(min(y) / 2, max(y) * 3))
    axes.grid(alpha=0.3)
figure.savefig(path, metadata={"Date": None})
"""  # noqa: E501
    subprocess.run(
        [str(ROOT / ".venv/bin/python"), "-c", code, json.dumps(results), str(path)], check=True
    )


if __name__ == "__main__":
    main()
