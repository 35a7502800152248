"""How the live release understands the `test` phrases of its articles, as they stand and made
harder.

Every row asks the same phrases through the whole pipeline, each changed in one way, and gives the
drop against the same phrases unchanged; the last rows ask what another hand wrote
(another_hand.yml). Prints the table, writes var/robustness.json and docs/images/confusions.svg:
which article's answers the phrases of each got."""

import json
import random
import re
import sys
from collections import Counter
from pathlib import Path

import yaml

from bot.content import site_content, terms
from bot.language import spelling
from bot.releases import registry
from bot.runtime import settings

ROOT = settings.ROOT
PLOT = ROOT / "docs" / "images" / "confusions.svg"
ANOTHER_HAND = Path(__file__).with_name("another_hand.yml")
AS_THEY_STAND = "as they stand"
OF_ANOTHER_HAND, TWO_OF_ANOTHER_HAND, STORIES_OF_ANOTHER_HAND = (
    "of another hand",
    "of another hand: two questions",
    "of another hand: stories",
)
SEED = 7
MOST_DROP = 5  # points
NEAR = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        "qwsz vghn xdfv serfcx wsdr drtgvc ftyhbv gyujnb ujko huikmn jiolm kop njk bhjm iklp ol "
        "wa edft "
        "awedxz rfgy yhji cfgb qase zsdc tghu asx".split(),
        strict=False,
    )
)
STORIES = [
    (
        "My sister is 34 and works nights in a bakery.",
        "She has had a hard year and moved house in spring.",
        "I promised her to find out.",
    ),
    (
        "Hello, I hope somebody reads this.",
        "My son turned nine in March and loves football.",
        "I sat down tonight to look it up at last.",
    ),
    (
        "I am a retired teacher and live alone.",
        "A friend of mine from the choir told me about this page.",
        "There is one thing that I would like to know.",
    ),
    (
        "We came home from a long trip on Sunday.",
        "My husband has been quiet since then.",
        "He wants me to ask this for him.",
    ),
]
# British and American, both ways.
SPELLINGS = [
    ("gp", "physician"),
    ("gps", "physicians"),
    ("doctor", "gp"),
    ("doctors", "physicians"),
    ("paediatrician", "pediatrician"),
    ("paediatric", "pediatric"),
    ("generalised", "generalized"),
    ("specialised", "specialized"),
    ("recognise", "recognize"),
    ("tumour", "tumor"),
    ("behaviour", "behavior"),
    ("anaesthetic", "anesthetic"),
    ("centre", "center"),
    ("mum", "mom"),
    ("jab", "shot"),
    ("jabs", "shots"),
    ("physio", "physical therapy"),
    ("a&e", "the er"),
    ("tablets", "pills"),
    ("surgery", "operation"),
    ("neighbour", "neighbor"),
    ("diarrhoea", "diarrhea"),
    ("learnt", "learned"),
    ("practise", "practice"),
    ("nappy", "diaper"),
    ("paracetamol", "acetaminophen"),
    ("kids", "children"),
    ("colour", "color"),
]
LAY_WORDS = ("muscle jerks", "sudden jerks", "jumps", "jolts", "zaps", "twitches", "muscle spasms")
JERKS = {
    "myoclonus",
    "myoclonic jerks",
    "muscle jerks",
    "jerks",
    "twitches",
    "jolts",
    "body jerks",
    "body jumps",
}


def mistype(text, draw, count=2):
    """`text` with `count` letters left out, doubled, swapped with the next or hit beside, in words
    of four letters or more."""
    for _ in range(count):
        places = [i for word in re.finditer(r"[A-Za-z]{4,}", text) for i in range(*word.span())]
        if not places:
            return text
        i = draw.choice(places)
        letter, rest = text[i], text[i + 1 :]
        text = text[:i] + draw.choice(
            [
                rest,
                2 * letter + rest,
                rest[:1] + letter + rest[1:],
                draw.choice(NEAR[letter.lower()]) + rest,
            ]
        )
    return text


def bury(text, draw):
    """`text` as the last of four sentences, or the one before the last of them."""
    first, second, third = draw.choice(STORIES)
    asked = text[0].upper() + text[1:] + ("" if text[-1] in ".?!" else "?")
    return (
        f"{first} {second} {third} {asked}"
        if draw.random() < 0.5
        else f"{first} {third} {asked} {second}"
    )


def respell(text):
    """`text` with the other country's words; as it was where it holds none."""
    other = {a: b for pair in SPELLINGS for a, b in (pair[::-1], pair)}
    return re.sub(r"[a-z&]+", lambda word: other.get(word.group(), word.group()), text)


def rename(text, mentions, names, draw):
    """`text` with each medicine under another of its names that is no misspelling of this one."""
    for mention in reversed([mention for mention in mentions if mention.kind == "medicine"]):
        now = text[mention.start : mention.end].lower()
        others = [
            name
            for name, term in names.items()
            if term == mention.term and spelling.typing_distance(name, now) > 4
        ]
        # The canonical name and the first of the others are no misspellings.
        others = [name for name in others if name == mention.term] or others[:3]
        if others:
            text = text[: mention.start] + draw.choice(others) + text[mention.end :]
    return text


def reword(text, mentions, draw):
    """`text` with the jerks in other everyday words."""
    for mention in reversed(
        [mention for mention in mentions if text[mention.start : mention.end].lower() in JERKS]
    ):
        now = text[mention.start : mention.end].lower()
        text = (
            text[: mention.start]
            + draw.choice([word for word in LAY_WORDS if word != now])
            + text[mention.end :]
        )
    return text


def rows(phrases, find, names):
    """{row: [(text, the questions that may answer it, the unchanged phrase)]} of the phrases
    [(text, question)]."""
    draw = random.Random(SEED)

    def changed(change):
        made = [(change(text), {question}, text) for text, question in phrases]
        return [each for each in made if each[0] != each[2]]

    by_article = {}
    for text, question in phrases:
        by_article.setdefault(question.partition(".")[0], []).append((text, question))
    pairs = []
    for text, question in phrases:
        other, second = draw.choice(
            [pair for pair in by_article[question.partition(".")[0]] if pair[1] != question]
        )
        pairs.append((f"{text.rstrip('?.! ')}? {other}", {question, second}, text))
    return {
        AS_THEY_STAND: [(text, {question}, text) for text, question in phrases],
        "two typos": changed(lambda text: mistype(text, draw)),
        "no punctuation, no capitals": [
            (re.sub(r"[^\w\s]", "", text.lower()), {question}, text) for text, question in phrases
        ],
        "all in capitals": changed(str.upper),
        "at the end of a story, or within": changed(lambda text: bury(text, draw)),
        "two questions in one message": pairs,
        "British and American words": changed(respell),
        "medicines under other names": changed(lambda text: rename(text, find(text), names, draw)),
        "jerks in everyday words": changed(lambda text: reword(text, find(text), draw)),
    }


def figures(asked, understood):
    """Shares in %, and how many were asked; `both`: one question answered and the other one
    offered."""
    right = [
        result["intent"]["name"] in wanted
        for (_, wanted, _), result in zip(asked, understood, strict=True)
    ]
    offered = wrong = both = 0
    for (_, wanted, _), result, hit in zip(asked, understood, right, strict=True):
        name, also = result["intent"]["name"], (result.get("context") or {}).get("also")
        offered += name == site_content.FALLBACK and bool(
            wanted & {other["name"] for other in result["intent_ranking"][1 : registry.OFFERED + 1]}
        )
        wrong += not hit and "." in name
        both += hit and {name, also} == wanted
    count = len(asked)
    return {
        "count": count,
        "right": 100 * sum(right) / count,
        "offered": 100 * offered / count,
        "wrong": 100 * wrong / count,
        "both": 100 * both / count,
    }


def confusions(asked, understood, articles):
    """{article: {whose answer its phrases got}}; `` is none's: asked back, or declined."""
    found = {article: Counter() for article in articles}
    for (_, wanted, _), result in zip(asked, understood, strict=True):
        got = result["intent"]["name"]
        found[next(iter(wanted)).partition(".")[0]][
            got.partition(".")[0] if "." in got else ""
        ] += 1
    return found


def table(results):
    lines = [
        "| | phrases | right % | asked back with the right one % | another answer % | drop, "
        "points |",
        "| --- " * 6 + "|",
    ]
    lines += [
        f"| {row} | {r['count']} | {r['right']:.1f} | {r['offered']:.1f} | {r['wrong']:.1f} | "
        + (f"{r['drop']:.1f}{' **over**' if r['drop'] > MOST_DROP else ''}" if "drop" in r else "")
        + " |"
        for row, r in results.items()
    ]
    return "\n".join(lines)


def plot(found, path):
    """A map, as plain SVG: a row an article that is asked about, a column an article that
    answers."""
    columns, cell, left = [*found, ""], 66, 190
    top = 22 + 12 * max(len(column.split("_")) for column in found)  # a line for each word
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + cell * len(columns) + 10} '
        f'{top + 30 * len(found) + 10}" '
        'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{left}" y="14">answered from, % of the phrases</text><text x="8" '
        f'y="{top - 10}">asked about</text>',
    ]
    for j, column in enumerate(columns):
        words = (column or "no answer").replace("_", " ").split()
        parts += [
            f'<text x="{left + cell * j + cell / 2}" y="{28 + 12 * i}" '
            f'text-anchor="middle">{word}</text>'
            for i, word in enumerate(words)
        ]
    for i, (article, counts) in enumerate(found.items()):
        y = top + 30 * i
        parts.append(
            f'<text x="{left - 8}" y="{y + 19}" '
            f'text-anchor="end">{article.replace("_", " ")}</text>'
        )
        for j, column in enumerate(columns):
            share = 100 * counts[column] / sum(counts.values())
            colour = (
                "31,119,80" if column == article else "120,120,120" if not column else "190,40,40"
            )
            # another condition's answers stand out
            depth = share / 100 if column in (article, "") else min(1, share / 5)
            parts.append(
                f'<rect x="{left + cell * j}" y="{y}" width="{cell - 2}" height="28" '
                f'fill="rgb({colour})" fill-opacity="{max(depth, 0.04):.2f}"/>'
            )
            if share:
                parts.append(
                    f'<text x="{left + cell * j + cell / 2 - 1}" y="{y + 19}" text-anchor="middle" '
                    f'fill="{"#fff" if depth > 0.55 else "#111"}">{share:.1f}</text>'
                )
    path.write_text("\n".join([*parts, "</svg>\n"]), encoding="utf-8")


def main():
    config = settings.read_settings()
    id = registry.live_release(config)
    if id is None:
        sys.exit("there is no live release to measure; run `bot prepare`")
    folder = registry.folder_of(config, id)
    loaded = site_content.load_content(folder / "data")
    phrases = [
        (phrase, question.name)
        for question in loaded.questions.values()
        for phrase in question.test
    ]
    wanted = rows(phrases, terms.make_finder(loaded.kinds, loaded.names), loaded.names)
    other = yaml.safe_load(ANOTHER_HAND.read_text(encoding="utf-8"))
    wanted[OF_ANOTHER_HAND] = [
        (text, {question}, text) for question, texts in other["questions"].items() for text in texts
    ]
    for row, entries in (
        (TWO_OF_ANOTHER_HAND, other["two_questions"]),
        (STORIES_OF_ANOTHER_HAND, other["stories"]),
    ):
        wanted[row] = [(each["text"], set(each["asks"]), each["text"]) for each in entries]
    turned_away = [text for texts in other["outcomes"].values() for text in texts]
    messages = [
        {"text": text}
        for text in [*(text for asked in wanted.values() for text, _, _ in asked), *turned_away]
    ]
    understood = iter(registry.understand_messages(config, folder / registry.ARCHIVE, messages)[1])
    got = {row: [next(understood) for _ in asked] for row, asked in wanted.items()}
    answered = [
        result["intent"]["name"] for result in understood if "." in result["intent"]["name"]
    ]
    clean = {
        text: result["intent"]["name"] in right
        for (text, right, _), result in zip(wanted[AS_THEY_STAND], got[AS_THEY_STAND], strict=True)
    }
    results = {row: figures(asked, got[row]) for row, asked in wanted.items()}
    for row, asked in wanted.items():
        if row != AS_THEY_STAND and not row.startswith(OF_ANOTHER_HAND):
            results[row]["drop"] = (
                100 * sum(clean[text] for _, _, text in asked) / len(asked) - results[row]["right"]
            )
    found = confusions(wanted[AS_THEY_STAND], got[AS_THEY_STAND], loaded.articles)
    crossed = sum(
        count
        for article, counts in found.items()
        for other, count in counts.items()
        if other not in (article, "")
    )
    print(table(results))
    print(
        f"\nTwo questions: one answered and the other offered "
        f"{results['two questions in one message']['both']:.1f} %."
    )
    print(
        f"Of {len(turned_away)} messages of another hand that no article answers {len(answered)} "
        f"got an article's answer."
    )
    print(
        f"Another condition's answer: {100 * crossed / len(phrases):.2f} % of the phrases as "
        f"they stand."
    )
    plot(found, PLOT)
    path = config.path("var") / "robustness.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(
            {
                "release": id,
                "rows": results,
                "confusions": found,
                "turned_away": [len(turned_away), len(answered)],
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
