"""The visitor API from outside: what good messages get, and what bad ones get."""

import concurrent.futures
import json
import uuid

import conftest
import httpx
import pytest

HELLO = {"id": "m1", "text": "can myoclonus be prevented"}


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL"])
def service(request, service, tmp_path_factory):
    """The service that most tests share, and one on PostgreSQL."""
    if request.param == "SQLite":
        yield service
        return
    address = request.getfixturevalue("postgresql").make("visitors")
    with conftest.serving(tmp_path_factory.mktemp("postgresql"), DATABASE_URL=address) as made:
        yield made


def count(service, table):
    return service.rows(f"select count(*) from {table}")[0][0]


def test_a_question_gets_its_answer_with_source_review_disclaimer_and_feedback(service):
    (reply,) = service.ask("can myoclonus be prevented")
    assert (reply["kind"], reply["question"], reply["title"]) == (
        "answer",
        "myoclonus.prevention",
        "Can myoclonus be prevented?",
    )
    assert reply["text"] and reply["more"] and reply["disclaimer"] and reply["feedback"]["ask"]
    assert set(reply["feedback"]["reasons"]) == {
        "inaccurate",
        "out_of_date",
        "unclear",
        "not_what_was_asked",
        "other",
    }
    assert reply["sources"] and all(
        source["url"].startswith("https://") for source in reply["sources"]
    )
    assert all(f"[{source['n']}]" in reply["text"] + reply["more"] for source in reply["sources"])
    article = reply["article"]
    assert article["reviewed_by"] is None and article["review"] == "Not yet reviewed by a clinician"
    assert article["id"] == "myoclonus" and len(article["revision"]) == 12
    assert 0 < reply["confidence"] <= 1


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("can migraine be prevented", "not_covered"),
        ("is keppra safe in pregnancy", "not_covered"),
        ("hello", "talk"),
        ("how many mg of clonazepam should i take", "personal_advice"),
        ("what will the weather be tomorrow", "out_of_scope"),
        ("i want to kill myself", "crisis"),
        ("he has been having a seizure for ten minutes", "emergency"),
    ],
)
def test_what_is_no_articles_question_gets_its_own_kind_of_reply(service, text, kind):
    (reply,) = service.ask(text)
    assert reply["kind"] == kind
    assert reply["text"]


def test_who_wrote_it_is_answered_from_the_front_matter(service):
    (reply,) = service.ask("who wrote this article")
    assert reply["kind"] == "clarify", "which article, where none is shown?"
    (reply,) = service.ask("who wrote this article", service.open(article="myoclonus"))
    assert reply["question"] == "myoclonus.article_info"
    assert "Pamphlet editors" in reply["text"] and "29 November 2026" in reply["text"]
    assert len(reply["sources"]) > 5


def test_an_opening_says_what_this_is_and_offers_questions(service):
    answer = httpx.post(f"{service.url}/api/conversations", json={"article": "myoclonus"})
    body = answer.json()
    assert answer.status_code == 201
    assert "not a doctor" in body["notice"] and "myoclonus" in body["notice"]
    assert body["starters"] and all(
        choice["value"].startswith("myoclonus.") for choice in body["starters"]
    )


def test_a_choice_is_answered_without_being_understood(service):
    token = service.open()
    answer = service.post(token, {"id": "c1", "choice": "myoclonus.botox"})
    (reply,) = answer.json()["replies"]
    assert (reply["question"], reply["confidence"]) == ("myoclonus.botox", 1.0)


def test_the_same_message_again_gets_the_same_replies_and_is_one_turn(service):
    token, before = service.open(), count(service, "turns")
    first = service.post(token, HELLO).json()
    assert service.post(token, HELLO).json() == first
    assert count(service, "turns") == before + 1


def test_the_same_message_at_the_same_moment_is_one_turn(service):
    token, before = service.open(), count(service, "turns")
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        answers = [
            answer.json() for answer in pool.map(lambda _: service.post(token, HELLO), range(5))
        ]
    assert all(answer == answers[0] for answer in answers)
    assert count(service, "turns") == before + 1


def test_two_conversations_at_once_do_not_mix(service):
    asked = {
        "what is clonazepam for": "myoclonus.clonazepam",
        "can myoclonus be prevented": "myoclonus.prevention",
        "is botox used for myoclonus": "myoclonus.botox",
    }
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        got = list(
            pool.map(lambda text: (text, service.ask(text)[0].get("question")), [*asked] * 6)
        )
    assert all(question == asked[text] for text, question in got)


@pytest.mark.parametrize(
    "text",
    [
        "/restart",
        "/myoclonus.prevention",
        '/greet{"a": 1}',
        "myoclonus.prevention",
        "{about}",
        "${HOME}",
        "<b>hello</b>",
        "<script>alert(1)</script>",
        "**bold** [link](javascript:alert(1))",
        "a\n\nb\n\n",
        "' or 1=1 --",
        "\u202eoverride",
        "👋",
        "?",
        "/",
    ],
)
def test_text_that_looks_like_code_is_taken_for_words(service, text):
    replies = service.ask(text)
    assert len(replies) == 1
    assert replies[0]["kind"] in {
        "talk",
        "clarify",
        "not_covered",
        "out_of_scope",
        "answer",
        "personal_advice",
    }
    if replies[0]["kind"] == "answer":
        assert replies[0]["confidence"] < 1, "it was taken for an intent"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"id": "m1", "text": ""}, 422),
        ({"id": "m1", "text": " \n\t "}, 422),
        ({"id": "m1", "text": "a" * 2001}, 422),
        ({"id": "m1", "text": "a\0b"}, 422),
        ({"id": "m1", "text": 7}, 422),
        ({"id": "m1", "text": None}, 422),
        ({"id": "m1", "text": ["hello"]}, 422),
        ({"id": "m1"}, 422),
        ({"text": "hello"}, 422),
        ({"id": 1, "text": "hello"}, 422),
        ({"id": "m1", "text": "hello", "sender": "somebody"}, 422),
        ({"id": "m1", "text": "hello", "choice": "myoclonus.causes"}, 422),
        ({"id": "m1", "choice": "forget_everything"}, 422),
        ({"id": "m1", "choice": "myoclonus.nonsense"}, 422),
        ({"id": "a b", "text": "hello"}, 422),
        ({"id": "x" * 65, "text": "hello"}, 422),
        ([], 422),
        ("hello", 422),
        (None, 422),
    ],
)
def test_a_bad_message_gets_one_sentence_and_is_not_stored(service, body, status):
    token, before = service.open(), count(service, "turns")
    answer = service.post(token, body)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] and error["message"].endswith(".")
    assert count(service, "turns") == before


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b'{"id": "m1", "text": "\\ud800"}', 422),
        (b'{"id": "m1", "text": "\xff"}', 400),
        (b"{", 422),
        (b"", 422),
        (b'{"id":"m1","text":' + b"[" * 50_000, 400),
        (b'{"id": "m1", "text": "' + b"a" * 70_000 + b'"}', 413),
    ],
)
def test_a_broken_body_gets_one_sentence(service, raw, status):
    answer = httpx.post(
        f"{service.url}/api/messages",
        content=raw,
        timeout=10,
        headers={"Authorization": f"Bearer {service.open()}", "Content-Type": "application/json"},
    )
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "text",
    [
        "can myoclonus be prevented " + "x" * 1973,
        "x" * 2000,
        "xy" * 1000,
        "can it " * 285,
        "clonazepan " * 181,
        "?" * 2000,
        "a b " * 500,
        "seizurre? " * 200,
        "é" * 2000,
        "1" * 2000,
    ],
)
def test_a_text_of_2000_characters_is_answered_and_holds_nobody_up(service, text):
    assert service.ask(text)[0]["kind"] != "unavailable"
    assert service.ask("can myoclonus be prevented")[0]["kind"] == "answer"


@pytest.mark.parametrize(
    "call",
    [
        ("POST", "/api/messages", HELLO),
        ("GET", "/api/messages", None),
        ("GET", "/api/conversations/current", None),
        ("DELETE", "/api/conversations/current", None),
        ("POST", "/api/feedback", {"reply": "r", "helpful": True}),
    ],
)
def test_a_token_that_opens_nothing_is_refused_alike(service, call):
    method, path, body = call
    token = service.open()
    forged = [
        None,
        "",
        "Bearer",
        f"Basic {token}",
        f"Bearer {token[:-1]}",
        f"Bearer {token}x",
        f"Bearer {uuid.uuid4().hex}",
        "Bearer ' or 1=1 --",
    ]
    answers = [
        httpx.request(
            method,
            service.url + path,
            json=body,
            headers={"Authorization": header} if header is not None else {},
        )
        for header in forged
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1


def test_an_expired_conversation_is_refused_like_a_forged_one(service):
    token = service.open()
    service.rows("update conversations set expires_at = '2020-01-01 00:00:00.000000'")
    assert service.post(token, HELLO).status_code == 401
    assert service.post(token, HELLO).text == service.post("nonsense", HELLO).text


def test_a_vote_is_stored_once_with_its_reason_and_only_on_ones_own_replies(service):
    mine, other = service.open(), service.open()
    reply = service.ask("can myoclonus be prevented", mine)[0]["id"]

    def vote(token, **body):
        return httpx.post(
            f"{service.url}/api/feedback",
            json={"reply": reply, **body},
            headers={"Authorization": f"Bearer {token}"},
        )

    assert vote(other, helpful=False).status_code == 404
    assert vote(mine, helpful=True).json()["text"]
    assert (
        vote(
            mine, helpful=False, reason="unclear", comment="too long, call me at sarah@example.com"
        ).status_code
        == 200
    )
    assert vote(mine, helpful="yes").status_code == 422
    assert vote(mine, helpful=False, reason="because").status_code == 422
    assert service.rows("select helpful, reason, comment from votes where reply = ?", reply) == [
        (False, "unclear", "too long, call me at [email]")
    ]


def test_a_conversation_can_be_resumed(service):
    token = service.open()
    headers = {"Authorization": f"Bearer {token}"}
    first = service.post(token, {"id": "a", "text": "can myoclonus be prevented"}).json()
    service.post(token, {"id": "b", "text": "what causes myoclonus"})
    turns = httpx.get(f"{service.url}/api/messages", headers=headers).json()["turns"]
    assert [turn["message"] for turn in turns] == ["a", "b"]
    assert turns[0]["replies"] == first["replies"]
    later = httpx.get(
        f"{service.url}/api/messages", params={"after": turns[0]["id"]}, headers=headers
    ).json()["turns"]
    assert [turn["message"] for turn in later] == ["b"]


def test_personal_data_is_masked_before_it_is_stored(service):
    service.ask("my email is john.canary@example.com, can myoclonus be prevented")
    dump = service.dump()
    assert "john.canary" not in dump and "[email]" in dump


def test_no_message_text_is_in_the_log(service):
    service.ask("zyxcanary what causes myoclonus")
    service.post(service.open(), {"id": "m", "text": "zyxcanary\0"})
    assert "zyxcanary" not in service.log.read_text()


def test_a_conversation_that_is_forgotten_is_gone_from_the_database(service):
    token = service.open()
    service.ask("qqcanary can myoclonus be prevented", token)
    headers = {"Authorization": f"Bearer {token}"}
    assert "qqcanary" in httpx.get(f"{service.url}/api/conversations/current", headers=headers).text
    receipt = httpx.delete(f"{service.url}/api/conversations/current", headers=headers).json()[
        "receipt"
    ]
    assert len(receipt) == 16
    assert "qqcanary" not in service.dump()
    assert service.rows("select count(*) from deletions where receipt = ?", receipt) == [(1,)]
    assert httpx.get(f"{service.url}/api/messages", headers=headers).status_code == 401


def test_forget_me_in_the_chat_asks_first_and_then_deletes(service):
    token = service.open()
    service.ask("what causes myoclonus", token)
    (reply,) = service.ask("forget me", token)
    assert [choice["value"] for choice in reply["choices"]] == ["forget_me_yes", "forget_me_no"]
    kept = service.post(token, {"id": "no", "choice": "forget_me_no"}).json()["replies"][0]
    assert kept["kind"] == "talk"
    done = service.post(token, {"id": "yes", "choice": "forget_me_yes"}).json()["replies"][0]
    assert "receipt" in done["text"]
    assert service.post(token, HELLO).status_code == 401


def test_a_long_conversation_goes_on_over_fresh_sessions(service):
    token = service.open()
    for _ in range(45):
        (reply,) = service.ask("can myoclonus be prevented", token)
        assert reply["question"] == "myoclonus.prevention"


def test_a_compressed_body_is_not_taken(service):
    answer = httpx.post(
        f"{service.url}/api/messages",
        content=b"x",
        headers={"Content-Encoding": "gzip", "Authorization": "Bearer x"},
    )
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/gateway/message",
        "/model",
        "/conversations/x/tracker",
        "/status",
        "/..%2f..%2fmodel",
        "/webhooks/rest/webhook",
        "/nonsense",
        "/articles/../../etc/passwd",
        "/articles/nonsense",
    ],
)
def test_nothing_private_answers_under_the_public_address(service, path):
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert httpx.request(method, service.url + path, json={}).status_code in (404, 405)


def test_the_api_describes_itself(service):
    described = httpx.get(f"{service.url}/api/openapi.json").json()
    assert set(described["paths"]) == {
        "/api/conversations",
        "/api/messages",
        "/api/feedback",
        "/api/conversations/current",
        "/api/terms",
    }
    assert httpx.get(f"{service.url}/api/docs").status_code == 200


def test_only_allowed_sites_may_call(service):
    for origin in ("https://evil.example", "null"):
        answer = httpx.options(
            f"{service.url}/api/messages",
            headers={"Origin": origin, "Access-Control-Request-Method": "POST"},
        )
        assert "access-control-allow-origin" not in answer.headers


def test_every_response_forbids_sniffing_and_caching(service):
    for path in ("/", "/api/conversations/current", "/nonsense", "/health/live"):
        headers = httpx.get(service.url + path).headers
        assert (
            headers["x-content-type-options"] == "nosniff"
            and headers["referrer-policy"] == "no-referrer"
        )


def test_json_of_a_reply_is_as_the_design_says(service):
    (reply,) = service.ask("what is botox used for in myoclonus")
    assert list(json.loads(json.dumps(reply)))[:2] == ["id", "kind"]
    assert {
        "id",
        "kind",
        "text",
        "more",
        "question",
        "title",
        "article",
        "sources",
        "disclaimer",
        "feedback",
        "choices",
        "confidence",
    } == set(reply)


def test_one_id_with_another_text_gets_409_with_a_sentence(service):
    token = service.open()
    assert service.post(token, {"id": "t1", "text": "hello"}).status_code == 200
    other = service.post(token, {"id": "t1", "text": "what causes hiccups"})
    assert other.status_code == 409
    assert other.json()["error"]["code"] == "other_message"
    assert other.json()["error"]["message"].endswith(".")
    danger = service.post(token, {"id": "t1", "text": "i want to kill myself"})
    assert danger.status_code == 200
    assert danger.json()["replies"][0]["kind"] == "crisis"
    assert service.post(token, {"id": "t1", "text": "hello"}).status_code == 200
