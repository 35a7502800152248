"""What Pamphlet doesn't do: decide about a person, answer from what is too old, say what must not
be said."""

import datetime
import re
import subprocess
import sys
from pathlib import Path

import conftest
import httpx
import pytest

from actions import personal_questions
from bot.content import replies, site_content, terms, wording
from bot.releases import registry
from bot.runtime import settings
from bot.safety import danger_screen

ROOT = Path(__file__).resolve().parents[2]
ASKED = [
    line
    for line in (ROOT / "tests/limits/personal_advice.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
TODAY = datetime.date.today()


@pytest.fixture(scope="module")
def library():
    return site_content.load_content(ROOT / "data")


# --- decisions about a person


@pytest.fixture(scope="module")
def declined(service):
    """(message, its first reply) for every message of the file."""
    return [(text, service.ask(text)[0]) for text in ASKED]


def test_forty_messages_ask_for_a_decision_and_none_of_them_is_taught(declined, library):
    taught = {
        re.sub(r"\W+", " ", phrase.lower()).strip()
        for talk in library.talk.values()
        for phrase in talk.train + talk.test
    }
    assert len(ASKED) == len(set(ASKED)) == 40
    assert not [text for text in ASKED if re.sub(r"\W+", " ", text.lower()).strip() in taught]


def test_a_decision_about_a_person_is_not_answered(declined):
    answered = [(text, reply["question"]) for text, reply in declined if reply["kind"] == "answer"]
    assert len(answered) <= 1, answered  # docs/intended-use.md tells the share


def test_most_decisions_are_declined_as_such(declined):
    others = [
        (text, reply["kind"])
        for text, reply in declined
        if reply["kind"] not in ("personal_advice", "emergency", "crisis")
    ]
    assert len(others) <= 0.3 * len(declined), others


def test_a_declined_decision_says_whom_to_ask_and_offers_general_answers(declined, library):
    found = [reply for _, reply in declined if reply["kind"] == "personal_advice"]
    questions = library.questions
    assert found
    for reply in found:
        assert "I'm a program" in reply["text"]
        assert re.search("doctor|nurse|pharmacist|person who prescribed", reply["text"])
        assert not re.search(
            r"\b(you (should|can|may|must)|please|just) (stop|start|continue|keep|take|carry on)\b",
            reply["text"],
            re.I,
        )
        assert all(choice["value"] in questions for choice in reply["choices"])
        assert 2 <= len(reply["choices"]) <= 3
        assert "article" not in reply and "confidence" not in reply


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("should i stop my keppra now the jerks are gone", "the person who prescribed"),
        ("do i have epilepsy or is it just twitches", "can't tell what anyone has"),
        ("can i go swimming alone with my seizures", "what is right for you"),
        ("does my daughter need a brain scan", "help you to decide"),
    ],
)
def test_a_medicine_a_diagnosis_daily_life_and_anything_else_are_declined_in_words_of_their_own(
    text, said, library
):
    kinds = [m.kind for m in terms.make_finder(library.kinds, library.names)(text)]
    reply = replies.personal_advice(library, [], (), personal_questions.find_text(text, kinds))
    assert said in reply["text"]


def test_somebody_who_is_afraid_hears_a_kind_sentence_first(library):
    assert personal_questions.is_afraid("can it kill me") and not personal_questions.is_afraid(
        "can i drive"
    )
    declined = replies.personal_advice(library, [], (), personal_questions.OTHER, afraid=True)
    assert declined["text"].startswith("I can hear that this worries you. I'm sorry")


def test_general_answers_are_offered_even_where_none_is_near(library):
    bare = replies.personal_advice(library, [])
    names = ["hiccups.what_is", "hiccups.causes"]
    filled = replies.fill_up(library, bare, names)
    assert [choice["value"] for choice in filled["choices"]] == names


def test_the_opening_says_what_this_is_what_it_covers_and_what_is_stored(service):
    notice = httpx.post(f"{service.url}/api/conversations", json={}).json()["notice"]
    for said in (
        "a computer program, not a doctor",
        "general information",
        "myoclonus",
        "kept for 30 days",
        "emergency number",
    ):
        assert said in notice


# --- the review clock


@pytest.mark.parametrize(
    ("days", "state"),
    [(0, "current"), (365, "current"), (366, "overdue"), (730, "overdue"), (731, "withdrawn")],
)
def test_the_clock_runs_from_the_last_review(library, days, state):
    article = library.articles["myoclonus"]
    assert article.review_every == 365, "the test is out of date"
    reply = replies.answer_question(
        library, "myoclonus.prevention", article.written_on + datetime.timedelta(days=days), 0.9
    )
    if state == "withdrawn":
        assert reply == {"kind": "not_covered", "text": library.texts["under_review"]}
    else:
        due = article.written_on + datetime.timedelta(days=365)
        late = f"The review of this page was due on {due.day} {due:%B %Y}"
        assert reply["kind"] == "answer"
        assert (late in reply["article"]["review"]) == (state == "overdue")


def age(data, days):
    """Let myoclonus have been written `days` ago."""
    path = data / "articles/myoclonus.md"
    text, count = re.subn(
        r"(?m)^written_on: .*$",
        f"written_on: {TODAY - datetime.timedelta(days=days)}",
        path.read_text(),
        count=1,
    )
    assert count == 1
    path.write_text(text)


@pytest.mark.parametrize(
    ("days", "kind", "answered", "shown", "hidden"),
    [
        (
            400,
            "answer",
            "The review of this page was due on",
            "The review of this page was due on",
            None,
        ),
        (800, "not_covered", "It is under review", "It is under review", "Can it be prevented"),
    ],
)
def test_an_article_past_its_review_says_so_and_past_twice_that_is_withdrawn(
    tmp_path, days, kind, answered, shown, hidden
):
    models = conftest.republish(tmp_path / "models", lambda data: age(data, days))
    with conftest.serving(tmp_path, MODELS=str(models)) as service:
        reply = service.ask("can myoclonus be prevented")[0]
        assert reply["kind"] == kind
        assert answered in (reply["article"]["review"] if kind == "answer" else reply["text"])
        page = httpx.get(f"{service.url}/articles/myoclonus").text
        assert shown in page and (hidden is None or hidden not in page)
        assert "due on" not in httpx.get(f"{service.url}/articles/hiccups").text


@pytest.mark.parametrize(
    ("days", "said"),
    [(10, None), (400, "; 0 of them are withdrawn"), (800, "; 32 of them are withdrawn")],
)
def test_bot_check_names_an_article_whose_review_is_late_and_does_not_fail(data, days, said):
    import os

    age(data, days)
    done = subprocess.run(
        [sys.executable, "-m", "bot", "check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "DATA": str(data)},
    )
    assert done.returncode == 0, done.stderr
    notices = [line for line in done.stdout.splitlines() if line.startswith("notice: ")]
    named = f"{data}/articles/myoclonus.md: 32 answers want a new review"
    assert [named in line and said in line for line in notices] == ([True] if said else [])


# --- the wording of all that can reach a visitor

BAD = (
    "It sounds like you have epilepsy.",
    "Take 500 mg in the evening.",
    "You don't need to see a doctor about this.",
    "You can stop taking it after a week.",
    "Please stop taking the tablets.",
    "There is no need to call a doctor.",
    "The idiopathic aetiology necessitates multidisciplinary neurological investigation "
    "preceding any individualised "
    "pharmacological or surgical intervention whatsoever.",
)


@pytest.mark.parametrize("bad", [BAD[0], BAD[-1]])
@pytest.mark.parametrize(
    "place",
    [
        "lead",
        "more",
        "title",
        "ask",
        "texts.yml",
        "a part of texts.yml",
        "safety text",
        "safety more",
    ],
)
def test_a_bad_wording_is_a_fault_wherever_an_editor_puts_it(data, place, bad):
    file, old, new = {
        "lead": ("articles/hiccups.md", r"(\n## .*\{#\w+\}\n)", rf"\g<1>{bad} [1]\n\n"),
        "more": ("articles/hiccups.md", r"\Z", rf"\n\n{bad} [1]\n"),
        "title": ("articles/hiccups.md", r"\n## .*(\{#\w+\})", rf"\n## {bad} \g<1>"),
        "ask": ("articles/hiccups.md", r"\n    ask: .*", rf'\n    ask: "{bad}"'),
        "texts.yml": ("texts.yml", r"\ngoodbye: .*", rf'\ngoodbye: "{bad}"'),
        "a part of texts.yml": ("texts.yml", r"\n  unclear: .*", rf'\n  unclear: "{bad}"'),
        "safety text": (
            "safety.yml",
            r"\n      Call \{emergency\} now\. Say that there is chest pain\.",
            rf"\n      Call {{emergency}} now. {bad}",
        ),
        "safety more": (
            "safety.yml",
            r"\n    more: If this was done",
            rf"\n    more: {bad} If this was done",
        ),
    }[place]
    conftest.keep_one_article(data, "hiccups")
    path = data / file
    text, count = re.subn(old, new, path.read_text(), count=1)
    assert count == 1, "the test is out of date"
    path.write_text(text)
    faults = site_content.check_content(data)
    assert [fault for fault in faults if file in str(fault)], faults


def widget_texts(source):
    """{key: text} of the widget's own texts."""
    block = re.search(r"\nconst TEXTS = \{\n(.*?)\n\};\n", source, re.DOTALL)[1]
    pairs = re.findall(r"(\w+):\s*('(?:[^'\\]|\\.)*'(?:\s*\+\s*'(?:[^'\\]|\\.)*')*)", block)
    return {
        key: "".join(re.findall(r"'((?:[^'\\]|\\.)*)'", text)).replace("\\'", "'")
        for key, text in pairs
    }


def page_texts(source):
    """What a template says by itself, line by line."""
    return [
        text
        for line in re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", source).splitlines()
        if (text := re.sub(r"<[^>]*>", " ", line).strip())
    ]


def plain(text):
    """A text with its blanks filled in."""
    return re.sub(r"\{\w+\}|<\w+>", "112", text)


def test_the_widget_and_the_pages_say_nothing_that_must_not_be_said():
    texts = widget_texts((ROOT / "bot/widget/widget.js").read_text())
    assert len(texts) > 60 and {"notice", "unavailable", "urgent", "forget_sure"} <= set(texts)
    faults = [
        (key, fault) for key, text in texts.items() for fault in wording.wording_faults(plain(text))
    ]
    pages = [*ROOT.glob("bot/web/templates/*.html"), ROOT / "bot/widget/embed.html"]
    assert len(pages) >= 3
    faults += [
        (path.name, fault)
        for path in pages
        for text in page_texts(path.read_text())
        for fault in wording.wording_faults(text)
    ]
    assert faults == []


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_wording_in_the_widget_or_a_page_would_be_found(bad):
    source = (
        (ROOT / "bot/widget/widget.js")
        .read_text()
        .replace("thanks: 'Thank you.'", f"thanks: '{bad.replace(chr(39), chr(92) + chr(39))}'", 1)
    )
    assert wording.wording_faults(plain(widget_texts(source)["thanks"]))
    page = (
        (ROOT / "bot/web/templates/article.html")
        .read_text()
        .replace("<h2>Sources</h2>", f"<h2>{bad}</h2>", 1)
    )
    assert [fault for text in page_texts(page) for fault in wording.wording_faults(text)]


def test_no_fixed_text_has_a_fault():
    assert site_content.check_content(ROOT / "data") == []


@pytest.mark.parametrize(
    "text",
    [
        "If you have questions, ask a pharmacist.",
        "Many people have jerks as they fall asleep.",
        "Stopping suddenly can be dangerous.",
        "Ask the doctor before anything is stopped.",
        "Some people need to see a doctor at once.",
        "It is your choice what to write here.",
    ],
)
def test_a_fair_wording_is_none(text):
    assert wording.wording_faults(text) == []


# --- a release that misses a danger


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            r"\n    - (.*)(\n(?:    - .*\n)*  crisis:)",
            r"\n    - he talked about the garden\n    - \1\2",
            "must be seen as emergency",
        ),
        (
            r"\n  crisis:\n    - .*",
            r"\n  crisis:\n    - i like my garden",
            "must be seen as crisis",
        ),
        (r"\nmust:.*\n", "\nmust_never:\n", "'must' needs two lists"),
    ],
)
def test_a_message_that_may_never_be_missed_blocks_a_release(data, old, new, said):
    path = data / "safety.yml"
    head, tail = path.read_text().split("\nmust:", 1)
    tail, count = re.subn(old, new, "\nmust:" + tail, count=1)
    assert count == 1
    path.write_text(head + tail)
    faults = [str(fault) for fault in danger_screen.check_rules(data)]
    assert [
        fault for fault in faults if said in fault and re.search(r"safety\.yml:\d+: ", fault)
    ], faults


@pytest.mark.parametrize("harm", ["a miss", "false alarms"])
def test_testing_a_candidate_fails_on_a_missed_danger_and_on_false_alarms(tmp_path, harm):
    def change(data):
        path = data / "safety.yml"
        if harm == "a miss":
            path.write_text(
                path.read_text().replace(
                    "\n  crisis:\n    - ", "\n  crisis:\n    - i like my garden\n    - ", 1
                )
            )
        else:
            text = path.read_text()
            assert (
                text.count("\n    chest, breastbone")
                == text.count("\n      - chest > chest_word")
                == 1
            ), "the test is out of date"
            path.write_text(
                text.replace(
                    "\n    chest, breastbone", "\n    myoclonus, hiccups, chest, breastbone"
                ).replace(
                    "\n      - chest > chest_word", "\n      - chest\n      - chest > chest_word"
                )
            )

    models = conftest.republish(tmp_path / "models", change)
    import dataclasses

    config = dataclasses.replace(
        settings.read_settings(),
        models=str(models),
        secret=settings.site_secret(settings.read_settings()),
    )
    report = registry.test_candidate(config, registry.live_release(config), lambda step, done: None)
    # the net, which hears nothing in them, keeps the phrases of articles from being warned of
    wanted = "must be seen as crisis" if harm == "a miss" else "must not match but does"
    assert [failure for failure in report.failures if wanted in failure], report.failures
