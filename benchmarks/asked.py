"""What first messages of other hands get from the live release (tests/asked/README.md).

python -m benchmarks.asked FILE ...   a table, with the page known and without; the same as JSON in
var/asked.json"""

import collections
import json
import sys
from pathlib import Path

from bot.content import site_content
from bot.releases import registry
from bot.runtime import settings
from bot.safety import danger_screen

CHOICES = 3
BINS = 10


def ask(config, archive, rows, with_page):
    """How an archive understands each row."""
    messages = [
        {
            "text": row["text"],
            "metadata": {"article": row["page"]} if with_page and row["page"] else {},
        }
        for row in rows
    ]
    return registry.understand_messages(config, archive, messages)[1]


def tell(row, result, screen):
    """What a visitor gets: "right", "right, unsure" (with others offered in its place), "beside"
    (the right one is so offered), "offered", "without", "wrong", "alarm", "quoted" (which
    benchmarks/passages.py judges), "declined" or "talk"."""
    if danger_screen.find_danger(screen, row["text"]):
        return "alarm"
    wanted, name = {row["question"], *row.get("also", ())} - {None}, result["intent"]["name"]
    if (result.get("context") or {}).get("passage"):
        return "quoted"
    if "." in name:
        beside = (result.get("context") or {}).get("instead") or ()
        if beside:
            if name in wanted:
                return "right, unsure"
            return "beside" if wanted & set(beside) else "wrong"
        return "right" if name in wanted else "wrong"
    if name == site_content.FALLBACK:
        return "offered" if wanted & set(list_choices(result)) else "without"
    return "declined" if name in site_content.OUTCOMES else "talk"


def list_choices(result):
    """The questions that are offered where it is asked back."""
    named = (result.get("context") or {}).get("choices")
    return named or [o["name"] for o in result["intent_ranking"] if "." in o["name"]][:CHOICES]


def rank_questions(row, result):
    """(all questions, the page's own), the likeliest first."""
    ranked = [other["name"] for other in result["intent_ranking"] if "." in other["name"]]
    return ranked, [name for name in ranked if name.startswith(f"{row['page']}.")]


def measure(config, rows, with_page):
    """{kind of message: {what it gets: %}}, and of the questions how often the right one is first,
    and among three, of all and of the page's own."""
    screen = danger_screen.load_screen(config.path("data"))
    archive = registry.folder_of(config, registry.live_release(config)) / registry.ARCHIVE
    results = ask(config, archive, rows, with_page)
    shares = {}
    for kind in dict.fromkeys(row["kind"] for row in rows):
        got = collections.Counter(
            tell(row, result, screen)
            for row, result in zip(rows, results, strict=True)
            if row["kind"] == kind
        )
        shares[kind] = {what: 100 * n / got.total() for what, n in got.most_common()}
        shares[kind]["messages"] = got.total()
    ranks = collections.Counter()
    for row, result in zip(rows, results, strict=True):
        if row["kind"] != "question":
            continue
        wanted = {row["question"], *row.get("also", ())}
        ranked, own = rank_questions(row, result)
        ranks["questions"] += 1
        for name, listed in (("all", ranked), ("the page's own", own)):
            ranks[f"first of {name}"] += bool(wanted & set(listed[:1]))
            ranks[f"among three of {name}"] += bool(wanted & set(listed[:CHOICES]))
    asked = max(ranks.pop("questions", 0), 1)
    return {
        "got": shares,
        "ranked": {name: 100 * n / asked for name, n in ranks.items()},
        "calibration_error": measure_calibration(rows, results),
    }


def measure_calibration(rows, results):
    """The expected calibration error in percent: how far the probability that the first question is
    right is from how often it is, over ten bins of as many messages each. None where nothing was
    decided."""
    pairs = []
    for row, result in zip(rows, results, strict=True):
        ways = (result.get("context") or {}).get("ways")
        if ways:
            wanted = {row["question"], *row.get("also", ())} - {None}
            first = next((o["name"] for o in result["intent_ranking"] if "." in o["name"]), None)
            pairs.append((ways["right"], row["kind"] == "question" and first in wanted))
    pairs.sort()
    size = -(-len(pairs) // BINS)
    bins = [pairs[i : i + size] for i in range(0, len(pairs), size or 1)]
    errors = [abs(sum(p for p, _ in each) - sum(right for _, right in each)) for each in bins]
    return 100 * sum(errors) / len(pairs) if pairs else None


def main(paths):
    config = settings.read_settings()
    rows = [json.loads(line) for path in paths for line in Path(path).read_text().splitlines()]
    figures = {
        "page known": measure(config, rows, True),
        "no page": measure(config, rows, False),
    }
    columns = ("right", "right, unsure", "beside", "offered", "without", "declined", "wrong")
    columns += ("alarm", "quoted", "talk")
    print(f"| | messages | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 2)}")
    for place, found in figures.items():
        for kind, got in found["got"].items():
            cells = [f"{got.get(column, 0):.1f}" for column in columns]
            print(f"| {kind}, {place} | {got['messages']} | {' | '.join(cells)} |")
    for place, found in figures.items():
        print(
            f"\n{place}: " + ", ".join(f"{n} {share:.1f}" for n, share in found["ranked"].items())
        )
        if found["calibration_error"] is not None:
            print(f"expected calibration error {found['calibration_error']:.1f} %")
    target = config.path("var") / "asked.json"
    target.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
