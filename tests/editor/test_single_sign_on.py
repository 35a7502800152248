"""Single sign-on against a stand-in issuer: who gets in, and what attacks get."""

import base64
import dataclasses
import json
import time

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from bot.editor.access import passwords
from bot.runtime import settings
from bot.store import accounts
from tests.editor import issuer as issuers
from tests.editor.conftest import PASSWORD, running


@pytest.fixture
def issuer():
    with issuers.running() as made:
        yield made


@pytest.fixture
def sso(tmp_path, issuer):
    """A Desk with single sign-on, to which Ada is invited by her e-mail address."""
    config = dataclasses.replace(
        settings.read_settings({}),
        database_url=f"sqlite:///{tmp_path}/desk.db",
        var=str(tmp_path),
        secret="a secret of the tests",
        oidc_issuer=issuer.url,
        oidc_client_id=issuers.CLIENT,
        oidc_client_secret=issuers.SECRET,
    )
    with running(config) as made:
        accounts.add_person(made.engine, "Ada", "editor", "Ada@example.org")
        yield made


def begin(visit, next="/editor/reports"):
    """The issuer's address that the button leads to."""
    page = visit.get(f"/sign-in?next={next}").text
    assert "Sign in with 127.0.0.1" in page
    return visit.get(f"/sign-in/single?next={next}").headers["location"]


def back(visit, **changes):
    """What the desk answers when the issuer sends the browser back; `changes` of what it brings."""
    url = httpx.get(begin(visit)).headers["location"]
    return visit.client.get(httpx.URL(url).copy_merge_params(changes))


def is_in(visit):
    return visit.get("/account").status_code == 200


def test_who_is_invited_by_a_verified_address_gets_in_without_a_password(sso, issuer):
    visit = sso.visit()
    visit.token("/sign-in")
    before = visit.cookie()
    answer = back(visit)
    assert (answer.status_code, answer.headers["location"]) == (303, "/editor/reports")
    assert is_in(visit) and "You are Ada, editor" in visit.get("/account").text
    assert visit.cookie() != before, "the session's cookie is a new one"
    assert not visit.client.cookies.get("single"), "what was begun is forgotten"
    assert "s:cret" not in json.dumps(issuer.calls)
    assert [entry["action"] for entry in accounts.read_audit(sso.engine)] == [
        "signed in by single sign-on"
    ]


def test_the_subject_is_known_from_then_on_whatever_the_address_is(sso, issuer):
    assert back(sso.visit()).status_code == 303
    issuer.claims = {"email": "ada.new@example.org", "email_verified": False}
    visit = sso.visit()
    assert back(visit).status_code == 303 and "You are Ada" in visit.get("/account").text
    issuer.claims = {"sub": "another person", "email": "ada@example.org"}
    visit = sso.visit()
    assert back(visit).status_code == 403 and not is_in(visit), (
        "an address that is given to somebody else opens nothing"
    )


def test_no_one_time_code_is_asked(sso, issuer):
    sso.add("Bea", email="bea@example.org")
    accounts.set_codes(
        sso.engine, accounts.find_person(sso.engine, "Bea").id, passwords.new_secret()
    )
    visit = sso.visit()
    assert (
        visit.post("/sign-in", visit.token("/sign-in"), name="Bea", password=PASSWORD).status_code
        == 401
    )
    issuer.claims = {"email": "bea@example.org"}
    assert back(visit).status_code == 303 and "You are Bea" in visit.get("/account").text


def test_who_is_not_invited_by_a_verified_address_stays_out(sso, issuer):
    for issuer.claims in (
        {"email": "eve@example.org"},
        {"email": None},
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "true"},
        {"email": ["ada@example.org"]},
    ):
        visit = sso.visit()
        answer = back(visit)
        assert (
            answer.status_code == 403
            and "nobody of your verified e-mail address is invited" in answer.text
        ), issuer.claims
        assert not is_in(visit), issuer.claims


def test_who_left_stays_out_until_invited_again(sso):
    assert back(sso.visit()).status_code == 303
    id = accounts.find_person(sso.engine, "Ada").id
    accounts.dismiss_person(sso.engine, id)
    assert back(sso.visit()).status_code == 403
    accounts.invite_person(sso.engine, id)
    assert back(sso.visit()).status_code == 303


def test_a_token_with_a_wrong_claim_opens_nothing(sso, issuer):
    for issuer.claims in (
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"aud": "another client"},
        {"aud": ["another client"]},
        {"aud": None},
        {"aud": [issuers.CLIENT, "another client"]},
        {"azp": "another client"},
        {"iss": "https://accounts.example.net"},
        {"iss": None},
        {"exp": 1_600_000_000},
        {"exp": None},
        {"exp": "never"},
        {"iat": None},
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"sub": None},
        {"sub": 7},
    ):
        visit = sso.visit()
        answer = back(visit)
        assert answer.status_code == 401 and "could not tell who you are" in answer.text, (
            issuer.claims
        )
        assert not is_in(visit), issuer.claims


def unsigned(header, claims):
    parts = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({**header, "alg": "none"}, claims)
    )
    return ".".join(parts) + "."


def signed_by_another(header, claims):
    return jwt.encode(
        header,
        claims,
        RSAKey.import_key({**issuers.make_key("two").as_dict(private=True), "kid": header["kid"]}),
    )


def signed_by_the_secret(header, claims):
    return jwt.encode({**header, "alg": "HS256"}, claims, OctKey.import_key(issuers.SECRET * 8))


def brings_its_own_key(header, claims):
    key = issuers.make_key("two")
    return jwt.encode(
        {"alg": "RS256", "kid": key.kid, "jwk": key.as_dict(private=False)}, claims, key
    )


def test_a_token_that_the_issuer_did_not_sign_opens_nothing(sso, issuer):
    for sign in (
        unsigned,
        signed_by_another,
        signed_by_the_secret,
        brings_its_own_key,
        lambda *_: "x.y.z",
        lambda *_: 7,
        lambda *_: None,
    ):
        issuer.sign = sign
        visit = sso.visit()
        assert back(visit).status_code == 401, sign
        assert not is_in(visit), sign


def test_an_answer_that_was_tampered_with_opens_nothing(sso):
    for changes in (
        {"state": "another"},
        {"state": ""},
        {"iss": "https://accounts.example.net"},
        {"error": "access_denied"},
        {"code": "guessed"},
        {"code": ""},
    ):
        visit = sso.visit()
        assert back(visit, **changes).status_code == 401, changes
        assert not is_in(visit), changes


def test_a_code_is_taken_once_and_in_the_browser_that_began_alone(sso):
    visit, other = sso.visit(), sso.visit()
    url = httpx.get(begin(visit)).headers["location"]
    cookies = dict(visit.client.cookies)
    begin(other)
    assert other.client.get(url).status_code == 401 and not is_in(other), (
        "the code of another browser's sign-in"
    )
    thief = sso.visit()
    thief.client.cookies.set("single", cookies["single"])
    assert thief.client.get(url).status_code == 401, "what was begun is one browser's"
    assert visit.client.get(url).status_code == 303 and is_in(visit)
    visit.post("/sign-out")
    assert visit.client.get(url).status_code == 401 and not is_in(visit)
    again = sso.visit()
    again.client.cookies.update(cookies)
    assert again.client.get(url).status_code == 401 and not is_in(again), (
        "the same code with the same cookies"
    )


def test_what_was_begun_too_long_ago_or_forged_opens_nothing(sso, monkeypatch):
    visit, real = sso.visit(), time.time
    url = httpx.get(begin(visit)).headers["location"]
    monkeypatch.setattr(time, "time", lambda: real() + 700)
    assert visit.client.get(url).status_code == 401
    monkeypatch.undo()
    for forged in ("", "x", "e30.x", visit.client.cookies.get("single", "") + "0"):
        visit.client.cookies.set("single", forged)
        assert visit.client.get(url).status_code == 401
    assert not is_in(visit)


def test_a_page_of_another_site_is_no_way_on(sso):
    visit = sso.visit()
    url = httpx.get(begin(visit, "https://evil.example/")).headers["location"]
    assert visit.client.get(url).headers["location"] == "/editor/"


def test_a_new_key_of_the_issuer_is_found(sso, issuer, monkeypatch):
    assert back(sso.visit()).status_code == 303
    issuer.key = issuers.make_key("two")
    assert back(sso.visit()).status_code == 401, "the keys are read once a minute at most"
    real = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + 61)
    assert back(sso.visit()).status_code == 303


def test_an_issuer_that_is_another_or_broken_is_said_to_be(sso, issuer):
    for issuer.published in (
        {"issuer": "https://accounts.example.net"},
        {"token_endpoint": "ftp://example.org"},
        {"jwks_uri": None},
        {"jwks_uri": "http://127.0.0.1:9/"},
    ):
        answer = sso.visit().get("/sign-in/single")
        assert answer.status_code == 503 and "sign in with your password" in answer.text, (
            issuer.published
        )


def test_tries_from_an_address_are_limited(sso):
    visit = sso.visit()
    answers = [back(visit, code="guessed").status_code for _ in range(21)]
    assert answers == [401] * 20 + [429]


def test_without_an_issuer_there_is_no_button(desk):
    visit = desk.visit()
    assert "Sign in with" not in visit.get("/sign-in").text
    assert visit.get("/sign-in/single").headers["location"] == "/editor/sign-in"
    assert visit.get("/sign-in/back?code=x&state=").status_code == 401


@pytest.mark.parametrize(
    "environment",
    [
        {"OIDC_ISSUER": "http://accounts.example.org", "OIDC_CLIENT_ID": "x"},
        {"OIDC_ISSUER": "https://accounts.example.org"},
    ],
)
def test_an_issuer_without_https_or_client_is_refused_at_the_start(environment):
    with pytest.raises(settings.SettingsError, match="OIDC_"):
        settings.read_settings(environment)
