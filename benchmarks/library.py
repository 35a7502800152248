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

from benchmarks.service import (
    ask_ours,
    open_ours,
    say,
    started,
    wait_for,
)
from bot.content import articles
from bot.content import facets as content_facets
from bot.domain.reply_kinds import ReplyKind
from bot.releases import registry
from bot.runtime import settings
from tests.support.memory import memory
from tests.support.servers import free_port

ROOT = settings.ROOT
QUESTIONS, TAUGHT, ASKED, MESSAGES = 10, 5, 2, 300
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
# how the library is written is not measured
BAR = "from bot.content import phrases\nphrases.FEWEST = 1\n"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000])
    options = parser.parse_args()
    source = options.data / "medquad_library.jsonl"
    if not source.is_file():
        sys.exit(f"{source} is missing: give the folder that holds it")
    conditions = read_conditions(source)
    path = settings.read_settings().path("var") / "bench" / "library.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    for size in options.sizes:
        results[str(size)] = {"at": time.strftime("%Y-%m-%d %H:%M"), **measure(conditions[:size])}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(results, indent=1))
    print(table(results))
    plot(results, ROOT / "docs" / "images" / "library-growth.svg")


def read_conditions(path):
    """[(condition, {facet: its question in the data})], those with most facets first, in a fixed
    order."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        name = " ".join(
            re.sub(r"[^a-z0-9' ]", " ", re.sub(r"\(.*?\)", "", row["focus"].lower())).split()
        )
        if 4 <= len(name) <= 60 and len(name.split()) <= 6 and row["facet"] in WORDINGS:
            found.setdefault(name, {}).setdefault(row["facet"], row["question"])
    return sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))


def build(folder, conditions):
    """Write the content folder of a library; [(phrase, question)] to ask."""
    data = Path(
        shutil.copytree(
            ROOT / "data",
            folder / "data",
            ignore=shutil.ignore_patterns("articles", "phrases", "evidence"),
        )
    )
    (data / "articles").mkdir()
    (data / "phrases").mkdir()
    draw, asked = random.Random(SEED), []
    talk = (data / "talk.yml").read_text(encoding="utf-8")  # what is said there stays there
    common = [way for asked in (content_facets.read_facets(data) or {}).values() for way in asked]
    for number, (condition, known) in enumerate(conditions):
        facets = [*known, *(facet for facet in WORDINGS if facet not in known)][:QUESTIONS]
        questions, phrases, sections = {}, {}, []
        said = {
            articles.normalise_phrase(way.replace(content_facets.TERM, condition)) for way in common
        }
        for facet in facets:
            id = facet.replace(" ", "_")
            taught, held_out = WORDINGS[facet]
            train = [
                phrase
                for phrase in (wording.format(condition) for wording in draw.sample(taught, TAUGHT))
                if phrase not in talk and articles.normalise_phrase(phrase) not in said
            ]
            test = [
                phrase
                for phrase in (wording.format(condition) for wording in held_out)
                if phrase not in talk and articles.normalise_phrase(phrase) not in said
            ]
            questions[id] = {
                "ask": f"{condition.capitalize()}: {facet}",
                "facet": id,
            }
            phrases[id] = {"train": train, "test": test[:ASKED]}
            asked += [(phrase, f"c{number}.{id}") for phrase in test[:ASKED]]
            sections.append(
                f"## {condition.capitalize()}: {facet} {{#{id}}}\nThis is the part on {facet}. "
                f"[1]\n"
            )
        front = {
            "title": condition.capitalize(),
            "about": condition,
            "written_by": "benchmark",
            "reviewed_by": None,
            "written_on": time.strftime("%Y-%m-%d"),
            "reviewed_on": None,
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
        (data / "phrases" / f"c{number}.yml").write_text(
            yaml.safe_dump(phrases, sort_keys=False, width=1000), encoding="utf-8"
        )
        (data / "articles" / f"c{number}.md").write_text(
            "---\n"
            + yaml.safe_dump(front, sort_keys=False, width=1000).replace(
                "'" + front["written_on"] + "'", front["written_on"]
            )
            + "---\n"
            + "\n".join(sections),
            encoding="utf-8",
        )
    terms = yaml.safe_load((data / "terms.yml").read_text(encoding="utf-8"))
    names = {name for name, _ in conditions}
    for group in terms.values():
        for term, others in list(group.items()):
            if term.lower() in names or any(other.lower() in names for other in others or []):
                del group[term]
    terms["conditions"].update({name: [] for name in sorted(names)})
    (data / "terms.yml").write_text(
        yaml.safe_dump(terms, sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    (data / "stories.yml").write_text('version: "3.1"\nstories: []\n')
    return data, asked


def measure(conditions):
    """Train, serve and ask a library of these conditions: {questions, phrases, train, start,
    memory, p50, p95, right ...}."""
    folder = Path(tempfile.mkdtemp(prefix="pamphlet-library-"))
    before = dict(os.environ)
    try:
        data, asked = build(folder, conditions)
        (folder / "bar").mkdir()
        (folder / "bar" / "sitecustomize.py").write_text(BAR)
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
            "PYTHONPATH": f"{folder / 'bar'}:{ROOT}",
        }
        exec(BAR, {})
        config = settings.read_settings()
        (folder / "models").mkdir()
        (folder / "models" / "encoder").symlink_to(ROOT / "models" / "encoder")
        say(f"{len(conditions)} conditions: training")
        steps = []
        begun = time.monotonic()
        id = registry.train_candidate(
            config, lambda step, done: steps.append((step, round(time.monotonic() - begun, 1)))
        )
        train = time.monotonic() - begun
        print("   ", ", ".join(f"{step} {at}" for step, at in steps), file=sys.stderr)
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
