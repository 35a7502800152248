"""`make bench`: training, start, memory, latency and throughput of the whole service, beside stock
Rasa.

Stock is Rasa's default pipeline and policies, its REST channel, an SQLite tracker store and the
SDK's action server, on the same content and the same actions, measured in the same run: a machine's
speed drifts, a ratio holds. Both are measured on one article (the first question is how a site
begins). Prints a table, writes var/bench/service.json."""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import httpx
import yaml

from benchmarks import stock
from bot.content import site_content
from bot.releases import registry
from bot.runtime import settings
from tests.support.memory import memory
from tests.support.servers import free_port

ROOT = settings.ROOT
ARTICLE = "myoclonus"
MESSAGES, CONVERSATIONS, SECONDS = 300, 8, 20
STOCK = {
    "recipe": "default.v1",
    "assistant_id": "stock",
    "language": "en",
    "pipeline": [
        {"name": "WhitespaceTokenizer"},
        {"name": "RegexFeaturizer"},
        {"name": "LexicalSyntacticFeaturizer"},
        {"name": "CountVectorsFeaturizer"},
        {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
        {"name": "DIETClassifier", "epochs": 100, "constrain_similarities": True},
        {"name": "EntitySynonymMapper"},
        {"name": "ResponseSelector", "epochs": 100, "constrain_similarities": True},
        {"name": "FallbackClassifier", "threshold": 0.3, "ambiguity_threshold": 0.1},
    ],
    "policies": [
        {"name": "MemoizationPolicy"},
        {"name": "RulePolicy"},
        {"name": "UnexpecTEDIntentPolicy", "max_history": 5, "epochs": 100},
        {"name": "TEDPolicy", "max_history": 5, "epochs": 100, "constrain_similarities": True},
    ],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--stock", action="store_true", help="measure stock Rasa as well, half an hour"
    )
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pamphlet-bench-"))
    try:
        data = Path(shutil.copytree(ROOT / "data", folder / "data"))
        for kind in ("articles/*.md", "phrases/*.yml", "evidence/*.yml"):
            for path in data.glob(kind):
                if path.stem != ARTICLE:
                    path.unlink()
        drop_foreign_stories(data)
        ours = measure_ours(folder, data)
        id, environment = ours.pop("release"), ours.pop("environment")
        report(ours, measure_stock(folder, data, id, environment) if options.stock else None)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def drop_foreign_stories(data):
    """Leave out the stories that tell of articles which are not measured."""
    path = data / "stories.yml"
    stories = yaml.safe_load(path.read_text())

    def known(step):
        return "." not in step.get("intent", "") or step["intent"].startswith(f"{ARTICLE}.")

    stories["stories"] = [
        story for story in stories["stories"] if all(known(step) for step in story["steps"])
    ]
    path.write_text(yaml.safe_dump(stories))


def measure_ours(folder, data):
    environment = {
        **os.environ,
        "DATA": str(data),
        "MODELS": str(folder / "models"),
        "VAR": str(folder / "var"),
        "SECRET": "bench",
        "DATABASE_URL": f"sqlite:///{folder}/ours.db",
        "PORT": str(free_port()),
        "MESSAGES_PER_MINUTE": "1000000",
        "CONVERSATIONS_PER_MINUTE": "1000000",
    }
    config = settings.read_settings(environment)
    (folder / "models").mkdir()
    (folder / "models" / "encoder").symlink_to(settings.read_settings().path("models") / "encoder")
    say("Pamphlet: first training")
    result = {"train": timed(lambda: registry.train_candidate(config, quiet))[1]}
    change_one_phrase(data)
    say("Pamphlet: training after a change of one phrase")
    id, result["train_again"] = timed(lambda: registry.train_candidate(config, quiet))
    tested = registry.test_candidate(config, id, quiet)
    result |= {"right": tested.right / tested.total, "wrong": tested.wrong / tested.total}
    registry.publish_release(config, id)
    say("Pamphlet: serving")
    url = f"http://127.0.0.1:{config.port}"
    with started([sys.executable, "-m", "bot", "serve"], environment) as (process, begun):
        result["start"] = wait_for(
            lambda: ask_ours(httpx, url, open_ours(httpx, url), "can myoclonus be prevented"), begun
        )
        questions = test_phrases(data)
        result |= latency(
            lambda client, conversation, text: ask_ours(client, url, conversation, text),
            lambda client: open_ours(client, url),
            questions,
        )
        result["memory"] = memory(process.pid)
    return {**result, "release": id, "environment": environment}


def measure_stock(folder, data, id, environment):
    """Stock Rasa on the content of release `id`, whose actions read it."""
    project = folder / "stock"
    project.mkdir()
    write_stock(project, site_content.load_content(data))
    rasa = [str(stock.environment()), "-W", "ignore", "-m", "rasa"]
    silent = {
        **environment,
        "RASA_TELEMETRY_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": str(ROOT),
    }

    def train():
        return subprocess.run(
            [*rasa, "train", "--quiet"],
            cwd=project,
            env=silent,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    say("stock Rasa: first training (minutes)")
    result = {"train": timed(train)[1]}
    phrases = project / "data" / "nlu.yml"
    phrases.write_text(
        phrases.read_text().replace(
            "can the myoclonus be prevented", "can it be prevented, my myoclonus", 1
        )
    )
    say("stock Rasa: training after a change of one phrase")
    result["train_again"] = timed(train)[1]
    ports = free_port(), free_port()
    (project / "endpoints.yml").write_text(
        yaml.safe_dump(
            {
                "action_endpoint": {"url": f"http://127.0.0.1:{ports[0]}/webhook"},
                "tracker_store": {
                    "type": "SQL",
                    "dialect": "sqlite",
                    "db": str(project / "tracker.db"),
                },
            }
        )
    )
    (project / "credentials.yml").write_text("rest:\n")
    say("stock Rasa: serving")
    url = f"http://127.0.0.1:{ports[1]}/webhooks/rest/webhook"

    def ask(client, sender, text):
        return ask_stock(client, url, sender, text, id)

    with (
        started([sys.executable, "-m", "benchmarks.stock", str(ports[0])], silent, ROOT) as (
            actions,
            _,
        ),
        started(
            [*rasa, "run", "--enable-api", "-p", str(ports[1]), "-i", "127.0.0.1"], silent, project
        ) as (process, begun),
    ):
        result["start"] = wait_for(lambda: ask(httpx, "first", "can myoclonus be prevented"), begun)
        result |= latency(ask, lambda client: uuid.uuid4().hex, test_phrases(data))
        result["memory"] = memory(process.pid) + memory(actions.pid)
        result |= accuracy(
            f"http://127.0.0.1:{ports[1]}/model/parse", site_content.load_content(data)
        )
    return result


def accuracy(url, library):
    """Of the test phrases, the shares that stock understands rightly and as another question; its
    fallback is neither."""
    asked = [
        (phrase, name) for name, question in library.questions.items() for phrase in question.test
    ]
    got = [
        httpx.post(url, json={"text": phrase}, timeout=60).json()["intent"]["name"]
        for phrase, _ in asked
    ]
    right = sum(intent == name for intent, (_, name) in zip(got, asked, strict=True))
    wrong = sum(
        intent != name and intent in library.questions
        for intent, (_, name) in zip(got, asked, strict=True)
    )
    return {"right": right / len(asked), "wrong": wrong / len(asked)}


def write_stock(project, library):
    """A stock Rasa project with the same phrases and actions: one rule a question."""
    (project / "data").mkdir()
    phrases = {name: question.taught for name, question in library.questions.items()}
    phrases |= {name: talk.train for name, talk in library.talk.items()}
    nlu = [
        {"intent": name, "examples": "".join(f"- {phrase}\n" for phrase in train)}
        for name, train in phrases.items()
    ]
    rules = yaml.safe_load((Path(library.folder) / "rules.yml").read_text())
    rules["rules"] += [
        {"rule": name, "steps": [{"intent": name}, {"action": "action_answer"}]}
        for name in library.questions
    ]
    domain = yaml.safe_load((ROOT / "domain.yml").read_text())
    domain["intents"] = list(phrases)
    domain["slots"] = {}
    domain["entities"] = []
    domain["session_config"]["session_expiration_time"] = 60
    stories = yaml.safe_load((Path(library.folder) / "stories.yml").read_text())
    for story in stories["stories"]:
        story["steps"] = [
            {key: value for key, value in step.items() if key != "offer"} for step in story["steps"]
        ]
    for path, written in (
        ("config.yml", STOCK),
        ("domain.yml", domain),
        ("data/nlu.yml", {"version": "3.1", "nlu": nlu}),
        ("data/rules.yml", rules),
        ("data/stories.yml", stories),
    ):
        (project / path).write_text(yaml.safe_dump(written, sort_keys=False, allow_unicode=True))


def open_ours(client, url):
    return client.post(f"{url}/api/conversations", json={}).json()["token"]


def ask_ours(client, url, token, text):
    return client.post(
        f"{url}/api/messages",
        json={"id": uuid.uuid4().hex, "text": text},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )


def ask_stock(client, url, sender, text, id):
    return client.post(
        url, json={"sender": sender, "message": text, "metadata": {"release": id}}, timeout=60
    )


def latency(ask, open_conversation, questions):
    """p50 and p95 of one message after another, in ms; and messages a second with CONVERSATIONS at
    once."""
    with httpx.Client() as client:
        conversation, taken = None, []
        for i in range(MESSAGES):
            if i % 10 == 0:
                conversation = open_conversation(client)
            begun = time.perf_counter()
            answer = ask(client, conversation, questions[i % len(questions)])
            taken.append((time.perf_counter() - begun) * 1000)
            if answer.status_code != 200 or not answer.json():
                raise RuntimeError(f"a message got {answer.status_code}: {answer.text[:200]}")
    taken = sorted(taken[20:])
    return {
        "p50": statistics.median(taken),
        "p95": taken[int(0.95 * len(taken))],
        "throughput": asyncio.run(_crowd(ask, open_conversation, questions)),
    }


async def _crowd(ask, open_conversation, questions):
    end, answered = time.monotonic() + SECONDS, 0

    async def talk(number):
        nonlocal answered
        with httpx.Client() as client:
            conversation = None
            for i in range(10**6):
                if time.monotonic() > end:
                    return
                if i % 10 == 0:
                    conversation = await asyncio.to_thread(open_conversation, client)
                answer = await asyncio.to_thread(
                    ask, client, conversation, questions[(number * 31 + i) % len(questions)]
                )
                if answer.status_code != 200:
                    raise RuntimeError(f"a message got {answer.status_code}: {answer.text[:200]}")
                answered += 1

    await asyncio.gather(*(talk(number) for number in range(CONVERSATIONS)))
    return answered / SECONDS


def test_phrases(data):
    """What is asked: the article's test phrases."""
    return [
        phrase
        for question in site_content.load_content(data).questions.values()
        for phrase in question.test
    ]


def change_one_phrase(data):
    path = data / "phrases" / f"{ARTICLE}.yml"
    old = "what is myoclonus"
    text = path.read_text()
    assert f"- {old}\n" in text
    path.write_text(text.replace(f"- {old}\n", "- what is the myoclonus\n", 1))


@contextlib.contextmanager
def started(command, environment, folder=ROOT):
    """(process, when it was started); ended with all of its children afterwards."""
    begun = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process, begun
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(ask, begun):
    """Seconds from `begun` to the first answer."""
    while time.monotonic() - begun < 300:
        with contextlib.suppress(httpx.HTTPError, KeyError, ValueError):
            answer = ask()
            if answer.status_code == 200 and answer.json():
                return time.monotonic() - begun
        time.sleep(0.05)
    raise RuntimeError("no answer after 300 s")


def timed(work):
    begun = time.monotonic()
    return work(), time.monotonic() - begun


def quiet(step, done):
    pass


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def report(ours, stock):
    """Print the table and write the JSON."""
    rows = [
        ("train, s", "train", 1),
        ("train after a change of one phrase, s", "train_again", 1),
        ("from start to first answer, s", "start", 1),
        ("memory of all processes, MB", "memory", 0),
        ("one message, p50, ms", "p50", 1),
        ("one message, p95, ms", "p95", 1),
        (f"messages a second, {CONVERSATIONS} conversations", "throughput", 1),
    ]
    print(f"\n{'':42}{'stock Rasa':>12}{'Pamphlet':>12}{'ratio':>8}")
    for title, key, digits in rows:
        left = f"{stock[key]:.{digits}f}" if stock else "-"
        ratio = f"{ours[key] / stock[key]:.2f}" if stock else "-"
        print(f"{title:42}{left:>12}{ours[key]:>12.{digits}f}{ratio:>8}")
    for title, key in (
        ("test phrases answered rightly", "right"),
        ("test phrases answered wrongly", "wrong"),
    ):
        print(f"{title:42}{f'{stock[key]:.1%}' if stock else '-':>12}{ours[key]:>12.1%}")
    path = settings.read_settings().path("var") / "bench" / "service.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(
            {
                "machine": platform.processor() or platform.machine(),
                "cores": os.cpu_count(),
                "at": time.strftime("%Y-%m-%d %H:%M"),
                "article": ARTICLE,
                "messages": MESSAGES,
                "ours": ours,
                "stock": stock,
            },
            indent=1,
        )
    )
    print(f"\nwritten to {path}")


if __name__ == "__main__":
    main()
