"""docs/widget.md says what the code does; the code is typed, and small."""

import gzip
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from bot.web import public_pages
from tests.support.browser import names_in
from tests.widget.standin import STRICT, WIDGET

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DOCS = (ROOT / "docs" / "widget.md").read_text()
CODE = (WIDGET / "widget.js").read_text()
EMBED = (WIDGET / "embed.js").read_text()


def section(heading: str) -> str:
    return DOCS.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def column(text: str, at: int) -> list[str]:
    """That column of a table's rows, without its head."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [row.split("|")[at].strip() for row in rows[2:]]


def in_ticks(text: str) -> set[str]:
    return names_in(r"`([^`]+)`", text)


@pytest.fixture
def texts(visit) -> dict:
    """The widget's words, as the browser has them."""
    return visit().element.evaluate("element => element.texts")


def test_the_attributes_are_those_of_the_code():
    read = names_in(
        r"getAttribute\('([a-z]+)'\)|:host\(\[(?:[a-z]+)", CODE.partition("get texts")[2]
    )
    observed = names_in(r"'([a-z]+)'", re.search(r"observedAttributes = \[(.*?)\]", CODE)[1])
    documented = in_ticks(" ".join(column(section("Attributes"), 1)))
    assert documented == observed | {"theme"}
    assert {name for name in read if name} - {"value", "label", "lang"} <= documented
    assert ":host([theme=dark])" in CODE


def test_the_properties_are_those_of_the_code():
    assert in_ticks(" ".join(column(section("Properties"), 1))) == names_in(
        r"\n  set (\w+)\(", CODE
    )


def test_the_events_and_their_details_are_those_of_the_code():
    told = {
        name: names_in(r"(\w+)(?=[:,}]|$)", re.sub(r":[^,}]+", "", detail))
        for name, detail in re.findall(r"#tell\('(\w+)', \{([^}]*)\}", CODE)
    }
    told |= {
        name: set()
        for name in re.findall(r"'(open|close)'", re.search(r"#tell\(open \? .*", CODE)[0])
    }
    table = section("Events")
    documented = {
        name.strip("`").removeprefix("symptom-chat:"): in_ticks(detail)
        for name, detail in zip(column(table, 1), column(table, 3), strict=True)
    }
    assert documented == told
    codes = names_in(r"new Trouble\('(\w+)'", CODE) | names_in(r"'(timeout|offline)'", CODE)
    assert codes <= in_ticks(table)


def test_the_custom_properties_and_parts_are_those_of_the_code():
    look = section("Look")
    assert names_in(r"(--symptom-chat-[a-z-]+)", look) == names_in(
        r"var\((--symptom-chat-[a-z-]+)", CODE
    )
    listed = in_ticks(look.partition("border-radius: 0 }`:")[2].partition("An inline widget")[0])
    parts = names_in(r"part: ['`]([a-z]+)", CODE) | names_in(r"\$\{danger \? '(\w+)'", CODE)
    assert {name for name in listed if name.isalpha()} == parts


def test_the_address_of_the_frame_version_takes_what_is_documented():
    taken = names_in(r"'([a-z]+)'", re.search(r"TAKEN = \[(.*?)\]", EMBED)[1])
    sentence = re.search(r"Its address takes [^.]*\.", DOCS)[0]
    assert in_ticks(sentence) == taken


def test_the_csp_of_the_docs_is_the_one_under_test():
    (named,) = re.findall(r"```\n(script-src.*?)\n```", DOCS)
    assert (
        f"default-src 'none'; {named.replace('https://chat.example.org', '{origin}')}; " in STRICT
    )


def test_the_waiting_time_and_the_versions_are_those_of_the_code():
    assert f"over {int(re.search(r'PATIENCE = (\d+)_000', CODE)[1])} seconds" in DOCS


def test_the_shortcut_is_the_one_of_the_code():
    (named,) = names_in(r"'aria-keyshortcuts': '([^']+)'", CODE)
    assert f"{named} opens the chat" in section("By keyboard and screen reader")


def test_the_types_hold(node_modules):
    tsc = subprocess.run(
        ["npx", "--no-install", "tsc", "-p", HERE], cwd=HERE, capture_output=True, text=True
    )
    assert (tsc.returncode, tsc.stdout) == (0, "")


def test_no_text_is_unused(texts):
    rest = CODE.partition("// ----")[2]
    used = (
        names_in(r"\bt\.(\w+)", rest) | names_in(r"texts\.(\w+)", rest) | names_in(r"'(\w+)'", rest)
    )
    used |= names_in(r"'(\w+)'", re.search(r"REASONS = \[.*\]", CODE)[0])
    assert set(texts) <= used | {"emergency", "crisis", "unavailable"}


def test_the_emergency_numbers_are_those_of_the_safety_data():
    book = yaml.safe_load((ROOT / "data" / "emergency_numbers.yml").read_text())
    first = {code: lines["emergency"][0]["number"] for code, lines in book["countries"].items()}
    first |= {territory: first[country] for territory, country in book["territories"].items()}
    table = dict(re.findall(r"\n  '?(\d+)'?: '([A-Z ]+)',", CODE.partition("const EMERGENCY")[2]))
    here = {country: number for number, named in table.items() for country in named.split()}
    assert here == first


def test_it_is_under_24_kb_compressed_with_its_styles():
    assert len(gzip.compress(public_pages.read_script("widget.js").encode(), 6)) < 24_000


def test_what_is_served_lacks_comments_and_indents_and_nothing_else():
    served = public_pages.read_script("widget.js").splitlines()
    kept = (line.lstrip() for line in CODE.splitlines())
    left_out = [line for want in served for line in iter(lambda: next(kept), want)]
    left_out += list(kept)
    assert "@param" not in "\n".join(line for line in served if line.startswith(("/**", " *")))
    assert len(left_out) > 100
    assert all(line.startswith(("/**", "*", "//")) for line in left_out)


def test_the_map_in_its_head_names_what_is_there_in_its_order():
    head, _, code = CODE.partition("*/")
    names = re.findall(r"#?\w+", " ".join(re.findall(r": (.*)", head.partition("bottom:")[2])))
    names = [
        name for name in names if re.fullmatch(r"[A-Z_]+|#?[a-z]+[A-Z]\w*|#\w+|[A-Z]\w+", name)
    ]
    assert len(names) > 30
    made = r"(?m)^(?:export )?(?:const|async function|function|class) {0}\b|^  (?:async )?{0}\("
    assert [name for name in names if not re.search(made.format(re.escape(name)), code)] == []
    titles = [f"- {title}" for title in re.findall(r"(?m)^// -+ (.*)$", code)]
    places = [head.find(title) for title in titles]
    assert len(titles) == 5 and -1 not in places and places == sorted(places)
