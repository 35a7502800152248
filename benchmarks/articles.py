"""`make bench-articles DATA=../shared/benchmarks`: how well an article is understood that has few
phrases of its own, or none.

Each article that has phrases is a new one in turn: none of its own `train` phrases is kept, then
three, and nothing that other hands asked on its page. A question that data/facets.yml doesn't teach
keeps the fewest that the check wants. The whole library is trained anew with that, by what trains a
candidate, and asked the article's `test` phrases on its page, and what its text doesn't answer
(`missing` and `other_condition` of tests/asked). Then 1,000 conditions without a phrase, beside the
articles (benchmarks/library.py).

Prints a row as it is measured, keeps all in var/bench/articles.json, and writes
docs/articles-figures.md from that. Two trainings run at once."""

import argparse
import collections
import json
import os
import platform
import random
import shutil
import subprocess
import tempfile
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from benchmarks import asked, library
from benchmarks.service import quiet, say, timed
from bot.content import articles, facets, phrases, site_content
from bot.releases import registry
from bot.runtime import settings
from bot.safety import danger_screen

ROOT = settings.ROOT
DOC = ROOT / "docs" / "articles-figures.md"
ASKED = ("first-*.jsonl", "bare-*.jsonl")  # of tests/asked
STRANGE = ("missing", "other_condition")  # kinds of messages that an article doesn't answer
QUESTIONED = ("common", "own")  # groups of phrases: of questions that facets.yml teaches or not
STEPS = {"none": 0, "three": 3, "all": None}  # of a question's own phrases that are kept
QUESTIONS = 14  # of the new article whose phrases are counted
AT_ONCE = 2  # trainings
SEED = 14
# in percent
TO_REACH = {
    "first": {"none": 85, "three": 90, "all": 92},
    "among_three": {"none": 95, "three": 98, "all": 99},
}
STRANGERS_TO_REACH = {"none": 4}
CONDITIONS_TO_REACH = {"right": 90, "offered": 8, "wrong": 1.5}
COUNTED = (
    ("first", "the right one first of the page's own"),
    ("among_three", "the right one among the first three"),
    ("right", "answered rightly"),
    ("offered", "asked back, the right one offered"),
    ("wrong", "answered wrongly"),
    ("declined", "refused"),
    ("else", "asked back without it, or taken for talk or a danger"),
)
INTRODUCTION = """
Written by `make bench-articles`: each article in turn as if it were new. Of its questions' own
`train` phrases none, three or all are kept; a question that `data/facets.yml` doesn't teach keeps
the fewest that the check wants. With none and three, nothing teaches that other hands asked on its
page; with all, the library is as it is. The whole library is trained each time, as a candidate is
(how sure a score is was measured on all phrases, once), and asked the article's own `test` phrases
on its page. Near strangers are questions of another hand
on that page which its text doesn't answer, and questions about other conditions. Whoever wrote
`data/facets.yml` knew these articles: a new one's visitors may ask otherwise.
"""
LIBRARY = """
Conditions beside the articles, ten questions each, none with a phrase of its own. One in five
phrases of each facet teaches nothing; these are asked, each of a condition on its page.
"""


# Rasa's training, as sure of its scores as the one before, whatever has changed
AS_SURE = """
import sys
from bot.rasa import __main__ as rasa, calibration
calibration.CHANGED = 1
sys.exit(rasa.main(sys.argv[1:]))
"""


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="?", default=Path("../shared/benchmarks"))
    names = sorted(path.stem for path in ROOT.glob("data/phrases/*.yml"))
    parser.add_argument("--articles", nargs="+", choices=names, help="these alone")
    parser.add_argument("--conditions", type=int, default=1000)
    options = parser.parse_args(arguments)
    conditions = library.read_new_conditions(options.data, options.conditions)
    path = settings.read_settings().path("var") / "bench" / "articles.json"
    results = describe_run()

    def keep(**found):
        results.update(found)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(results, indent=1))
        DOC.write_text(page(results))

    with tempfile.TemporaryDirectory(prefix="pamphlet-articles-") as folder:
        whole = train_whole(Path(folder))
        keep(training=whole["training"])
        keep(articles=measure_articles(Path(folder), whole, options.articles))
        keep(library=library.measure_without_phrases(conditions))
    print(f"{page(results)}\nwritten to {path} and {DOC}")


def describe_run():
    """{at, cores, machine, commit}."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )
    return {
        "at": time.strftime("%Y-%m-%d %H:%M"),
        "cores": os.cpu_count(),
        "machine": platform.processor() or platform.machine(),
        "commit": commit.stdout.strip(),
    }


def train_whole(folder):
    """The library as it is, trained with nothing kept from before, and again after one phrase was
    changed: {content, archive, cache, training: {anew, one_phrase: seconds, demanded}}."""
    data = copy_content(folder / "whole")
    encoder = folder / "models" / "encoder"
    encoder.mkdir(parents=True)
    for name in ("encoder.onnx", "tokenizer.json"):
        shutil.copy2(settings.read_settings().path("models") / "encoder" / name, encoder)
    config = settings.read_settings(
        {
            **os.environ,
            "DATA": str(data),
            "MODELS": str(folder / "models"),
            "VAR": str(folder / "var"),
            "SECRET": "bench",
        }
    )
    content = site_content.load_content(data)
    say("all anew")
    id, anew = timed(lambda: registry.train_candidate(config, quiet))
    archive = shutil.copy2(registry.folder_of(config, id) / registry.ARCHIVE, folder)
    say(f"  {anew:.0f} s; after a change of one phrase")
    change_one_phrase(data, find_articles(content)[0])
    _, one_phrase = timed(lambda: registry.train_candidate(config, quiet))
    say(f"  {one_phrase:.0f} s")
    return {
        "content": content,
        "archive": archive,
        "cache": folder / "var" / "rasa-cache" / registry.code_digest(),
        "training": {
            "anew": anew,
            "one_phrase": one_phrase,
            "demanded": count_demanded(content),
        },
    }


def copy_content(folder):
    """A copy of the content, and of what a training takes besides, in a folder of a candidate."""
    data = shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns(".*"))
    for name in registry.CONFIGURATION:
        shutil.copy2(ROOT / name, folder)
    return Path(data)


def find_articles(content):
    """The articles that have phrases to leave out, and to ask."""
    return [
        article
        for article in content.articles.values()
        if any(q.train for q in article.questions) and any(q.test for q in article.questions)
    ]


def count_demanded(content):
    """{article: how many phrases the check wants of it, were QUESTIONS of its questions like all of
    them}."""
    return {
        article.id: round(
            phrases.FEWEST
            * QUESTIONS
            * sum(not common for common in find_common(content, article))
            / len(article.questions)
        )
        for article in content.articles.values()
    }


def find_common(content, article):
    """Of each question whether data/facets.yml teaches it."""
    known = facets.read_facets(content.folder)
    return [facets.is_common(question, article.about, known) for question in article.questions]


def change_one_phrase(data, article):
    """Put a word behind a phrase that teaches."""
    question = next(question for question in article.questions if question.train)
    changed = f"{question.train[0]} please", *question.train[1:]
    write_phrases(
        data,
        article,
        {q.name: changed if q is question else q.train for q in article.questions},
    )


def write_phrases(data, article, trains):
    """Write an article's file of phrases: `trains`, {question: its train phrases}, and the test
    phrases as they are."""
    listed = {}
    for question in article.questions:
        lists = {"train": list(trains[question.name]), "test": list(question.test)}
        listed[question.name.partition(".")[2]] = {
            kind: each for kind, each in lists.items() if each
        }
    path = phrases.path_of(data, article.id)
    path.write_text(
        yaml.safe_dump({id: lists for id, lists in listed.items() if lists}, allow_unicode=True),
        encoding="utf-8",
    )


def make_new(data, content, article, kept):
    """Let an article of the content folder `data` be a new one: `kept` of each question's own
    phrases, and nothing that other hands asked on its page or of it."""
    trains = {}
    for question, common in zip(article.questions, find_common(content, article), strict=True):
        drawn = random.Random(f"{SEED} {question.name}").sample(question.train, len(question.train))
        trains[question.name] = drawn[: kept if common else max(kept, phrases.FEWEST)]
    write_phrases(data, article, trains)
    for path in (data / "asked").glob("*.yml"):
        messages = yaml.load(path.read_text(encoding="utf-8"), articles.LOADER)["messages"]
        left = [message for message in messages if not is_about(message, article.id)]
        # JSON is YAML, and written a hundred times as fast
        path.write_text(json.dumps({"messages": left}, ensure_ascii=False), encoding="utf-8")


def is_about(message, article):
    """Whether a message of another hand was asked on an article's page, or is answered by it."""
    asks = message.get("asks") or []
    names = [asks] if isinstance(asks, str) else asks
    return message.get("page") == article or any(n.startswith(f"{article}.") for n in names)


def measure_articles(folder, whole, names=None):
    """{step: {article: what `ask_article` counts}} of the articles, or of those with these
    names."""
    listed = [each for each in find_articles(whole["content"]) if each.id in (names or [each.id])]
    say("articles as new ones, % of phrases: right one")
    jobs = [(article, step) for step in STEPS for article in listed]
    results = {step: {} for step in STEPS}

    def work(job):
        article, step = job
        with tempfile.TemporaryDirectory(dir=folder) as own:
            archive = whole["archive"]
            if STEPS[step] is not None:
                data = copy_content(Path(own))
                make_new(data, whole["content"], article, STEPS[step])
                archive = train_archive(Path(own), whole["cache"])
            return ask_article(archive, whole["content"], article)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for (article, step), found in zip(jobs, pool.map(work, jobs), strict=True):
            results[step][article.id] = found
            got = share_groups([found], *QUESTIONED)
            said = f"{got['first']:.1f} first, {got['among_three']:.1f} among three"
            say(f"  {article.id}, {step}: {said}")
    return results


def train_archive(folder, known=None):
    """The archive of a candidate's folder; without the net of dangers, of which an understanding
    takes nothing. Of the folder of a training before, where one is `known`, the vectors of texts
    are taken over, and how sure a score is: a library with some phrases less is hardly less sure,
    and to measure that is most of a training's work."""
    cache, archive = folder / "cache", folder / registry.ARCHIVE
    cache.mkdir()
    command = [*registry.RASA, "train", str(folder), str(archive)]
    if known:
        for name in ("vectors.npz", "calibration.npz"):
            (cache / name).symlink_to(known / name)
        command = [registry.RASA[0], "-c", AS_SURE, *command[len(registry.RASA) :]]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "RASA_CACHE_DIRECTORY": str(cache)},
        capture_output=True,
        text=True,
    )
    if done.returncode or not archive.is_file():
        raise RuntimeError(
            f"the training failed; Rasa said:\n{(done.stdout + done.stderr)[-3000:]}"
        )
    return archive


def read_strangers(article):
    """What an article's text doesn't answer, asked on its page."""
    return [
        row
        for pattern in ASKED
        for path in sorted((ROOT / "tests" / "asked").glob(pattern))
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())
        if row["kind"] in STRANGE and row["page"] == article
    ]


def ask_article(archive, content, article, most=None):
    """{"common", "own", "strangers": {asked, and of them how many: COUNTED}}: an article's test
    phrases of questions that facets.yml teaches, of the others, and what it doesn't answer; at
    `most` so many of each."""
    groups = {"common": [], "own": [], "strangers": read_strangers(article.id)}
    for question, common in zip(article.questions, find_common(content, article), strict=True):
        groups["common" if common else "own"] += [
            {"text": text, "page": article.id, "question": question.name} for text in question.test
        ]
    groups = {name: rows[:most] for name, rows in groups.items()}
    understood = asked.ask(
        settings.read_settings(), archive, [row for rows in groups.values() for row in rows], True
    )
    screen, results = danger_screen.load_screen(content.folder), iter(understood)
    return {
        name: count_results(rows, [next(results) for _ in rows], screen)
        for name, rows in groups.items()
    }


def count_results(rows, results, screen):
    """{asked, and of them how many: COUNTED}."""
    found = collections.Counter({"asked": len(rows)})
    for row, result in zip(rows, results, strict=True):
        own = asked.rank_questions(row, result)[1]
        found["first"] += row["question"] in own[:1]
        found["among_three"] += row["question"] in own[: asked.CHOICES]
        got = asked.tell(row, result, screen)
        found[got if got in dict(COUNTED) else "else"] += 1
    return dict(found)


def share_groups(found, *names):
    """{COUNTED: share in percent, "asked": how many}, of the groups with these names in what
    `ask_article` counted of articles."""
    total = collections.Counter()
    for groups in found:
        for name in names:
            total.update(groups[name])
    shares = {name: 100 * total[name] / max(total["asked"], 1) for name, _ in COUNTED}
    return {**shares, "asked": total["asked"]}


def page(results):
    """docs/articles-figures.md."""
    lines = ["# Figures of new articles", "", *textwrap.wrap(INTRODUCTION.strip(), 100), ""]
    for key, describe in (
        ("articles", describe_articles),
        ("library", describe_library),
        ("training", describe_training),
    ):
        lines += describe(results[key]) if key in results else []
    lines += [
        f"Measured {results['at']}, {results['cores']} cores of {results['machine']}, commit "
        f"{results['commit']}; one run.",
    ]
    return "\n".join(lines) + "\n"


def describe_articles(found):
    """The lines of what `measure_articles` found."""
    whole, own, strangers = (
        {step: share_groups(found[step].values(), *names) for step in STEPS}
        for names in (QUESTIONED, ("own",), ("strangers",))
    )
    lines = [
        f"| phrases kept | {' | '.join(f'{step} | to reach' for step in STEPS)} |",
        "| --- " * (1 + 2 * len(STEPS)) + "|",
    ]
    lines += [make_row(title, whole, key, TO_REACH.get(key, {})) for key, title in COUNTED]
    about_own = "of what data/facets.yml doesn't teach"
    lines += [
        make_row(f"{about_own}, {dict(COUNTED)[key]}", own, key, {})
        for key in ("first", "among_three")
    ]
    lines.append(make_row("near strangers: answered", strangers, "wrong", STRANGERS_TO_REACH))
    said = (
        f"In percent of {whole['all']['asked']} phrases of {len(found['all'])} articles; "
        f"{own['all']['asked']} of them ask what data/facets.yml doesn't teach. "
        f"{strangers['all']['asked']} near strangers."
    )
    lines += ["", *textwrap.wrap(said, 100), ""]
    lines += [
        f"| the right one first / among three | {' | '.join(STEPS)} |",
        "| --- " * (1 + len(STEPS)) + "|",
    ]
    for article in found["all"]:
        each = [share_groups([found[step][article]], *QUESTIONED) for step in STEPS]
        cells = [f"{shares['first']:.1f} / {shares['among_three']:.1f}" for shares in each]
        lines.append(f"| {article} | {' | '.join(cells)} |")
    return [*lines, ""]


def make_row(title, shares, key, to_reach):
    """A row of a table with two columns a step: the share of `key`, and what is to be reached."""
    cells = []
    for step in STEPS:
        share, wanted = shares[step][key], to_reach.get(step)
        cells += [f"{share:.1f}", "" if wanted is None else judge(share, wanted, key == "wrong")]
    return f"| {title} | {' | '.join(cells)} |"


def judge(value, to_reach, is_most=False):
    """What is to be reached, and whether it falls short; `is_most`: no more than that."""
    short = value > to_reach if is_most else value < to_reach
    return f"{to_reach}{': **short**' if short else ''}"


def describe_library(found):
    """The lines of what `library.measure_without_phrases` found."""
    lines = [
        f"## {found['conditions']:,} conditions without a phrase",
        "",
        *textwrap.wrap(LIBRARY.strip(), 100),
        "",
        f"| of {found['asked']} wordings that were left out, % | | to reach |",
        "| --- | --- | --- |",
    ]
    for key, title in library.SHARES:
        share, wanted = 100 * found[key], CONDITIONS_TO_REACH.get(key)
        cell = "" if wanted is None else judge(share, wanted, key != "right")
        lines.append(f"| {title} | {share:.1f} | {cell} |")
    seconds = f"{found['train']:.0f} ({found['understanding']:.0f})"
    return [*lines, f"| training, s (without the net of dangers) | {seconds} | |", ""]


def describe_training(found):
    """The lines of what `train_whole` measured."""
    demanded = sorted(found["demanded"].values())
    return [
        "## What a new article costs",
        "",
        "| | |",
        "| --- | --- |",
        f"| phrases that an article of {QUESTIONS} questions must have: where facets.yml teaches "
        f"all of them | 0 |",
        f"| and where they are as those of the {len(demanded)} here | {demanded[0]} to "
        f"{demanded[-1]} |",
        f"| training, all anew, with the net of dangers | {found['anew']:.0f} s |",
        f"| training after a change of one phrase | {found['one_phrase']:.0f} s |",
        "",
    ]


if __name__ == "__main__":
    main()
