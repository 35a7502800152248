"""Those who may sign are reminded of what awaits them: by a real mail server, through the served
gateway; in the log, where there is none; and a mail server that fails harms nobody."""

import contextlib
import datetime
import os
import shutil
import subprocess
import sys
import threading
import time

import httpx
import pytest

from bot.content import articles, sign_offs
from bot.runtime import settings
from bot.store import accounts, reminders
from bot.store import engine as store_engine
from tests.support import mail_server, servers, sites

# looks as often as it can, and waits for a mail server for less long
SOON = """
import sys
from bot.cli.main import main
from bot.operations import mail
from bot.web import background_tasks
background_tasks.LOOK_SECONDS = 0.3
mail.PATIENCE = 1
sys.exit(main(sys.argv[1:]))
"""
BOT = (sys.executable, "-m", "bot")
SECRET = "a secret of the tests, which is long"
SMTP = {
    "SMTP_HOST": "127.0.0.1",
    "SMTP_FROM": "desk@example.org",
    "PUBLIC_URL": "https://chat.example.org",
}
PASSWORD = {"SMTP_USER": "desk", "SMTP_PASSWORD": "qqcanary"}


@pytest.fixture
def environment(tmp_path):
    """What a gateway with a copy of the content is started with."""
    shutil.copytree(
        settings.ROOT / "data", tmp_path / "data", ignore=shutil.ignore_patterns(".*", "reviews")
    )
    address = f"sqlite:///{tmp_path}/site.db"
    store_engine.migrate_database(address)
    return {"DATA": str(tmp_path / "data"), "DATABASE_URL": address}


@pytest.fixture
def engine(environment):
    made = store_engine.connect_database(environment["DATABASE_URL"])
    yield made
    made.dispose()


@pytest.fixture
def certificate(tmp_path):
    return mail_server.make_certificate(tmp_path)


def add(engine, name, role="clinician", entered=True, reachable=True):
    """Add a person who has `entered` the desk once; gives the e-mail address, where there is
    one."""
    email = f"{name.rpartition(' ')[2].lower()}@example.org" if reachable else None
    id = accounts.add_person(engine, name, role, email)
    if entered:
        accounts.accept_invitation(engine, accounts.invite_person(engine, id), "a hash")
    return email


def let_be_due(engine):
    """Let a week go by, as far as the reminders know."""
    with engine.begin() as connection:
        connection.exec_driver_sql("update people set remind_at = '2020-01-01 00:00:00'")


def next_reminders(engine):
    """{name: days until the next reminder, or None where it is due} of everybody."""
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("select name, remind_at from people").all()
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    return {
        name: at and (datetime.datetime.fromisoformat(str(at)) - now).total_seconds() / 86_400
        for name, at in rows
    }


def wait_for(holds, seconds=60):
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)
    return found


@contextlib.contextmanager
def serving(tmp_path, environment):
    """(the gateway, a function that gives its log)."""
    command = (sys.executable, "-c", SOON)
    with sites.single(tmp_path, command=command, **environment) as site:
        [gateway] = site.gateways
        yield gateway, gateway.log.read_text


def wait_mails(server, count):
    wait_for(lambda: len(server.mails) >= count)
    return server.mails


def sign_all(environment):
    """Sign every answer, as the desk does."""
    folder = environment["DATA"]
    secret = settings.site_secret(settings.read_settings({}))
    today = datetime.datetime.now(datetime.UTC).date()
    for article in articles.read_articles(folder)[0]:
        signed = [
            sign_offs.seal_sign_off(
                sign_offs.SignOff(
                    question.name.partition(".")[2],
                    sign_offs.text_mark(article, question),
                    "Dr. Bo",
                    today,
                ),
                article.id,
                secret,
            )
            for question in article.questions
        ]
        path = sign_offs.path_of(folder, article.id)
        path.parent.mkdir(exist_ok=True)
        path.write_text(sign_offs.write_sign_offs(article.id, signed))


def test_who_may_sign_gets_a_mail_a_week_across_starts_and_only_while_something_awaits(
    tmp_path, environment, engine, certificate
):
    bo = add(engine, "Dr. Bo")
    add(engine, "Ada", "editor")
    add(engine, "Dr. New", entered=False)
    add(engine, "Dr. Gone")
    accounts.dismiss_person(engine, accounts.find_person(engine, "Dr. Gone").id)
    add(engine, "Dr. Nomail", reachable=False)
    count = sum(len(each.questions) for each in articles.read_articles(environment["DATA"])[0])
    with mail_server.running(certificate, user="desk", password="qqcanary") as server:
        given = {"SMTP_PORT": str(server.port), "SSL_CERT_FILE": str(certificate)}
        with serving(tmp_path, environment | SMTP | PASSWORD | given) as (gateway, log):
            (mail,) = wait_mails(server, 1)
            assert (mail.sender, mail.to) == ("desk@example.org", [bo])
            assert mail.by_tls and mail.user == "desk"
            text = mail.message.get_content().replace("\r\n", "\n")
            assert mail.message.get_content_type() == "text/plain"
            assert f"- {count} answers were never signed\n" in text
            assert "https://chat.example.org/editor/reviews" in text and "Dear Dr. Bo," in text
            assert "changed" not in text and "due" not in text
            assert not any(
                sentence in text
                for article in articles.read_articles(environment["DATA"])[0]
                for question in article.questions
                for sentence in (question.ask, question.lead)
            )
            assert mail.message["Auto-Submitted"] == "auto-generated" and mail.message["Date"]
            wait_for(lambda: "not told to Dr. Nomail, who has no e-mail address" in log())
            kit = add(engine, "Dr. Kit")
            assert [each.to for each in wait_mails(server, 2)] == [[bo], [kit]]
            gateway.stop()
            zoe = add(engine, "Dr. Zoe")
            gateway.start()
            assert [each.to for each in wait_mails(server, 3)] == [[bo], [kit], [zoe]]
            let_be_due(engine)
            assert {each.to[0] for each in wait_mails(server, 6)[3:]} == {bo, kit, zoe}
            left = next_reminders(engine)
            assert all(6.9 < left[name] < 7.1 for name in ("Dr. Bo", "Dr. Kit", "Dr. Nomail"))
            assert all(left[name] < 0 for name in ("Ada", "Dr. New", "Dr. Gone")), "never claimed"
            sign_all(environment)
            let_be_due(engine)
            wait_for(lambda: 0.9 < next_reminders(engine)["Dr. Bo"] < 1.1)
            assert len(server.mails) == 6
            assert "qqcanary" not in log() and "Traceback" not in log()


def test_a_mail_server_that_is_down_or_says_nothing_harms_nobody_and_is_tried_again(
    tmp_path, environment, engine
):
    bo, port = add(engine, "Dr. Bo"), servers.free_port()
    given = {"SMTP_PORT": str(port), "SMTP_TLS": "none"}
    with serving(tmp_path, environment | SMTP | given) as (gateway, log):
        wait_for(lambda: "can't be reached" in log() or "Connection refused" in log())
        assert "not reminded: Dr. Bo; tried again in an hour" in log()
        assert 0 < next_reminders(engine)["Dr. Bo"] < 1 / 24
        with mail_server.running(port=port, silent=True) as server:
            let_be_due(engine)
            wait_for(lambda: server.connections)
            # visitors notice nothing meanwhile
            assert httpx.get(f"{gateway.url}/health/ready").json()["ready"]
            wait_for(lambda: "gave no answer within" in log())
        with mail_server.running(port=port, refused={bo}) as server:
            let_be_due(engine)
            wait_for(lambda: "Dr. Bo was not reminded: its address is refused (550)" in log())
            kit = add(engine, "Dr. Kit")
            let_be_due(engine)
            assert wait_mails(server, 1)[0].to == [kit]
            assert next_reminders(engine)["Dr. Bo"] < 1.1
            server.refused.clear()
            # the mail is there before it is written down that it was sent
            wait_for(lambda: (next_reminders(engine)["Dr. Kit"] or 0) > 1)
            let_be_due(engine)
            assert {each.to[0] for each in wait_mails(server, 3)[1:]} == {bo, kit}
        assert httpx.get(f"{gateway.url}/health/live").json() == {"live": True}
        assert "Traceback" not in log()


def test_a_gateway_ends_at_once_while_the_mail_server_says_nothing(tmp_path, environment, engine):
    add(engine, "Dr. Bo")
    with mail_server.running(silent=True) as server:
        given = {"SMTP_PORT": str(server.port), "SMTP_TLS": "none"}
        slow = SOON.replace("mail.PATIENCE = 1", "mail.PATIENCE = 60")
        with sites.single(
            tmp_path, command=(sys.executable, "-c", slow), **environment | SMTP | given
        ) as site:
            wait_for(lambda: server.connections)
            began = time.monotonic()
            site.gateways[0].process.terminate()
            site.gateways[0].process.wait(30)
            assert time.monotonic() - began < 15


def test_without_a_mail_server_the_log_says_once_what_awaits(tmp_path, environment, engine):
    add(engine, "Dr. Bo")
    with serving(tmp_path, environment) as (_, log):
        wait_for(lambda: "awaiting a signature at" in log())
        (line,) = [line for line in log().splitlines() if "awaiting a signature" in line]
        assert "answers were never signed" in line and "/editor/reviews" in line
        assert "SMTP_HOST is empty" in line
        add(engine, "Dr. Kit")
        wait_for(lambda: log().count("awaiting a signature") == 2)  # rounds went by


def test_of_several_gateways_one_reminds(address):
    store_engine.migrate_database(address)
    engines = [store_engine.connect_database(address) for _ in range(4)]
    for name in ("Dr. Bo", "Dr. Kit", "Dr. Zoe"):
        add(engines[0], name)
    found, begin = [], threading.Barrier(len(engines))

    def claim(engine):
        begin.wait()
        found.extend(reminders.claim_due(engine, ["clinician"], datetime.timedelta(hours=1)))

    threads = [threading.Thread(target=claim, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(signer.name for signer in found) == ["Dr. Bo", "Dr. Kit", "Dr. Zoe"]
    for engine in engines:
        engine.dispose()


def examine(tmp_path, environment):
    """(exit code, what `bot doctor` says of the mail server)."""
    done = subprocess.run(
        [*BOT, "doctor"],
        cwd=settings.ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "VAR": str(tmp_path), "SECRET": SECRET, **environment},
        timeout=120,
    )
    assert "qqcanary" not in done.stdout + done.stderr and done.stderr == ""
    return done.returncode, [line for line in done.stdout.splitlines() if " mail: " in line]


def test_the_doctor_says_whether_the_mail_server_works_and_who_has_no_address(
    tmp_path, environment, engine, certificate
):
    add(engine, "Dr. Nomail", reachable=False)
    trusted = {"SSL_CERT_FILE": str(certificate)}
    with mail_server.running(certificate, user="desk", password="qqcanary", tls="tls") as server:
        given = SMTP | PASSWORD | {"SMTP_PORT": str(server.port), "SMTP_TLS": "tls"}
        works, nowhere = examine(tmp_path, environment | given | trusted)[1]
        assert works.startswith("ok") and "takes mails from desk@example.org" in works
        assert "Dr. Nomail may sign, and can't be reminded" in nowhere
        assert "bot people email NAME" in nowhere and server.mails == []
        given_one = [*BOT, "people", "email", "Dr. Nomail", "--email", "bo@example.org"]
        subprocess.run(given_one, cwd=settings.ROOT, check=True, env={**os.environ, **environment})
        assert len(examine(tmp_path, environment | given | trusted)[1]) == 1


@pytest.mark.parametrize(
    ("how", "given", "said"),
    [
        ({}, {"SMTP_PASSWORD": "qqcanary2"}, "refused SMTP_USER with SMTP_PASSWORD; mend"),
        ({}, {"SSL_CERT_FILE": ""}, "its certificate can't be trusted"),
        ({"tls": "none"}, {}, "it offers no TLS, or no sign-in"),
        ({}, {"SMTP_TLS": "tls"}, "TLS did not come about; is SMTP_TLS right?"),
        ({"refused": {"desk@example.org"}}, {}, "takes no mail from SMTP_FROM (553)"),
        ({}, {"SMTP_HOST": "mail.invalid"}, "nobody knows this name; mend SMTP_HOST"),
        ({}, {"SMTP_PORT": "1"}, "Connection refused"),
    ],
)
def test_the_doctor_says_what_is_wrong_with_a_mail_server(tmp_path, certificate, how, given, said):
    with mail_server.running(certificate, user="desk", password="qqcanary", **how) as server:
        right = SMTP | PASSWORD | {"SMTP_PORT": str(server.port), "SSL_CERT_FILE": str(certificate)}
        code, (line,) = examine(tmp_path, right | given)
    assert code == 1 and line.startswith("mend") and said in line
