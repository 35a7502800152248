"""Try: a message is answered by the live release beside the draft, with the reasons; nothing of it
is stored."""

import html
import re
import shutil
import subprocess
import time
from urllib.parse import urlencode

import httpx
import pytest
from conftest import sign_content

from bot.releases import registry
from bot.store import publications

SLOWEST = 60  # seconds, for a machine that has much else to do
ASKED_BACK = "it is asked back which is meant"


def text_of(answer):
    assert answer.status_code == 200, answer.text
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text.split("<main")[1])).split())


def ask(visit, text, article=""):
    """(what the live side of the page says, what the draft's does)."""
    live, _, draft = text_of(
        visit.get("/try", params={"text": text, "article": article}, timeout=SLOWEST)
    ).partition("What the draft answers")
    return live, draft


def rewrite(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


@pytest.fixture
def draft(served):
    """Changes a file of the service's content, which is as before when the test has ended."""
    data = served.config.path("data")
    yield lambda name, before, after: rewrite(data / name, before, after)
    live = registry.folder_of(served.config, registry.live_release(served.config)) / "data"
    for path in (*live.glob("articles/*.md"), *live.glob("phrases/*.yml")):
        shutil.copy(path, data / path.relative_to(live))


@pytest.mark.parametrize(
    ("message", "article", "said"),
    [
        (
            "can myoclonus be prevented",
            "",
            [
                "It may mean: “Can myoclonus be prevented?” 9",
                "The reply was taken that costs least",
                "“myoclonus” (condition)",
            ],
        ),
        (
            "what is clonazeapm for",
            "",
            ["read as “what is clonazepam for”", "“clonazepam” (medicine)"],
        ),
        (
            "can migraine be prevented",
            "",
            ["nothing about migraine here", "It is taken for “not covered” with"],
        ),
        (
            "can it be prevented?",
            "",
            [
                "It names no condition, and several articles answer this: it is asked back which "
                "is meant."
            ],
        ),
        (
            "what causes it?",
            "tremor",
            [
                "It may mean: “What causes tremor?”",
                "what it names, and its conversation, decided otherwise",
            ],
        ),
        ("hello", "", ["It may mean: talk"]),
        (
            "i can't breathe, call me on 07700 900123",
            "",
            ["A danger was heard (breathing), by the safety list", "call me on [phone]"],
        ),
    ],
)
def test_a_message_is_answered_with_its_reasons(served, message, article, said):
    live, draft = ask(served.enter(), message, article)
    for sentence in said:
        assert sentence in live
    assert f"Release {registry.live_release(served.config)} answers." in live
    assert "No newer release is prepared" in draft


def test_a_follow_up_is_understood_from_what_was_said_before(served):
    tried = served.enter().get(
        "/try",
        params={
            "text": "can they be prevented",
            "before": "hello\nare febrile seizures dangerous\n",
        },
        timeout=SLOWEST,
    )
    live, _, draft = text_of(tried).partition("What the draft answers")
    for answered in (live, draft):
        assert "Can febrile seizures be prevented" in answered and ASKED_BACK not in answered
    assert ASKED_BACK in ask(served.enter(), "can they be prevented")[0]


def test_a_changed_answer_shows_beside_the_live_one_at_once(served, draft):
    draft("articles/hiccups.md", "Often nobody can say", "Nobody at all can say")
    live, now = ask(served.enter(), "what causes hiccups")
    assert "Often nobody can say" in live and "Nobody at all" not in live
    assert (
        "Nobody at all can say" in now
        and "What differs from the live answer" in now
        and "Not learned yet" not in now
    )


def test_a_new_phrase_is_said_to_be_unlearned_and_stands_among_the_nearest(served, draft):
    ada, words = served.enter(), "where do my hics come from"
    draft(
        "phrases/hiccups.yml",
        "    - what causes hiccups\n",
        f"    - what causes hiccups\n    - {words}\n",
    )
    _, now = ask(ada, words)
    assert (
        "These very words teach “What causes hiccups?” in the draft." in now
        and "Prepare a release to try" in now
    )
    end = time.monotonic() + SLOWEST
    while "still being compared" in (
        found := ada.get("/try/nearest", params={"text": words}, timeout=SLOWEST).text
    ):
        assert time.monotonic() < end, "the phrases were never compared"
        time.sleep(0.2)
    first = re.sub(r"<[^>]+>", " ", found.split("<tbody>")[1].split("</tr>")[0]).split()
    assert " ".join(first) == f"{words} not live yet What causes hiccups? 1.00"


def test_a_prepared_release_answers_for_the_draft(served):
    live = registry.live_release(served.config)
    folder = served.config.path("models") / "candidates" / "20990101-000000-aaaaaaaa"
    shutil.copytree(registry.folder_of(served.config, live), folder)
    try:
        texts = folder / "data/texts.yml"
        texts.write_text(
            texts.read_text().replace("greeting: ", "greeting: Ahoy from the candidate. ", 1)
        )
        sign_content(folder, id=folder.name)
        now, then = ask(served.enter(), "hello")
        assert "Ahoy" not in now and f"Release {live} answers." in now
        assert (
            "Ahoy from the candidate." in then
            and f"The prepared release {folder.name} understands the message" in then
        )
        ada, at = served.enter(), "/stories/story/new"
        form = [
            ("csrf", ada.token()),
            ("name", "hello"),
            ("turn", "0"),
            ("says.0", "hello"),
            ("gets.0", "a greeting"),
            ("then", "try_prepared"),
        ]
        tried = ada.client.post(
            f"/editor{at}",
            content=urlencode(form),
            timeout=SLOWEST,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert (
            f"The prepared release {folder.name} answers every message as told." in tried.text
            and "Ahoy from the candidate." in tried.text
        )
        (folder / "manifest.sig").write_text("0" * 64)
        shutil.move(folder, folder.with_name("20990101-000001-bbbbbbbb"))
        now, then = ask(served.enter(), "hello")
        assert "Hello" in now and "can’t be started" in then
    finally:
        shutil.rmtree(folder.parent)


def test_while_a_release_is_being_prepared_the_live_one_answers_and_it_is_said(served):
    live = registry.live_release(served.config)
    unfinished = served.config.path("models") / "candidates" / "20990101-000000-cccccccc"
    shutil.copytree(registry.folder_of(served.config, live) / "data", unfinished / "data")
    made = publications.begin_publication(served.engine, "try", "Ada")
    try:
        now, then = ask(served.enter(), "hello")
        assert "can’t be started" not in then and "No newer release is prepared" in then
        assert "A newer release is being prepared just now" in then
        publications.end_publication(served.engine, made, "failed")
        assert "being prepared" not in ask(served.enter(), "hello")[1]
    finally:
        shutil.rmtree(unfinished.parent)
        publications.end_publication(served.engine, made, "failed")


def test_nothing_of_what_is_tried_is_stored(served):
    before = [
        served.service.rows(f"select count(*) from {table}")
        for table in ("conversations", "turns", "replies")
    ]
    ask(served.enter(), "what causes a zebra of mine")
    assert [
        served.service.rows(f"select count(*) from {table}")
        for table in ("conversations", "turns", "replies")
    ] == before
    assert "zebra of mine" not in served.service.dump() + served.service.log.read_text()


def test_markup_is_text_and_a_reader_may_try(served):
    answer = served.enter("Rea", "reader").get(
        "/try", params={"text": '<script>alert(1)</script> "><img src=x>'}, timeout=SLOWEST
    )
    assert (
        answer.status_code == 200
        and "<script>alert" not in answer.text
        and "<img" not in answer.text
        and "&lt;script&gt;alert" in answer.text
    )
    assert "Prepare a release" not in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/try?article=nosuch&text=hello", 404),
        ("/try?article=..%2fhiccups&text=hello", 404),
        (f"/try?text={'a' * 2001}", 422),
        ("/try/nearest?text=hello&release_id=..%2f..%2fetc", 404),
        ("/try/nearest?text=hello&release_id=nosuch", 404),
    ],
)
def test_what_names_nothing_finds_nothing(served, path, status):
    assert served.enter().get(path).status_code == status


def test_without_a_session_nothing_is_tried(served):
    answer = served.visit().get("/try?text=hello")
    assert answer.status_code == 303 and "/editor/sign-in" in answer.headers["location"]


def test_rasa_explains_to_nobody_but_the_gateway(served):
    command = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(served.service.children()["rasa"])],
        capture_output=True,
        text=True,
    ).stdout
    port = command.split()[-1]
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        answer = httpx.post(
            f"http://127.0.0.1:{port}/webhooks/gateway/explain",
            json={"text": "hello", "metadata": {}},
            headers=headers,
        )
        assert answer.status_code == 403 and answer.json() == {"error": "forbidden"}


def test_without_rasa_it_is_said(desk):
    answer = desk.enter().get("/try?text=hello")
    assert answer.status_code == 503 and "does not answer just now" in answer.text


@pytest.fixture
def signed(served):
    """Signs an answer of the service's content, which is unsigned again when the test has ended."""
    reviews = served.config.path("data") / "reviews"
    assert not reviews.exists()
    clinician = served.enter("Dr. Bo", "clinician")

    def sign(article, question):
        page = clinician.get(f"/articles/{article}/side-by-side").text
        seen = re.search(r'name="seen" value="([0-9a-f]+)"', page)[1]
        fields = {"seen": seen, "question": question, "profession": "neurologist"}
        assert clinician.post(f"/articles/{article}/sign", **fields).status_code == 303

    yield sign
    shutil.rmtree(reviews)


def test_each_side_says_of_the_review_what_its_visitors_read(served, draft, signed):
    ada = served.enter("Ada", "editor")
    live, own = ask(ada, "can myoclonus be prevented")
    assert "Not yet reviewed by a clinician" in live and "Not yet reviewed by a clinician" in own
    signed("myoclonus", "prevention")
    live, own = ask(ada, "can myoclonus be prevented")
    assert "Not yet reviewed by a clinician" in live
    assert "Reviewed by Dr. Bo, neurologist on" in own and "Not yet reviewed" not in own
    live, own = ask(ada, "who wrote this", article="myoclonus")
    assert "answers reviewed by a clinician" in own and "Not yet reviewed" in live
    draft("articles/myoclonus.md", "Can myoclonus be prevented?", "Is there a way to prevent it?")
    _, own = ask(ada, "can myoclonus be prevented")
    assert "Changed since its review by Dr. Bo, neurologist on" in own
