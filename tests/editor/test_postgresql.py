"""The desk's pages on a real PostgreSQL: what they read and write is the same as on SQLite, where
the other tests are."""

import csv
import dataclasses
import datetime
import io
import re
import shutil
import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.editor.shared import content_cache
from bot.editor.shared.state import State
from bot.runtime import settings
from bot.store import accounts, engine, past_questions, publications, turn_counts
from tests.editor.conftest import PASSWORD, ROOT, running
from tests.editor.test_review import read_review
from tests.support.visitor_history import fill

TURNS = 400


@pytest.fixture(scope="module")
def desk(postgresql, tmp_path_factory):
    """A Desk on PostgreSQL after TURNS messages of visitors, and Ada, who is an admin."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns(".*"))
    config = dataclasses.replace(
        settings.read_settings({}),
        database_url=postgresql.make(uuid.uuid4().hex),
        data=str(folder / "data"),
        var=str(folder),
        secret="a secret of the tests",
    )
    with running(config) as made:
        fill(made.engine, content_cache.read_articles(State(config, made.engine, None)), TURNS)
        yield made


@pytest.fixture
def ada(desk):
    return desk.enter("Ada", "admin")


def audit(desk):
    return [entry["action"] for entry in accounts.read_audit(desk.engine)]


@pytest.mark.parametrize(
    "path",
    [
        "/review",
        "/review/aside",
        "/review?text=why+do&article=hiccups&channel=web&why=declined&since=2026-01-01",
        "/drafts",
        "/conversations",
        "/conversations?outcome=clarify",
        "/conversations?vote=no&channel=web",
        "/conversations?article=hiccups&since=2026-01-01&until=2030-01-01",
        "/reports",
        "/reports?ended=true",
        "/articles",
        "/articles/hiccups",
        "/tables/terms",
        "/publish",
        "/numbers",
        "/people",
        "/audit",
        "/account",
    ],
)
def test_every_page_is_shown(ada, path):
    answer = ada.get(path)
    assert answer.status_code == 200, answer.text


def test_a_wording_is_taught_set_aside_and_brought_back(desk, ada):
    page = read_review(ada)
    wording = re.search(r'name="text" value="([^"&]+)"', page)[1]
    assert ada.post("/review/aside", text=wording).status_code == 303
    assert wording in ada.get("/review/aside").text
    assert ada.post("/review/back", text=wording).status_code == 303
    assert (
        ada.post(
            "/review/teach",
            text="why on earth do my hiccups come at tea time",
            question="hiccups.causes",
        ).status_code
        == 303
    )
    answer = ada.post(
        "/review/question", text="what about hiccups on the moon", nearest="hiccups.causes"
    )
    assert "hiccups on the moon" in ada.get(answer.headers["location"].removeprefix("/editor")).text
    assert audit(desk)[:4] == ["began a question", "taught phrases", "brought back", "set aside"]


@pytest.mark.parametrize(
    "path",
    [
        "/audit?who=%00",
        "/audit?action=a%00b",
        "/conversations?channel=%00",
        "/conversations?outcome=%00&article=%00&vote=%00&release=%00",
    ],
)
def test_a_nul_in_an_address_is_looked_for_in_vain(ada, path):
    assert ada.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/conversations/a%00b", "/articles/a%00b", "/stories/a%00b/c"])
def test_an_address_with_a_nul_is_no_page(ada, path):
    assert ada.get(path).status_code == 404


def test_a_nul_in_a_form_is_a_blank(desk, ada):
    begun = ada.post("/review/question", text="is it\0the wind")
    draft = begun.headers["location"].removeprefix("/editor")
    assert "Is it the wind?" in ada.get(draft).text
    assert ada.post(draft, ask="Is it\0the sun?", article="tics\0").status_code == 303
    assert "Is it the sun?" in ada.get("/drafts").text
    person = ada.post("/people", name="Eve", role="reader", email="eve\0@example.org")
    assert person.status_code == 422
    visit = desk.visit()
    answer = visit.post("/sign-in", visit.token("/sign-in"), name="A\0da", password=PASSWORD)
    assert answer.status_code == 401


def test_a_nul_in_the_reason_of_a_publication_is_a_blank(desk, ada):
    made = publications.begin_publication(desk.engine, "publish", "Ada")
    try:  # while one is made, none is begun, and the reason is looked at all the same
        assert ada.post("/publish", reason="a new\0leaflet").status_code == 409
    finally:
        publications.end_publication(desk.engine, made, "failed")


def test_a_report_is_taken_kept_and_ended(desk, ada):
    id = re.search(r"/editor/reports/(\d+)", ada.get("/reports").text)[1]
    assert ada.post(f"/reports/{id}/take").status_code == 303
    assert "Ada looks after it" in ada.get(f"/reports/{id}").text
    assert ada.post(f"/reports/{id}/keep").status_code == 303
    assert ada.post(f"/reports/{id}/end", how="mended").status_code == 303
    assert "Ended by Ada" in ada.get(f"/reports/{id}").text
    assert ada.post(f"/reports/{id}/end", how="again").status_code == 404


def test_the_numbers_count_every_message(desk, ada):
    rows = list(csv.DictReader(io.StringIO(ada.get("/numbers/days.csv?since=2026-01-01").text)))
    assert sum(int(row["messages"]) for row in rows) == TURNS and all(
        re.fullmatch(r"\d{4}-\d\d-\d\d", row["day"]) for row in rows
    )
    now = datetime.datetime.now(datetime.UTC)
    assert (
        turn_counts.count_messages(
            desk.engine, now - datetime.timedelta(days=60), now + datetime.timedelta(days=1)
        )
        == TURNS
    )
    with desk.engine.connect() as connection:
        found = dict(
            connection.execute(text("select helpful, count(*) from votes group by helpful")).all()
        )
    questions = list(
        csv.DictReader(io.StringIO(ada.get("/numbers/questions.csv?since=2026-01-01").text))
    )
    assert sum(int(row["votes"]) for row in questions) == sum(found.values())
    assert sum(int(row["helpful"]) for row in questions) == found[True]


def test_one_publication_is_made_at_a_time_and_ends(desk):
    now = datetime.datetime.now(datetime.UTC)
    id = publications.begin_publication(desk.engine, "publish", "Ada", now)
    with pytest.raises(publications.Busy):
        publications.begin_publication(desk.engine, "publish", "Bea")
    publications.note_progress(desk.engine, id, "training", 0.4)
    publications.note_progress(desk.engine, id, "testing", 0.6)
    publications.end_publication(
        desk.engine,
        id,
        "tested",
        "20260101-000000-a",
        report={"right": 1},
        comparison={"live": None},
    )
    (made,) = publications.waiting_publications(desk.engine)
    assert (made.id, [line["step"] for line in made.log], made.report, made.live_at) == (
        id,
        ["training", "testing"],
        {"right": 1},
        now,
    )
    publications.move_publication(desk.engine, id, "tested", "live", approved_by="Bea")
    with pytest.raises(publications.NoPublication):
        publications.move_publication(desk.engine, id, "tested", "live")
    assert publications.list_publications(desk.engine)[0].approved_by == "Bea"
    assert len(past_questions.read_past_questions(desk.engine, 1000)) > 100


def test_people_come_sign_on_and_leave(desk, ada):
    id = desk.add("Bea", email="Bea@example.org")
    with pytest.raises(accounts.NameTaken):
        accounts.add_person(desk.engine, "Bea", "reader")
    assert (
        accounts.find_subject(desk.engine, "issuer 7", "bea@EXAMPLE.org")
        == id
        == accounts.find_subject(desk.engine, "issuer 7", None)
    )
    assert accounts.find_subject(desk.engine, "issuer 8", "bea@example.org") is None
    accounts.set_codes(desk.engine, id, "secret")
    assert [accounts.use_code(desk.engine, id, step) for step in (7, 7, 8)] == [True, False, True]
    assert [accounts.try_sign_in(desk.engine, {"address here": 2}, 15) for _ in range(3)] == [
        True,
        True,
        False,
    ]
    token = accounts.open_session(desk.engine, id)
    assert accounts.find_session(desk.engine, token).name == "Bea"
    assert ada.post(f"/people/{id}/dismissal").status_code == 303
    assert accounts.find_session(desk.engine, token) is None


@pytest.mark.parametrize(
    "statement", ["update audit set person = 'Eve'", "delete from audit", "truncate audit"]
)
def test_the_log_is_only_added_to(desk, ada, statement):
    before = len(audit(desk))
    with pytest.raises(DBAPIError), desk.engine.begin() as connection:
        connection.execute(text(statement))
    assert len(audit(desk)) == before > 0


def test_the_migrations_make_what_the_tables_say(desk):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from bot.store.tables import Base

    engine.migrate_database(desk.config.database())
    with desk.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
