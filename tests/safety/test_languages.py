"""Messages in other languages: heard, answered in their own, and never taken for English or English
for them."""

import asyncio
import json
from pathlib import Path

import pytest

from bot.conversation import screening, turns
from bot.safety import danger_messages as taught
from bot.safety import danger_screen, languages, patterns, verdicts
from tests.support import danger_messages

ROOT = Path(__file__).resolve().parents[2]
OPEN = [
    json.loads(line)
    for line in (ROOT / "tests/safety/languages_open.jsonl").read_text("utf-8").splitlines()
]
TWELVE = {"es", "fr", "de", "it", "pt", "pl", "tr", "ar", "hi", "uk", "ru", "zh"}


@pytest.fixture(scope="module")
def rules():
    return danger_screen.load_screen(ROOT / "data")


def screen(rules, text):
    return asyncio.run(screening.screen_message(rules, None, text))


def test_all_open_dangers_are_answered_in_their_language(rules):
    missed = []
    for row in OPEN:
        danger = screen(rules, row["text"]).danger
        if row["danger"] and danger != danger_screen.Danger(
            row["kind"], f"language.{row['language']}"
        ):
            missed.append((row["text"], danger))
    assert not missed


def test_no_open_harmless_message_is_alarmed_and_each_is_known_as_its_language(rules):
    wrong = [
        row["text"]
        for row in OPEN
        if not row["danger"]
        and screen(rules, row["text"]) != verdicts.Verdict(language=row["language"])
    ]
    assert not wrong


@pytest.mark.parametrize("code", sorted(TWELVE))
def test_every_language_has_texts_that_name_the_number_of_the_country(rules, code):
    assert set(rules.languages.known) == TWELVE
    for kind in ("emergency", "crisis"):
        reply = danger_screen.danger_reply(
            rules, danger_screen.Danger(kind, f"language.{code}"), "GB"
        )
        assert (reply["kind"], reply["language"]) == (kind, code)
        assert "999" in reply["text"]
        assert "tel:999" in [line["tel"] for line in reply["numbers"]]
    assert (
        turns.complete_reply(danger_screen.decline_language(rules, code, "DE"))["language"] == code
    )
    assert "112" in danger_screen.decline_language(rules, code, "DE")["text"]
    assert "{" not in danger_screen.decline_language(rules, code, None)["text"]


def test_a_crisis_names_the_crisis_line_first(rules):
    numbers = danger_screen.danger_reply(
        rules, danger_screen.Danger("crisis", "language.es"), "ES"
    )["numbers"]
    assert [line["line"] for line in numbers] == ["crisis", "emergency"]


def test_a_language_without_texts_is_declined_in_english(rules):
    verdict = screen(rules, "wat zijn de bijwerkingen van clonazepam")
    assert verdict.language == languages.OTHER
    reply = danger_screen.decline_language(rules, verdict.language, "NL")
    assert reply["text"] == "Sorry, I only answer in English. In an emergency, call 112."


@pytest.mark.parametrize(
    "text", ["no quiero morir", "je ne veux pas mourir", "sto morendo di fame"]
)
def test_what_takes_a_danger_back_is_heard(rules, text):
    assert screen(rules, text).danger is None


@pytest.mark.parametrize(
    "text",
    ["was ist epilepsie", "que es el hipo", "хочу померти", "mujhe jhatke aate hain kya karu"],
)
def test_short_messages_are_known(rules, text):
    assert danger_screen.screen_language(rules, text)[0]


@pytest.mark.parametrize(
    "text",
    [
        "baclofen",
        "tremor",
        "i want to die",
        "suicide",
        "anaphylaxis",
        "ta ta",
        "valproato?",
        "me no sleep, hand shake, what do",
        "wot iz epilespy",
        "my dad is on sinemet n madopar",
    ],
)
def test_names_slips_and_thin_english_are_english(rules, text):
    assert danger_screen.screen_language(rules, text) == (None, None)


def test_hardly_an_english_message_is_taken_for_another_language(rules):
    found, _ = taught.read_danger_messages(ROOT / "data", rules.kinds)
    texts = {message.text for message in found} | set(danger_messages.phrases(ROOT / "data"))
    strange = [text for text in texts if danger_screen.screen_language(rules, text)[0]]
    # those that are written in English letters and words alone; the others mix languages
    wrong = [text for text in strange if _is_english(rules, text)]
    assert len(wrong) <= 0.001 * len(texts), wrong


def _is_english(rules, text):
    """Whether at least half of the words are frequent English ones."""
    words = patterns.fold_text(text).split()
    return 2 * sum(word in rules.languages.english for word in words) > len(words)


@pytest.mark.parametrize("way", [0, -1])
def test_every_phrase_is_found_in_a_text_that_says_it(rules, way):
    """With the first or the last of its alternatives, with and without its optional words."""
    lost = []
    for code, language in rules.languages.known.items():
        for _, phrase in language.dangers:
            han, steps = bool(patterns.HAN.search(phrase)), phrase.replace("&", ">").split(">")
            said = [
                word.removesuffix("?").split("/")[way].removesuffix("*").replace("_", "x")
                for step in steps
                for word in step.split()
                if not (way and word.endswith("?"))
            ]
            text = patterns.fold_text("".join(said) if han else " ".join(said))
            if not patterns.stands_in(text, phrase):
                lost.append((code, phrase, text))
    assert not lost


def test_a_danger_in_a_mixed_message_with_enough_english_is_heard(rules):
    text = "mi primo está convulsionando on the warehouse floor, nobody here knows what to do"
    assert screen(rules, text).danger


def test_an_english_rule_that_hears_a_foreign_message_is_answered_in_its_language(rules):
    danger = danger_screen.in_language(rules, danger_screen.Danger("crisis", "own_life"), "fr")
    assert danger == danger_screen.Danger("crisis", "language.fr")
    kept = danger_screen.Danger("crisis", "own_life")
    assert danger_screen.in_language(rules, kept, languages.OTHER) == kept


def test_a_file_that_lacks_a_text_is_a_fault_with_its_path(tmp_path):
    path = tmp_path / "languages.yml"
    text = (ROOT / "data/languages.yml").read_text("utf-8")
    path.write_text(text.replace("      only_english:", "      only:", 1), "utf-8")
    loaded, faults = languages.read_languages(path)
    assert loaded is None
    assert [str(fault) for fault in faults] == [
        f"{path}:1: es has no text 'only_english'; write it"
    ]


def test_yaml_that_is_none_is_a_fault_with_its_line(tmp_path):
    path = tmp_path / "languages.yml"
    path.write_text("languages:\n  es: [", "utf-8")
    assert str(languages.read_languages(path)[1][0]).startswith(f"{path}:2: not YAML")


def test_a_site_may_do_without_the_file(tmp_path):
    assert languages.read_languages(tmp_path / "languages.yml") == (None, [])


@pytest.mark.parametrize("text", ["?" * 2000, "é" * 2000, "你" * 2000, "no " * 700, "\u0301" * 99])
def test_any_signs_get_a_verdict(rules, text):
    screen(rules, text)
