"""What a clinician signs at the desk, what visitors then read, and that nobody else can write
it."""

import dataclasses
import datetime
import re
import subprocess
from pathlib import Path

import pytest
from lxml import html

from bot.channels import rendering
from bot.content import articles, replies, sign_offs, site_content
from bot.editor.shared import article_document, content_files
from bot.runtime import settings
from bot.store import accounts
from tests.editor.conftest import running
from tests.editor.test_evidence_pages import form_of

SIDE, SIGN = "/articles/hiccups/side-by-side", "/articles/hiccups/sign"
REVIEWS = "reviews/hiccups.yml"


def today():
    return datetime.datetime.now(datetime.UTC).date()


def loaded(desk):
    """The content as a release would take it."""
    return site_content.load_content(desk.config.path("data"))


def faults_of(desk):
    """What keeps the content from being trained, as sentences."""
    secret = settings.site_secret(desk.config)
    found = site_content.check_content(desk.config.path("data"), secret)
    return [fault.text for fault in found]


def told(desk, name="hiccups.causes", day=None):
    """What an answer says of its review: (reviewed_by, reviewed_on, review)."""
    article = replies.answer_question(loaded(desk), name, day or today(), 1.0)["article"]
    return article["reviewed_by"], article["reviewed_on"], article["review"]


def seen(page):
    return re.search(r'name="seen" value="([0-9a-f]+)"', page)[1]


def sign(visit, question="", **fields):
    """Sign an answer of the article about hiccups, or all, as a clinician's browser does."""
    given = {"seen": seen(visit.get(SIDE).text), "question": question, "profession": "neurologist"}
    return visit.post(SIGN, **(given | fields))


@pytest.fixture
def bo(desk):
    """The browser of a clinician, Dr. Bo."""
    return desk.enter("Dr. Bo", "clinician")


def change(desk, old="iccups", new="iccups, mostly,"):
    path = desk.config.path("data") / "articles" / "hiccups.md"
    text = path.read_text()
    start = text.index("{#causes}")
    assert old in text[start:]
    path.write_text(text[:start] + text[start:].replace(old, new, 1))


def test_one_answer_is_signed_for_its_words_and_visitors_read_by_whom(desk, bo):
    assert told(desk) == (None, None, "Not yet reviewed by a clinician")
    assert sign(bo, "causes", note="as the guideline of 2025 says").status_code == 303
    assert told(desk) == ("Dr. Bo, neurologist", today().isoformat(), None)
    assert told(desk, "hiccups.outlook")[2] == "Not yet reviewed by a clinician"
    page = bo.get(SIDE).text
    assert "Signed by Dr. Bo, neurologist" in page and "as the guideline of 2025 says" in page
    assert replies.describe_reviews(loaded(desk), "hiccups").startswith("1 of ")
    assert faults_of(desk) == []


def test_a_channel_says_who_signed_and_when(desk, bo):
    sign(bo)
    content = loaded(desk)
    reply = replies.answer_question(content, "hiccups.causes", today(), 1.0) | {"id": "r1"}
    words = str(rendering.reply_unit(reply, content.texts, "https://example.org"))
    assert f"Reviewed by Dr. Bo, neurologist on {replies.format_day(today())}" in words


def look(visit, **changes):
    """What the question's page says the chat makes of it, with these fields changed."""
    at = "/articles/hiccups/causes"
    return visit.post(f"{at}/look-at", **form_of(visit.get(at).text) | changes).text


def test_the_preview_says_of_the_review_what_visitors_will_read(desk, bo):
    ada, day = desk.enter("Ada", "editor"), replies.format_day(today())
    assert look(ada).count("Not yet reviewed by a clinician") > 2
    sign(bo, "causes")
    page = look(ada)
    assert page.count(f"Reviewed by Dr. Bo, neurologist on {day}") > 2, "web and channels"
    assert "Not yet reviewed" not in page
    page = look(ada, ask="Why do hiccups come?")
    assert page.count(f"Changed since its review by Dr. Bo, neurologist on {day}") > 2
    assert "Reviewed by" not in page


def test_the_preview_of_an_answer_that_is_late_says_so(desk):
    ada = desk.enter("Ada", "editor")
    path = desk.config.path("data") / "articles" / "hiccups.md"
    for days, said in ((400, "The review of this page was due on"), (800, "under review")):
        written = today() - datetime.timedelta(days=days)
        path.write_text(
            re.sub(r"(?m)^written_on: .*", f"written_on: {written}", path.read_text(), count=1)
        )
        assert said in look(ada)


def test_a_signature_counts_for_the_fields_of_a_form_as_for_the_file():
    data = settings.ROOT / "data"
    for article in articles.read_articles(data)[0]:
        text = articles.read_text(Path(article.path))[0]
        made = article_document.make_article(
            article_document.read_document(text), Path(article.path)
        )
        assert [sign_offs.text_mark(made, question) for question in made.questions] == [
            sign_offs.text_mark(article, question) for question in article.questions
        ]


def test_a_whole_article_is_signed_at_once_and_a_change_takes_one_answer_out(desk, bo):
    assert sign(bo).status_code == 303
    count = len(loaded(desk).articles["hiccups"].questions)
    assert f"{count} of {count}" in bo.get("/reviews").text
    path = desk.config.path("data") / "articles" / "hiccups.md"
    before = path.read_text()
    change(desk)
    reviews = sign_offs.review_article(
        articles.read_article(path.read_text(), path)[0],
        sign_offs.read_sign_offs((desk.config.path("data") / REVIEWS).read_text(), "r")[0],
    )
    states = {name: review.state for name, review in reviews.items()}
    assert states.pop("hiccups.causes") == "changed" and {*states.values()} == {"signed"}
    path.write_text(before)  # the very words that were signed
    assert told(desk)[0] == "Dr. Bo, neurologist"


def test_visitors_are_told_that_an_answer_changed_since(desk, bo):
    sign(bo)
    path = desk.config.path("data") / "articles" / "hiccups.md"
    path.write_text(path.read_text().replace("ask: What causes hiccups?", "ask: Why hiccups?"))
    day = replies.format_day(today())
    assert told(desk) == (
        None,
        None,
        f"Changed since its review by Dr. Bo, neurologist on {day}",
    )
    assert "Changed since Dr. Bo, neurologist signed it" in bo.get(SIDE).text
    assert "1</span>" in bo.get("/reviews").text


def test_a_source_that_changes_its_address_is_a_change_and_a_phrase_is_none(desk, bo):
    sign(bo)
    content = loaded(desk)
    article, question = content.articles["hiccups"], content.questions["hiccups.causes"]
    mark = sign_offs.text_mark(article, question)
    taught = dataclasses.replace(question, train=("why me",), test=())
    assert sign_offs.text_mark(article, taught) == mark
    first, *rest = article.sources_of(f"{question.lead}\n\n{question.more}")
    moved = dataclasses.replace(first, url="https://example.org/elsewhere")
    others = tuple(moved if source.n == first.n else source for source in article.sources)
    assert sign_offs.text_mark(dataclasses.replace(article, sources=others), question) != mark


def test_a_review_is_overdue_and_then_its_answer_is_withdrawn(desk, bo):
    sign(bo)
    period = datetime.timedelta(days=loaded(desk).articles["hiccups"].review_every)
    late = today() + period + datetime.timedelta(days=1)
    name, _, review = told(desk, day=late)
    assert name == "Dr. Bo, neurologist" and "was due on" in review
    gone = replies.answer_question(loaded(desk), "hiccups.causes", late + period, 1.0)
    assert gone["kind"] == "not_covered" and "under review" in gone["text"]


@pytest.mark.parametrize("role", ["reader", "editor", "publisher", "admin"])
def test_nobody_signs_who_has_not_the_role(desk, role):
    eve = desk.enter("Eve", role)
    page = eve.get(SIDE).text
    assert "Sign this answer" not in page and "Answers are signed by: clinician" in page
    assert eve.post(SIGN, seen="x", question="causes").status_code == 403
    assert not (desk.config.path("data") / REVIEWS).exists()


def test_a_clinician_changes_nothing_else(desk, bo):
    for path in ("/articles/hiccups", "/articles/hiccups/causes", "/publish"):
        assert bo.post(path, ask="x", text="y").status_code == 403, path


def test_who_signs_is_a_setting(tmp_path, desk):
    config = dataclasses.replace(desk.config, signers="clinician, admin")
    with running(config) as made:
        assert sign(made.enter("Ada", "admin"), "causes").status_code == 303
        assert made.enter("Ed", "editor").post(SIGN, seen="x").status_code == 403
    with pytest.raises(settings.SettingsError, match="SIGNERS"):
        settings.read_settings({"SIGNERS": "reader"})


@pytest.mark.parametrize("file", ["articles/hiccups.md", "evidence/hiccups.yml"])
def test_nobody_signs_words_that_were_changed_while_they_read(desk, bo, file):
    shown = seen(bo.get(SIDE).text)
    path = desk.config.path("data") / file
    path.write_text(path.read_text().replace("iaphragm", "iaphragm muscle", 1))
    answer = sign(bo, "causes", seen=shown)
    assert answer.status_code == 409 and "were changed while you read" in answer.text
    assert not (desk.config.path("data") / REVIEWS).exists()


def test_a_hand_written_review_is_a_fault_and_counts_for_nobody(desk, bo):
    sign(bo, "causes")
    path = desk.config.path("data") / REVIEWS
    path.write_text(path.read_text().replace("Dr. Bo", "Dr. Strange"))
    (fault,) = faults_of(desk)
    assert "Dr. Strange" in fault and "was not signed at this desk" in fault
    assert "Dr. Strange" not in bo.get(SIDE).text and "Never signed" in bo.get(SIDE).text


@pytest.mark.parametrize("change_row", ["outlook", "another article", "another site"])
def test_a_signature_can_not_be_moved(desk, bo, change_row):
    sign(bo, "causes")
    folder = desk.config.path("data")
    path, text = folder / REVIEWS, (folder / REVIEWS).read_text()
    content = loaded(desk)
    if change_row == "outlook":
        mark = sign_offs.text_mark(
            content.articles["hiccups"], content.questions["hiccups.outlook"]
        )
        text = re.sub(r"text: \S+", f"text: {mark}", text.replace("causes", "outlook"))
        path.write_text(text)
    elif change_row == "another article":
        mark = sign_offs.text_mark(content.articles["tremor"], content.questions["tremor.causes"])
        (path.parent / "tremor.yml").write_text(re.sub(r"text: \S+", f"text: {mark}", text))
        path.unlink()
    else:
        object.__setattr__(desk.config, "secret", "that of another site")
    assert any("was not signed at this desk" in fault for fault in faults_of(desk))


def test_a_signed_question_that_is_taken_out_blocks_nothing_and_is_signed_once_it_is_back(desk, bo):
    sign(bo, "alcohol")
    path = desk.config.path("data") / "articles" / "hiccups.md"
    before = path.read_text()
    with_it = re.compile(r"(?ms)^  alcohol:\n.*?(?=^  \w+:\n)|^## [^\n]*\{#alcohol\}.*?(?=^## )")
    path.write_text(with_it.sub("", before))
    assert not any("sign" in fault or "review" in fault for fault in faults_of(desk))
    path.write_text(before)
    assert told(desk, "hiccups.alcohol")[0] == "Dr. Bo, neurologist"


def test_two_earlier_reviewers_of_one_answer_are_both_taken_over():
    day = datetime.date(2025, 3, 1)
    earlier = [
        sign_offs.SignOff("causes", "0" * 16, name, day, imported=True) for name in ("A", "B", "A")
    ]
    assert [each.name for each in sign_offs.add_sign_offs((), earlier)] == ["A", "B"]


def test_a_front_matter_claims_no_review(desk):
    path = desk.config.path("data") / "articles" / "hiccups.md"
    claim = "\nreviewed_by: Dr. Strange\nsources:"
    path.write_text(path.read_text().replace("\nsources:", claim, 1))
    assert any("a clinician signs its answers at the desk" in fault for fault in faults_of(desk))


def test_no_form_of_an_editor_writes_a_review(desk):
    ada = desk.enter("Ada", "editor")
    page = html.fromstring(ada.get("/articles/hiccups").text)
    (form,) = [each for each in page.forms if "base" in each.fields]
    given = {name: value for name, value in form.form_values() if name != "csrf"}
    given |= {"reviewed_by": "Dr. Strange", "reviewed_on": str(today()), "title": "Hiccups, anew"}
    ada.post("/articles/hiccups", **given)
    text = (desk.config.path("data") / "articles" / "hiccups.md").read_text()
    assert "Hiccups, anew" in text and "Dr. Strange" not in text
    for name in ("reviews", "../reviews/hiccups"):
        assert ada.post(f"/tables/{name}", text="x").status_code in (404, 405)


def test_a_signature_is_committed_in_the_signers_name_and_stands_in_the_log(desk, git, bo):
    sign(bo, "causes")
    shown = subprocess.run(
        ["git", "-C", str(git), "log", "-1", "--format=%an: %s", "--name-only"],
        capture_output=True,
        text=True,
    ).stdout.split("\n")
    assert shown[0] == "Dr. Bo: hiccups: signed causes" and shown[2] == REVIEWS
    newest = accounts.read_audit(desk.engine)[0]
    assert (newest["person"], newest["action"], newest["subject"]) == (
        "Dr. Bo",
        "signed",
        "hiccups.causes",
    )


def test_a_clinician_who_leaves_signs_nothing_more_and_stays_named(desk, bo):
    sign(bo, "causes")
    shown = seen(bo.get(SIDE).text)
    accounts.dismiss_person(desk.engine, accounts.find_person(desk.engine, "Dr. Bo").id)
    assert bo.client.post(f"/editor{SIGN}", data={"seen": shown}).status_code in (401, 403)
    assert told(desk)[0] == "Dr. Bo, neurologist" and faults_of(desk) == []


def test_signing_again_renews_a_review_and_two_clinicians_stand_beside_each_other(desk, bo):
    sign(bo, "causes")
    sign(bo, "causes", profession="GP")
    kit = desk.enter("Dr. Kit", "clinician")
    sign(kit, "causes")
    text = (desk.config.path("data") / REVIEWS).read_text()
    signed, faults = sign_offs.read_sign_offs(text, REVIEWS)
    assert faults == [] and [each.name for each in signed] == ["Dr. Bo", "Dr. Kit"]
    assert signed[0].profession == "GP"


def test_the_first_page_of_a_clinician_is_what_awaits_them(desk, bo):
    first = bo.get("/")
    assert first.status_code == 303 and first.headers["location"] == "/editor/reviews"
    page = bo.get("/reviews").text
    assert "Awaiting you: " in page and "never signed" in page
    assert desk.enter("Ed", "editor").get("/").headers["location"] == "/editor/review"
    assert "Awaiting a clinician: " in desk.enter("Ed", "editor").get("/reviews").text


def test_enter_in_a_field_signs_nothing(open_tab, desk):
    tab = open_tab("clinician")
    tab.goto(f"/editor{SIDE}")
    tab.get_by_label("Profession").fill("neurologist")
    tab.keyboard.press("Enter")
    tab.wait_for_timeout(300)
    assert tab.url.endswith(SIDE) and not (desk.config.path("data") / REVIEWS).exists()
    tab.get_by_role("button", name="Sign this answer: What causes hiccups?").click()
    tab.get_by_text("Signed by Dr").or_(tab.get_by_text("Signed by Ada")).first.wait_for()


def test_a_draft_is_not_signed(desk, bo):
    path = content_files.draft_path(desk.config, "yawning")
    path.parent.mkdir(exist_ok=True)
    path.write_text((desk.config.path("data") / "articles" / "hiccups.md").read_text())
    page = bo.get("/articles/drafts/yawning/side-by-side").text
    assert "once it is an article" in page and "Sign this answer" not in page
    assert bo.post("/articles/drafts/yawning/sign", seen="x").status_code in (403, 404, 405)
