"""Who may enter the desk, and what attacks get."""

import contextlib
import datetime
import html
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pyotp
import pytest
from conftest import ROOT
from sqlalchemy import text

from bot.editor.app import create_app
from bot.runtime import settings
from bot.store import accounts
from bot.store import engine as store_engine
from tests.editor.conftest import PASSWORD, running
from tests.support.routes import list_routes

# whoever has no account may ask these: to sign in, to leave, to be invited
OPEN = {
    "/sign-in",
    "/sign-in/single",
    "/sign-in/back",
    "/sign-out",
    "/invitations/{token}",
}
# what readers may not look at, and editors may not change
HIGHER = {
    ("GET", "/people"): "admin",
    ("POST", "/people"): "admin",
    ("POST", "/people/{id}/invitation"): "admin",
    ("POST", "/people/{id}/role"): "admin",
    ("POST", "/people/{id}/dismissal"): "admin",
    ("GET", "/audit"): "publisher",
    ("GET", "/review/teach/{turn}"): "editor",
    ("POST", "/articles/{article}/sign"): "clinician",
    ("POST", "/publish"): "publisher",
    ("POST", "/publish/{id}/approval"): "publisher",
    ("POST", "/publish/{id}/withdrawal"): "publisher",
    ("POST", "/publish/rollback"): "publisher",
}
ROLES = ["reader", "clinician", "editor", "publisher", "admin"]
GUARDED = sorted(
    (method, route.path)
    for route in list_routes(create_app(None, None, None).routes)
    if route.path not in OPEN
    for method in route.methods - {"HEAD"}
)


def role_for(method, path):
    """The least role that a route wants."""
    own = method == "GET" or path.startswith("/account/")
    return HIGHER.get((method, path), "reader" if own else "editor")


def address_of(path):
    return re.sub(r"\{\w+(:\w+)?\}", "1", path)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A desk that all who may not enter share."""
    folder = tmp_path_factory.mktemp("guarded")
    shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns(".*"))
    given = {
        "DATABASE_URL": f"sqlite:///{folder}/desk.db",
        "DATA": str(folder / "data"),
        "VAR": str(folder),
        "SECRET": "a secret of the tests",
    }
    with running(settings.read_settings(given)) as made:
        yield made


def test_the_guarded_routes_are_the_whole_desk_and_the_higher_ones_among_them():
    assert len(GUARDED) > 60
    assert set(HIGHER) <= set(GUARDED)


def test_without_a_session_every_page_leads_to_the_sign_in_and_nothing_can_be_changed(guarded):
    visit = guarded.visit()
    token, wrong = visit.token("/sign-in"), []
    for method, path in GUARDED:
        answer = visit.client.request(
            method, f"/editor{address_of(path)}", headers={"X-CSRF": token}
        )
        to, status = answer.headers.get("location", ""), answer.status_code
        led = status == 303 and to.startswith("/editor/sign-in?next=%2Feditor")
        if not (led if method == "GET" else status == 401):
            wrong.append((method, path, status))
    assert wrong == []


@pytest.mark.parametrize("role", ROLES[:-1])
def test_a_route_is_refused_to_every_role_below_its_own(guarded, role):
    visit, wrong = guarded.enter(f"A {role}", role), []
    token = visit.token()
    for method, path in GUARDED:
        if ROLES.index(role) < ROLES.index(role_for(method, path)):
            answer = visit.client.request(
                method, f"/editor{address_of(path)}", headers={"X-CSRF": token}
            )
            if answer.status_code != 403 or "needs the role" not in answer.text:
                wrong.append((method, path, answer.status_code))
    assert wrong == []


def test_every_page_opens_to_its_own_role(guarded):
    pages = {path: role_for("GET", path) for method, path in GUARDED if method == "GET"}
    visits = {role: guarded.enter(f"B {role}", role) for role in set(pages.values())}
    shut = [
        (path, answer.status_code)
        for path, role in pages.items()
        if "{" not in path
        for answer in [visits[role].get(path)]
        if answer.status_code in (401, 403)
    ]
    assert shut == []


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("reader", "/people", 403),
        ("editor", "/people", 403),
        ("publisher", "/people", 403),
        ("admin", "/people", 200),
        ("reader", "/audit", 403),
        ("editor", "/audit", 403),
        ("publisher", "/audit", 200),
        ("reader", "/account", 200),
    ],
)
def test_a_page_wants_its_role(desk, role, path, status):
    assert desk.enter("Ada", role).get(path).status_code == status


def test_a_lower_role_changes_nobodys_role_not_even_its_own(desk):
    visit, id = desk.enter("Ada", "publisher"), accounts.find_person(desk.engine, "Ada").id
    answer = visit.post(f"/people/{id}/role", role="admin")
    assert answer.status_code == 403
    assert "needs the role admin; yours is publisher" in answer.text
    assert accounts.find_person(desk.engine, "Ada").role == "publisher"
    assert desk.enter("Root", "admin").post(f"/people/{id}/role", role="editor").status_code == 303
    assert accounts.find_person(desk.engine, "Ada").role == "editor"


def test_ids_of_nobody_are_not_found(desk):
    visit = desk.enter("Root", "admin")
    for path in ("/people/999/role", "/people/999/invitation", "/people/999/dismissal"):
        assert visit.post(path, role="editor").status_code == 404
    assert visit.post("/people/abc/role", role="editor").status_code == 422
    assert visit.post("/people/1/role", role="owner").status_code == 422


@pytest.mark.parametrize("forged", ["", "x", "0123456789abcdef." + "0" * 64])
def test_a_form_without_a_right_token_changes_nothing(desk, forged):
    visit = desk.enter("Root", "admin")
    answer = visit.client.post(
        "/editor/people", data={"csrf": forged, "name": "Mallory", "role": "admin"}
    )
    assert answer.status_code == 403
    assert (
        visit.client.post(
            "/editor/people", headers={"X-CSRF": forged}, data={"name": "Mallory", "role": "admin"}
        ).status_code
        == 403
    )
    assert [member.name for member in accounts.list_people(desk.engine)] == ["Root"]


def test_a_token_of_another_browser_is_no_token(desk):
    visit, other = desk.enter("Root", "admin"), desk.enter("Mallory", "editor")
    assert visit.post("/people", other.token(), name="Eve", role="admin").status_code == 403
    assert (
        visit.post("/people", desk.visit().token("/sign-in"), name="Eve", role="admin").status_code
        == 403
    )
    assert visit.post("/people", name="Eve", role="admin").status_code == 200


def test_signing_in_makes_a_new_cookie_and_the_one_before_opens_nothing(desk):
    desk.add("Ada")
    visit = desk.visit()
    visit.client.cookies.set("desk", "planted", path="/editor")
    answer = visit.post("/sign-in", visit.token("/sign-in"), name="Ada", password=PASSWORD)
    assert answer.status_code == 303
    sent = answer.headers["set-cookie"]
    assert (
        "HttpOnly" in sent
        and "SameSite=lax" in sent
        and "Secure" not in sent
        and "planted" not in sent
    )
    attacker = desk.visit()
    attacker.client.cookies.set("desk", "planted", path="/editor")
    assert attacker.get("/account").status_code == 303
    with desk.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM sessions")).scalar() == 1


def test_signing_out_ends_the_session_wherever_its_cookie_is(desk):
    visit, copy = desk.enter(), desk.visit()
    copy.client.cookies.set("desk", visit.cookie(), path="/editor")
    assert copy.get("/account").status_code == 200
    assert visit.post("/sign-out").status_code == 303
    assert copy.get("/account").status_code == 303


def test_the_cookie_is_kept_only_as_a_hash(desk):
    visit = desk.enter()
    with contextlib.closing(
        sqlite3.connect(desk.config.database().removeprefix("sqlite:///"))
    ) as connection:
        dump = "\n".join(connection.iterdump())
    assert "Ada" in dump
    assert visit.cookie() not in dump and PASSWORD not in dump


def test_guessing_a_password_ends_after_five_tries_even_with_the_right_one(desk):
    desk.add("Ada")
    visit = desk.visit()
    token = visit.token("/sign-in")
    answers = [
        visit.post("/sign-in", token, name="Ada", password=f"wrong {n}").status_code
        for n in range(5)
    ]
    assert answers == [401] * 5
    assert visit.post("/sign-in", token, name="Ada", password=PASSWORD).status_code == 429
    desk.add("Ben")
    assert visit.post("/sign-in", token, name="Ben", password=PASSWORD).status_code == 303


def test_many_guesses_at_the_same_moment_are_no_way_round(desk):
    desk.add("Ada")
    visit = desk.visit()
    token = visit.token("/sign-in")

    def guess(n):
        return httpx.post(
            f"{desk.url}/editor/sign-in",
            data={"csrf": token, "name": "Ada", "password": f"wrong {n}"},
            cookies={"desk": visit.cookie()},
            timeout=60,
        ).status_code

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(guess, range(12)))
    assert answers.count(401) <= 5 and answers.count(429) >= 7


def test_one_address_is_held_to_twenty_tries_whatever_names_it_takes(desk):
    visit = desk.visit()
    token = visit.token("/sign-in")
    answers = [
        visit.post("/sign-in", token, name=f"Name {n}", password="wrong").status_code
        for n in range(21)
    ]
    assert answers == [401] * 20 + [429]


def test_a_name_that_nobody_has_gets_the_same_answer_as_a_wrong_password(desk):
    desk.add("Ada")
    visit = desk.visit()
    pages = [
        visit.post("/sign-in", visit.token("/sign-in"), name=name, password="wrong")
        for name in ("Ada", "Nobody")
    ]
    texts = [page.text.replace(visit.token("/sign-in"), "") for page in pages]
    assert [page.status_code for page in pages] == [401, 401]
    assert all("The name, the password or the one-time code is wrong." in text for text in texts)


@pytest.mark.parametrize(
    "next",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/editor//evil.example",
        "/editor/../..//x",
        "javascript:x",
    ],
)
def test_after_signing_in_nobody_is_led_to_another_site(desk, next):
    desk.add("Ada")
    visit = desk.visit()
    answer = visit.post(
        "/sign-in", visit.token("/sign-in"), name="Ada", password=PASSWORD, next=next
    )
    assert answer.headers["location"] == "/editor/"


def test_an_invitation_sets_a_password_once(desk):
    admin, invited = desk.enter("Root", "admin"), desk.visit()
    page = admin.post("/people", name="Ada", role="editor", email="ada@example.org").text
    link = page[page.index("/editor/invitations/") :].split("<")[0].removeprefix("/editor")
    assert (
        "at least 12 characters"
        in invited.post(link, invited.token(link), password="short", again="short").text
    )
    assert (
        "holds your name"
        in invited.post(
            link, invited.token(link), password="ada ada ada ada", again="ada ada ada ada"
        ).text
    )
    assert (
        "differ"
        in invited.post(link, invited.token(link), password=PASSWORD, again="another one, so").text
    )
    assert (
        invited.post(link, invited.token(link), password=PASSWORD, again=PASSWORD).status_code
        == 303
    )
    assert invited.get("/account").status_code == 200
    assert desk.visit().get(link).status_code == 404
    other = desk.visit()
    assert (
        other.post(link, other.token("/sign-in"), password=PASSWORD, again=PASSWORD).status_code
        == 404
    )


@pytest.mark.parametrize(
    "common",
    [
        "password1234",
        "P@ssw0rd!2024",
        "Sunshine 2024!",
        "qwertyuiop12",
        "1q2w3e4r5t6y",
        "letmeinletmein",
        "123456789012",
    ],
)
def test_a_password_that_is_guessed_first_is_refused(desk, common):
    link = f"/invitations/{accounts.invite_person(desk.engine, desk.add('Ada'))}"
    invited = desk.visit()
    answer = invited.post(link, invited.token(link), password=common, again=common)
    assert answer.status_code == 422 and "too easy to guess" in answer.text
    ada = desk.enter("Ada")
    changed = ada.post("/account/password", old=PASSWORD, password=common, again=common)
    assert changed.status_code == 422 and "too easy to guess" in changed.text


@pytest.mark.parametrize("rare", ["eyelid kettle orbit", "x8Kd0Qpz7Lm2", "monkey dragon sun river"])
def test_a_password_of_words_that_do_not_belong_together_is_taken(desk, rare):
    link = f"/invitations/{accounts.invite_person(desk.engine, desk.add('Ada'))}"
    invited = desk.visit()
    answer = invited.post(link, invited.token(link), password=rare, again=rare)
    assert answer.status_code == 303, answer.text


@pytest.mark.parametrize(
    ("email", "given"),
    [
        ("ada@example.org", "Ada"),
        ("ada@example.org", "ada@example.org"),
        ("ada@example.org", " Ada@Example.org "),
        ("Élodie@example.org", "Élodie@example.org"),
        ("Élodie@example.org", "élodie@example.org"),
    ],
)
def test_one_signs_in_by_name_or_by_email(desk, email, given):
    desk.add("Ada", email=email)
    visit = desk.visit()
    answer = visit.post("/sign-in", visit.token("/sign-in"), name=given, password=PASSWORD)
    assert answer.status_code == 303 and visit.get("/account").status_code == 200


def statuses(desk, names):
    """What wrong passwords for these names get, one after another."""
    visit = desk.visit()
    token = visit.token("/sign-in")
    return [
        visit.post("/sign-in", token, name=name, password=f"wrong {n}").status_code
        for n, name in enumerate(names)
    ]


def test_an_email_is_no_second_way_to_guess(desk, monkeypatch):
    monkeypatch.setattr(accounts, "FIRST_DELAY", datetime.timedelta(hours=1))
    desk.add("Ada", email="ada@example.org")
    assert statuses(desk, ["Ada"] * 3 + ["ADA@example.org", "ada@example.org"]) == [401] * 5
    owner = desk.visit()
    assert sign_in(owner, "ada@example.org") == 401, "the account's five tries are used up"
    assert sign_in(owner, "Ada") == 401
    assert owner.get("/account").status_code == 303


@pytest.mark.parametrize(
    "names",
    [
        ["ADA@x.org"] * 5 + ["ada@x.org"],
        ["ADA"] * 5 + ["Ada"],
        ["Ada"] * 5 + ["ada@x.org"] * 2,
        ["Ada", "ada@x.org", "ADA@X.ORG"] * 3,
    ],
)
def test_tries_are_counted_alike_whether_or_not_somebody_has_the_name(desk, monkeypatch, names):
    monkeypatch.setattr(accounts, "FIRST_DELAY", datetime.timedelta(hours=1))
    desk.add("Ada", email="ada@x.org")
    got = statuses(desk, names)
    assert got == statuses(desk, [name.lower().replace("ada", "eve") for name in names])


def test_the_right_password_forgets_the_tries_by_every_count(desk, monkeypatch):
    monkeypatch.setattr(accounts, "FIRST_DELAY", datetime.timedelta(hours=1))
    desk.add("Ada", email="ada@example.org")
    for _ in range(2):
        assert statuses(desk, ["ada@example.org"] * 4) == [401] * 4
        assert sign_in(desk.visit(), "ada@example.org") == 303


def add_pair(desk):
    """Two people with one address but for its case, as the desk took them once."""
    desk.add("Ada", email="ada@example.org")
    desk.add("Eve", email="eve@example.org")
    with desk.engine.begin() as connection:
        connection.execute(text("UPDATE people SET email = 'ADA@example.org' WHERE name = 'Eve'"))


def test_an_address_that_two_have_but_for_its_case_opens_nothing(desk):
    add_pair(desk)
    assert sign_in(desk.visit(), "ada@example.org") == 401
    assert accounts.find_subject(desk.engine, "issuer 7", "ada@example.org") is None


def test_nobody_is_added_with_an_address_that_another_has_but_for_its_case(desk):
    admin = desk.enter("Root", "admin")
    for name, email, status in (
        ("Ada", "Élodie@example.org", 200),
        ("Eve", "élodie@EXAMPLE.org", 422),
        ("Eve", "elodie@example.org", 200),
    ):
        answer = admin.post("/people", name=name, role="reader", email=email)
        assert answer.status_code == status, email
        assert ("has this name or this e-mail address already" in answer.text) == (status == 422)


def test_the_log_is_filtered_by_person_action_and_day(desk):
    root = desk.enter("Root", "admin")
    root.post("/people", name="Ada", role="reader")
    accounts.record_action(desk.engine, "Ben & Co", "went live", "publication 7")
    with desk.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO audit (at, person, action, subject, detail) VALUES"
                " ('2026-01-02 23:59:59', 'Ada', 'went live', 'publication 3', '')"
            )
        )

    def listed(query):
        table = root.get(f"/audit?{query}").text.split("<tbody>")[1].split("</tbody>")[0]
        return [
            re.sub(r"<[^>]+>", "|", row).strip("|").split("||")[1:3]
            for row in table.split("<tr>")[1:]
        ]

    assert listed("who=Ben+%26+Co") == [["Ben &amp; Co", "went live"]]
    assert listed("action=went+live") == [["Ada", "went live"], ["Ben &amp; Co", "went live"]]
    assert listed("day=2026-01-02") == [["Ada", "went live"]]
    assert "Nothing of that kind was done." in root.get("/audit?action=went+live&who=Root").text
    assert len(listed("day=nonsense")) == len(listed(""))
    assert "<option selected>Ada</option>" in root.get("/audit?who=Ada").text


def test_earlier_entries_of_a_filtered_log_are_of_its_kind(desk):
    root = desk.enter("Root", "admin")
    for number in range(120):
        accounts.record_action(desk.engine, "Ada", "went live", f"publication {number}")
        accounts.record_action(desk.engine, "Ben", "failed", f"publication {number}")
    page = root.get("/audit?who=Ada").text
    link = html.unescape(re.search(r'href="(\?[^"]+)">Earlier', page)[1])
    earlier = root.get(f"/audit{link}").text
    assert earlier.count("went live</td>") == 20 and "failed</td>" not in earlier
    assert "Earlier</a>" not in earlier


def test_a_new_invitation_ends_what_the_old_password_opened(desk):
    visit, admin = desk.enter("Ada"), desk.enter("Root", "admin")
    id = accounts.find_person(desk.engine, "Ada").id
    accounts.accept_invitation(desk.engine, accounts.invite_person(desk.engine, id), "x")
    assert visit.get("/account").status_code == 303
    assert admin.get("/account").status_code == 200


def test_who_is_dismissed_is_out_at_once(desk):
    visit, admin = desk.enter("Ada"), desk.enter("Root", "admin")
    assert (
        admin.post(f"/people/{accounts.find_person(desk.engine, 'Ada').id}/dismissal").status_code
        == 303
    )
    assert visit.get("/account").status_code == 303
    again = desk.visit()
    assert (
        again.post("/sign-in", again.token("/sign-in"), name="Ada", password=PASSWORD).status_code
        == 401
    )


def test_one_time_codes_are_asked_for_and_each_is_good_once(desk):
    visit = desk.enter()
    assert visit.post("/account/codes", old="wrong").status_code == 403
    page = visit.post("/account/codes", old=PASSWORD).text
    secret, seal = (
        page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("secret", "seal")
    )
    codes = pyotp.TOTP(secret)
    assert (
        visit.post(
            "/account/codes/on", secret=pyotp.random_base32(), seal=seal, code=codes.now()
        ).status_code
        == 403
    )
    assert (
        visit.post("/account/codes/on", secret=secret, seal=seal, code="000000").status_code == 422
    )
    used = codes.now()
    assert visit.post("/account/codes/on", secret=secret, seal=seal, code=used).status_code == 303
    other = desk.visit()
    for code in ("", "000000", used):
        assert (
            other.post(
                "/sign-in", other.token("/sign-in"), name="Ada", password=PASSWORD, code=code
            ).status_code
            == 401
        )
    assert (
        other.post(
            "/sign-in",
            other.token("/sign-in"),
            name="Ada",
            password=PASSWORD,
            code=codes.at(time.time() + 30),
        ).status_code
        == 303
    )


def test_a_session_ends_after_idle_hours(desk):
    visit = desk.enter()
    with desk.engine.begin() as connection:
        connection.execute(text("UPDATE sessions SET seen_at = '2020-01-01 00:00:00.000000'"))
    assert visit.get("/account").status_code == 303


def test_the_log_tells_what_was_done_and_can_only_be_added_to(desk):
    admin = desk.enter("Root", "admin")
    admin.post("/people", name="Ada", role="reader")
    page = admin.get("/audit").text
    assert "added a person" in page and "Ada" in page
    for statement in ("UPDATE audit SET person = 'nobody'", "DELETE FROM audit"):
        with pytest.raises(Exception, match="only added to"), desk.engine.begin() as connection:
            connection.execute(text(statement))
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert (
            admin.client.request(
                method, "/editor/audit", headers={"X-CSRF": admin.token()}
            ).status_code
            == 405
        )


def test_markup_in_a_name_or_an_address_is_refused_and_would_be_text(desk):
    admin = desk.enter("Root", "admin")
    for name, email in (("<script>alert(1)</script>", ""), ("Eve", "<img src=x>@x")):
        answer = admin.post("/people", name=name, role="reader", email=email)
        assert answer.status_code == 422
    accounts.add_person(desk.engine, "<script>alert(1)</script>", "reader")
    page = admin.get("/people").text
    assert "&lt;script&gt;alert(1)" in page and "<script>alert" not in page


def test_every_answer_has_the_strict_policy_and_is_kept_nowhere(desk):
    visit = desk.enter()
    for path in ("/account", "/no-such-page", "/sign-in", "/static/desk.css", "/people"):
        headers = visit.get(path).headers
        assert headers["content-security-policy"].startswith(
            "default-src 'none'; script-src 'self'; style-src 'self'"
        )
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
    assert visit.get("/account").headers["cache-control"] == "no-store"
    assert visit.get("/no-such-page").status_code == 404


def test_pages_hold_no_script_or_style_of_their_own(desk):
    visit = desk.enter("Root", "admin")
    for path in ("/account", "/people", "/audit", "/sign-in"):
        page = visit.get(path).text
        assert (
            "<style" not in page
            and " style=" not in page
            and " onclick" not in page
            and "<script>" not in page
        )


def test_only_who_is_signed_in_may_send_much(desk):
    large = {"file": ("a.docx", b"x" * 200_000)}
    stranger = desk.visit()
    assert (
        stranger.client.post(
            "/editor/people", headers={"X-CSRF": stranger.token("/sign-in")}, files=large
        ).status_code
        == 401
    )
    visit = desk.enter("Root", "admin")
    assert (
        visit.client.post(
            "/editor/people", headers={"X-CSRF": visit.token()}, files=large
        ).status_code
        == 422
    )
    huge = {"file": ("a.docx", b"x" * 13_000_000)}
    assert (
        visit.client.post(
            "/editor/people", headers={"X-CSRF": visit.token()}, files=huge
        ).status_code
        == 413
    )


def test_static_files_are_only_those_of_the_folder(desk):
    visit = desk.visit()
    assert visit.get("/static/desk.css").status_code == 200
    for path in (
        "/static/../pages.py",
        "/static/%2e%2e/pages.py",
        "/static/..%2fpages.py",
        "/static//etc/passwd",
        "/static/",
    ):
        assert visit.get(path).status_code == 404


def test_people_are_looked_after_from_the_command_line(tmp_path):
    environment = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/desk.db",
        "VAR": str(tmp_path),
        "PUBLIC_URL": "https://chat.example.org",
        "PATH": "",
    }

    def bot(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "bot", "people", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )

    done = bot("add", "Ada Example", "--role", "publisher", "--email", "ada@example.org")
    assert done.stdout.startswith("https://chat.example.org/editor/invitations/")
    assert bot("add", "Ada Example").returncode == 1
    assert "letters" in bot("add", "<b>").stderr
    assert bot("role", "Ada Example", "--role", "reader").returncode == 0
    assert bot("list").stdout == "reader     invited   Ada Example <ada@example.org>\n"
    assert bot("add", "Bo").returncode == 0
    assert "no e-mail address" in bot("email", "Bo", "--email", "bo").stderr
    assert "already" in bot("email", "Bo", "--email", "Ada@example.org").stderr
    assert bot("email", "Bo", "--email", "bo@example.org").returncode == 0
    assert "Bo <bo@example.org>" in bot("list").stdout
    assert bot("remove", "Bo").returncode == 0
    assert bot("remove", "Ada Example").returncode == 0
    assert "left" in bot("list").stdout
    assert "nobody" in bot("invite", "Eve").stderr
    engine = store_engine.connect_database(environment["DATABASE_URL"])
    assert [entry["action"] for entry in accounts.read_audit(engine)] == [
        "people remove",
        "people remove",
        "people email",
        "people add",
        "people role",
        "people add",
    ]
    engine.dispose()


def guess(desk, name, times):
    """Somebody elsewhere who tries wrong passwords; the last answer's status."""
    stranger = desk.visit()
    answers = [
        stranger.post(
            "/sign-in", stranger.token("/sign-in"), name=name, password=f"wrong horse battery {n}"
        )
        for n in range(times)
    ]
    return answers[-1].status_code


def sign_in(visit, name, password=PASSWORD):
    return visit.post("/sign-in", visit.token("/sign-in"), name=name, password=password).status_code


def test_a_browser_that_signed_in_before_passes_while_somebody_guesses(desk, monkeypatch):
    monkeypatch.setattr(accounts, "FIRST_DELAY", datetime.timedelta(hours=1))  # of a busy machine
    ada = desk.enter("Ada", "editor")
    desk.add("Bea")
    assert ada.post("/sign-out").status_code == 303
    assert guess(desk, "Ada", 7) == 429
    assert sign_in(ada, "Ada") == 303
    assert ada.post("/sign-out").status_code == 303
    assert guess(desk, "Bea", 7) == 429
    assert sign_in(ada, "Bea") == 429, "it is known for Ada's account only"
    forged = desk.visit()
    forged.client.cookies.set("desk-known", "0" * 32 + "." + "0" * 64, path="/editor")
    assert sign_in(forged, "Ada") == 429


def test_a_known_browser_has_five_wrong_tries_itself(desk, monkeypatch):
    monkeypatch.setattr(accounts, "FIRST_DELAY", datetime.timedelta(hours=1))
    ada = desk.enter("Ada", "editor")
    assert ada.post("/sign-out").status_code == 303
    for n in range(5):
        assert sign_in(ada, "Ada", f"wrong horse battery {n}") == 401
    assert sign_in(ada, "Ada") == 429


def test_past_five_wrong_tries_each_waits_longer_and_the_account_is_never_shut(desk, monkeypatch):
    now = datetime.datetime.now(datetime.UTC)
    moment = [now]
    monkeypatch.setattr(accounts, "utc_now", lambda: moment[0])

    def is_let(seconds):
        moment[0] += datetime.timedelta(seconds=seconds)
        return accounts.try_sign_in(desk.engine, {"account Ada": 5}, 15, slowed="account Ada")

    assert [is_let(0) for _ in range(6)] == [True] * 5 + [False]
    assert [is_let(29), is_let(2), is_let(31), is_let(30), is_let(60)] == [
        False,
        True,
        False,
        True,
        False,
    ]
    assert is_let(15 * 60)


def test_guessing_elsewhere_keeps_nobody_from_changing_their_password(desk, monkeypatch):
    monkeypatch.setattr(accounts, "FIRST_DELAY", datetime.timedelta(hours=1))
    ada = desk.enter("Ada", "editor")
    assert guess(desk, "Ada", 7) == 429
    new = "another correct horse"
    changed = ada.post("/account/password", old=PASSWORD, password=new, again=new)
    assert changed.status_code == 303, changed.text
