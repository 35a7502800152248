"""How well the pipeline of config.yml tells questions apart, on public data; run in Rasa's
environment.

    python -m benchmarks.understanding DATA              a table, docs/images/risk-coverage.svg,
    var/understanding.json
    takes hours
    python -m benchmarks.understanding DATA --ablation   what each part is worth, on training data
    alone

DATA is a folder with banking77/, clinc150/ and hwu64/. Every finished run is written at once to
var/understanding.json, and not done again while config.yml and the code that trains stay as they
are. A test split is only ever asked, never learned from."""

import argparse
import asyncio
import csv
import datetime
import hashlib
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from bot.releases import registry

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "var" / "understanding.json"
PLOT = ROOT / "docs" / "images" / "risk-coverage.svg"
SETS = {"BANKING77": "banking77", "CLINC150": "clinc150", "HWU64": "hwu64"}
TO_REACH = {
    "BANKING77 full": 94.3,
    "BANKING77 10-shot": 87.5,
    "CLINC150 full": 96.8,
    "CLINC150 10-shot": 93.0,
    "HWU64 full": 93.0,
    "HWU64 10-shot": 86.0,
}
IN_SCOPE = 0.95  # the in-scope accuracy that is kept when out-of-scope recall is measured
CLASSIFIER = "bot.rasa.classifier.QuestionClassifier"
# Each is the pipeline with one part left out; "the first recipe" is where the work began.
ABLATION = {
    "everything": {},
    "without the intents' names": {"name_weight": 0.0},
    "without the middle layers": {"layer_weight": 0.0},
    "without n-grams": {"gram_weight": 0.0},
    "without the sentence vector": {"vector_weight": 0.0},
    "the first recipe": {"name_weight": 0.0, "layer_weight": 0.0, "gram_weight": 1.0},
}


def read_rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return [(row["text"], row["category"]) for row in csv.DictReader(file)]


def read_set(data, name, few):
    """(train, test, strangers): lists of (text, intent), and the texts that belong to no intent."""
    folder = Path(data) / SETS[name]
    if name == "CLINC150":
        full = json.loads((folder / "data_full.json").read_text(encoding="utf-8"))
        train, test, strangers = full["train"], full["test"], [text for text, _ in full["oos_test"]]
    else:
        train, test, strangers = read_rows(folder / "train.csv"), read_rows(folder / "test.csv"), []
    return (read_rows(folder / "train_10.csv") if few else train), test, strangers


def our_config(changes=None):
    """The pipeline of config.yml, without the importer, which would bring the articles."""
    config = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))
    config.pop("importers", None)
    config["policies"] = []
    for component in config["pipeline"]:
        if component["name"] == CLASSIFIER:
            component.update(changes or {})
    return config


def run(config, train, test, strangers):
    """Train `config` on `train`, ask it `test` and `strangers`: a result to be written as JSON."""
    from bot.rasa.compatibility import prepare_rasa, quieten_rasa

    prepare_rasa()
    quieten_rasa()
    from rasa.core.agent import Agent
    from rasa.model_training import train_nlu

    known = {intent for _, intent in train}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        (folder / "nlu.yml").write_text(_as_nlu(train), encoding="utf-8")
        begin, used = time.perf_counter(), _processor_seconds()
        archive = train_nlu(str(folder / "config.yml"), str(folder / "nlu.yml"), str(folder))
        if archive is None:
            raise RuntimeError("Rasa trained nothing; its reason stands above")
        seconds, used = time.perf_counter() - begin, _processor_seconds() - used
        agent = Agent.load(archive)
        asked = [_ask(agent, text, known) for text, _ in test]
        foreign = [_ask(agent, text, known)[1] for text in strangers]
        latency = _latency(agent, [text for text, _ in test])
    result = {
        "phrases": len(train),
        "intents": len(known),
        "train_s": round(seconds, 1),
        "train_processor_s": round(used, 1),
        "scores": [
            [round(confidence, 4), intent == truth]
            for (intent, confidence), (_, truth) in zip(asked, test, strict=False)
        ],
        "strangers": [round(confidence, 4) for confidence in foreign],
        "latency_ms": latency,
    }
    return {**result, **figures(result)}


def figures(result):
    """{accuracy, auroc, stranger_recall}, in %, of the scores in a result."""
    right = sorted(
        (confidence for confidence, is_right in result["scores"] if is_right), reverse=True
    )
    total = len(result["scores"])
    found = {"accuracy": round(100 * len(right) / total, 1)}
    if result["strangers"]:
        found["auroc"] = round(_auroc([c for c, _ in result["scores"]], result["strangers"]), 4)
        kept = -(-int(IN_SCOPE * 100) * total // 100)
        if len(right) >= kept:
            below = sum(c < right[kept - 1] for c in result["strangers"])
            found["stranger_recall"] = round(100 * below / len(result["strangers"]), 1)
    return found


def _as_nlu(rows):
    by_intent = {}
    for text, intent in rows:
        by_intent.setdefault(intent, []).append(" ".join(text.split()))
    # The list is JSON, which is YAML: no phrase is taken for markup. Braces and brackets would be
    # read as entities.
    clean = str.maketrans("[]{}()", "      ")
    return 'version: "3.1"\nnlu: ' + json.dumps(
        [
            {
                "intent": intent,
                "examples": "".join(f"- {text.translate(clean)}\n" for text in texts),
            }
            for intent, texts in by_intent.items()
        ]
    )


def _ask(agent, text, known):
    """(intent, confidence) that the pipeline ranks first, whatever its fallback makes of it."""
    from rasa.core.channels.channel import UserMessage

    parsed = asyncio.run(agent.processor.parse_message(UserMessage(text)))
    ranking = [entry for entry in parsed["intent_ranking"] if entry["name"] in known]
    return (ranking[0]["name"], ranking[0]["confidence"]) if ranking else (None, 0.0)


def _latency(agent, texts, most=300):
    """{"encode_classify", "pipeline"}: the median ms of a question on one core, of processor time:
    what else the machine does is left out."""
    from rasa.shared.nlu.constants import TEXT
    from rasa.shared.nlu.training_data.message import Message

    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        nodes = agent.processor.model_metadata.predict_schema.nodes
        steps = [
            name
            for name in nodes
            if any(part in name for part in ("Tokenizer", "Featurizer", "QuestionClassifier"))
        ]
        parts = [
            agent.processor.graph_runner._instantiated_nodes[name]._component for name in steps
        ]
        alone, whole = [], []
        for text in random.Random(0).sample(texts, min(most, len(texts))):
            message = Message({TEXT: text})
            begin = time.process_time()
            for part in parts:
                part.process([message])
            alone.append(time.process_time() - begin)
            begin = time.process_time()
            _ask(agent, text, ())
            whole.append(time.process_time() - begin)
    finally:
        os.sched_setaffinity(0, cores)
    return {
        "encode_classify": round(1000 * statistics.median(alone), 2),
        "pipeline": round(1000 * statistics.median(whole), 2),
    }


def _auroc(ours, strangers):
    from scipy.stats import rankdata

    ranks = rankdata(list(ours) + list(strangers))[: len(ours)]
    return (ranks.sum() - len(ours) * (len(ours) + 1) / 2) / (len(ours) * len(strangers))


def _processor_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def held_out(data, name, seed=0, most=1500):
    """Ten phrases an intent drawn from the training data, and others of it to ask: the test split
    stays shut."""
    train = [tuple(row) for row in read_set(data, name, few=False)[0]]
    draw = random.Random(seed)
    draw.shuffle(train)
    taught, rest, count = [], [], {}
    for row in train:
        count[row[1]] = count.get(row[1], 0) + 1
        (taught if count[row[1]] <= 10 else rest).append(row)
    return taught, rest[:most], []


def runs(data, options):
    """{key: (config, rows)} of what is to be measured."""
    if options.ablation:
        return {
            f"ablation: {part} · {name}": (
                our_config(changes),
                lambda name=name: held_out(data, name),
            )
            for part, changes in ABLATION.items()
            for name in SETS
        }
    return {
        f"{name} {size}": (
            our_config(),
            lambda name=name, size=size: read_set(data, name, size == "10-shot"),
        )
        for size in ("10-shot", "full")
        for name in SETS
    }


def measure(data, options):
    """Do what is missing, each run in a process of its own; return all results."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    code = registry.code_digest().encode()
    wanted = runs(data, options)
    for key, (config, _) in wanted.items():
        digest = hashlib.sha256(json.dumps(config).encode() + code).hexdigest()[:12]
        if results.get(key, {}).get("code") == digest:
            continue
        print(f"{key} ...", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", "benchmarks.understanding", str(data), "--run", key]
        command += ["--ablation"] if options.ablation else []
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{key}: {done.stderr.strip().splitlines()[-1]}")
        results[key] = {
            "code": digest,
            "date": datetime.date.today().isoformat(),
            **json.loads(done.stdout.splitlines()[-1]),
        }
        RESULTS.parent.mkdir(exist_ok=True)
        beside = RESULTS.with_suffix(".new")
        beside.write_text(json.dumps(results), encoding="utf-8")
        beside.replace(RESULTS)
    return {key: results[key] for key in wanted}


def table(results):
    """The results as a Markdown table."""
    lines = [
        "| | accuracy % | to reach | out-of-scope AUROC | recall % | training s (processor s) | "
        "ms a question | whole pipeline |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for key, r in results.items():
        if "fault" in r:
            lines.append(f"| {key} | {r['fault']} | | | | | | |")
            continue
        latency = r["latency_ms"] or {}
        lines.append(
            f"| {key} | {r['accuracy']} | {TO_REACH.get(key, '')} | {r.get('auroc', '')} | "
            f"{r.get('stranger_recall', '')} "
            f"| {r['train_s']} ({r['train_processor_s']}) | {latency.get('encode_classify', '')} "
            f"| {latency.get('pipeline', '')} |"
        )
    return "\n".join(lines)


def ablation_table(results):
    lines = ["| | " + " | ".join(SETS) + " | mean |", "| --- " * (len(SETS) + 2) + "|"]
    for part in ABLATION:
        found = [results[f"ablation: {part} · {name}"]["accuracy"] for name in SETS]
        lines.append(
            f"| {part} | " + " | ".join(map(str, found)) + f" | {statistics.mean(found):.1f} |"
        )
    return "\n".join(lines)


def plot(results, path):
    """Risk and coverage: of the messages answered above a confidence, the share that is wrong."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "understanding", "svg.fonttype": "none"})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.2))
    for key, result in results.items():
        scores = sorted(result["scores"], key=lambda score: -score[0])
        wrong, points = 0, []
        for count, (_, right) in enumerate(scores, 1):
            wrong += not right
            if count >= len(scores) // 50:
                points.append((100 * count / len(scores), 100 * wrong / count))
        axes.plot(
            *zip(*points, strict=False), label=key, linestyle="--" if "10-shot" in key else "-"
        )
    axes.set(
        xlabel="answered, % of messages",
        ylabel="wrong, % of those answered",
        xlim=(0, 100),
        ylim=(0, None),
    )
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    for folder in SETS.values():
        if not (options.data / folder).is_dir():
            sys.exit(
                f"{options.data / folder} is missing: give the folder that holds "
                f"{', '.join(SETS.values())}"
            )
    if options.run:
        config, rows = runs(options.data, options)[options.run]
        print("\n" + json.dumps(run(config, *rows())))
        return
    results = measure(options.data, options)
    if options.ablation:
        print(ablation_table(results))
    else:
        plot(results, PLOT)
        print(table(results))


if __name__ == "__main__":
    main()
