"""Reports: a visitor's "inaccurate" becomes a ticket, which has an owner and an end, and asks again
when its article changes."""

import re

import httpx
import pytest

from bot.editor.shared import content_cache
from bot.editor.shared.state import State
from tests.support.visitor_history import fill


def report(service, token, reply, reason, comment=None):
    answer = httpx.post(
        f"{service.url}/api/feedback",
        json={"reply": reply["id"], "helpful": False, "reason": reason, "comment": comment},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 200, answer.text


def tickets(service, reply):
    return service.rows(
        "select tickets.reason, count(*) from tickets join votes on votes.ticket = tickets.id "
        "join replies on replies.id = votes.reply "
        "where tickets.revision = ? group by tickets.id order by tickets.id",
        reply["article"]["revision"],
    )


def test_reports_of_one_fault_are_one_ticket_and_a_vote_changed_leaves_it(service):
    asked = []
    for _ in range(3):
        token = service.open()
        asked.append((token, service.ask("what causes hiccups", token)[0]))
    before = dict(tickets(service, asked[0][1]))
    for token, reply in asked:
        report(service, token, reply, "out_of_date")
    assert dict(tickets(service, asked[0][1]))["out_of_date"] == before.get("out_of_date", 0) + 3
    report(service, *asked[0], "unclear")
    report(service, *asked[1], "inaccurate", "the vagus nerve is not named")
    after = dict(tickets(service, asked[0][1]))
    assert after["out_of_date"] == before.get("out_of_date", 0) + 1
    assert after["inaccurate"] == before.get("inaccurate", 0) + 1


@pytest.fixture
def reported(desk):
    """A desk with reports: a thousand messages of visitors stand in its database."""
    fill(desk.engine, content_cache.read_articles(State(desk.config, desk.engine)), 1000)
    return desk


def first(visit, path="/reports"):
    return re.search(r'href="/editor(/reports/\d+)"', visit.get(path).text)[1]


def test_a_report_gets_an_owner_and_an_end(reported):
    visit = reported.enter("Ada", "editor")
    at = first(visit)
    page = visit.get(at).text
    assert "Nobody looks after it" in page and "I read otherwise elsewhere" in page
    assert visit.post(f"{at}/take").status_code == 303
    assert "Ada looks after it" in visit.get(at).text
    assert visit.post(f"{at}/end", how=" ").status_code == 422
    assert visit.post(f"{at}/end", how="Mended <b>today</b>").status_code == 303
    assert "Mended &lt;b&gt;today&lt;/b&gt;" in visit.get(at).text
    assert f'href="/editor{at}"' not in visit.get("/reports").text
    assert f'href="/editor{at}"' in visit.get("/reports?ended=true").text
    assert visit.post(f"{at}/end", how="again").status_code == 404
    log = reported.enter("Paula", "publisher").get("/audit").text
    assert "took a report" in log and "ended a report" in log


def test_a_changed_article_asks_whether_the_fault_is_mended(reported):
    visit = reported.enter()
    at = first(visit)
    # the reports are of revisions that are no longer the file's
    assert "The article has changed since" in visit.get(at).text
    assert visit.post(f"{at}/keep").status_code == 303
    page = visit.get(at).text
    assert "The article has changed since" not in page
    article = (
        reported.engine.connect()
        .exec_driver_sql(f"select question from tickets where id = {at.rpartition('/')[2]}")
        .scalar()
        .partition(".")[0]
    )
    path = reported.config.path("data") / "articles" / f"{article}.md"
    path.write_text(path.read_text() + "\n")
    assert "The article has changed since" in visit.get(at).text


def test_a_report_leads_to_its_answer_at_the_desk_and_on_the_visitors_page(reported):
    visit = reported.enter()
    at = first(visit)
    with reported.engine.connect() as connection:
        question = connection.exec_driver_sql(
            f"select question from tickets where id = {at.rpartition('/')[2]}"
        ).scalar()
    article, _, id = question.partition(".")
    page = visit.get(at).text
    assert f'href="/articles/{article}#{id}"' in page
    (answer,) = re.findall(r'href="/editor(/articles/[^"]+)"', page)
    assert answer == f"/articles/{article}/{id}"
    assert visit.get(answer).status_code == 200
    (reported.config.path("data") / "articles" / f"{article}.md").unlink()
    page = visit.get(at).text
    assert "Its article is not there any more" in page
    assert f"/articles/{article}" not in page


def test_readers_look_and_no_more(reported):
    visit = reported.enter("Rea", "reader")
    at = first(visit)
    assert "End the report" not in visit.get(at).text
    for action in ("take", "keep", "end"):
        assert visit.post(f"{at}/{action}", how="x").status_code == 403
    assert visit.get("/reports/999999").status_code == 404
    assert visit.get("/reports/x").status_code == 422
    assert reported.visit().get("/reports").status_code == 303
