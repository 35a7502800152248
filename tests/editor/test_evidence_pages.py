"""Evidence at the desk: written beside the paragraph that it belongs to, checked as the file is,
and looked at again when a source changes or is withdrawn."""

import datetime
import re

import pytest
from lxml import html

from bot.content import articles, evidence, site_content
from bot.editor.shared import article_document, content_files
from bot.operations import source_links

WHERE = "/articles/hiccups/what_is/its-evidence"
SAYS = "A hiccup is a sudden squeeze of the diaphragm that nobody means to make."


def today():
    """The date of this moment: a run may go past midnight."""
    return str(datetime.datetime.now(datetime.UTC).date())


def form_of(page):
    """{name: value} of the page's form, as a browser sends it, without its token."""
    (form,) = [each for each in html.fromstring(page).forms if {"base", "seen"} & {*each.fields}]
    return {name: value for name, value in form.form_values() if name != "csrf"}


def ledger_text(desk):
    return content_files.read_file(content_files.ledger_path(desk.config, "hiccups"))


def ledger(desk):
    return evidence.read_ledger(ledger_text(desk), "hiccups.yml")[0]


def faults_of(desk):
    """What is wrong with the article beside its ledger, as the check names it."""
    path = content_files.article_path(desk.config, "hiccups")
    article, faults = articles.read_article(content_files.read_file(path), path)
    faults += evidence.read_all(desk.config.path("data"), [article])[1]
    return [str(fault) for fault in faults]


def place_of(fields, says):
    """Under which number a form has a statement."""
    return next(
        key.partition(".")[2]
        for key, value in fields.items()
        if key.startswith("says.") and value == says
    )


def change_article(desk, change):
    path = content_files.article_path(desk.config, "hiccups")
    path.write_text(change(content_files.read_file(path)))


def test_each_statement_stands_below_its_paragraph_with_what_its_source_says(desk):
    page = desk.enter().get(WHERE).text
    paragraph, statement = page.index("The first paragraph"), page.index(f"<legend>{SAYS}")
    assert paragraph < statement < page.index("Paragraph 2")
    fields = form_of(page)
    n = place_of(fields, SAYS)
    assert "unintended movement of the diaphragm" in fields[f"{n}.0.states"]
    assert fields["reading.1.read"] == "facts" and fields["reading.1.on"] == "2026-11-28"
    assert WHERE in desk.enter().get("/articles/hiccups/what_is").text


def test_a_changed_line_changes_its_entry_and_nothing_else_in_the_file(desk):
    ada = desk.enter("Ada", "editor")
    before, fields = ledger_text(desk), form_of(ada.get(WHERE).text)
    n = place_of(fields, SAYS)
    said = 'It is "sudden": a squeeze of the breathing muscle'
    sent = ada.post(WHERE, **{**fields, f"{n}.0.states": said, f"{n}.0.where": "Summary"})
    assert sent.status_code == 303, sent.text
    now = ledger_text(desk)
    changed = set(before.splitlines()) ^ set(now.splitlines())
    assert len(changed) == 2 and len(before.splitlines()) == len(now.splitlines())
    (entry,) = ledger(desk).by_words[SAYS]
    assert (entry.evidence[0].states, entry.evidence[0].where) == (said, "Summary")
    assert faults_of(desk) == []


def test_a_form_that_is_saved_as_it_was_opened_changes_nothing(desk):
    ada = desk.enter("Ada", "editor")
    before = ledger_text(desk)
    assert ada.post(WHERE, **form_of(ada.get(WHERE).text)).status_code == 303
    assert ledger_text(desk) == before


def test_who_reads_a_source_again_is_written_down_and_no_visitor_sees_it(desk):
    ada = desk.enter("Ada", "editor")
    fields = form_of(ada.get(WHERE).text)
    changes = {"reading.1.read": "whole", "reading.1.on": today(), "reading.1.date": "2026-01-31"}
    assert ada.post(WHERE, **{**fields, **changes}).status_code == 303
    reading = ledger(desk).readings[1]
    assert (reading.read, reading.by) == (evidence.Read.WHOLE, "Ada")
    assert reading.version == datetime.date(2026, 1, 31)
    assert {each.by for n, each in ledger(desk).readings.items() if n != 1} == {""}
    assert "read by Ada" in ada.get(WHERE).text
    assert faults_of(desk) == []


def test_a_new_statement_gets_its_evidence_and_the_article_is_whole_again(desk):
    new = "Most people get them now and then."
    change_article(desk, lambda text: text.replace(f"{SAYS} [1]", f"{SAYS} [1] {new} [1][4]", 1))
    assert any(new in fault for fault in faults_of(desk))
    ada = desk.enter("Ada", "editor")
    page = ada.get(WHERE).text
    assert "has no evidence" in page
    fields = form_of(page)
    n = place_of(fields, new)
    sent = ada.post(WHERE, **{**fields, f"{n}.0.states": "It is so", f"{n}.0.where": "Start"})
    assert sent.status_code == 303
    (fault,) = faults_of(desk)  # a statement may be saved half written, and isn't published
    assert "cites [4]" in fault
    fields = form_of(ada.get(WHERE).text)
    ada.post(WHERE, **{**fields, f"{n}.1.states": "It is so, too", f"{n}.1.where": "End"})
    assert faults_of(desk) == []


def test_a_statement_of_other_words_begins_with_its_old_evidence_until_somebody_has_looked(desk):
    other = SAYS.replace("sudden squeeze", "quick squeeze")
    change_article(desk, lambda text: text.replace(SAYS, other, 1))
    ada = desk.enter("Ada", "editor")
    page = ada.get(WHERE).text
    assert "Its words were changed" in page and f"written for “{SAYS}”" in page
    fields = form_of(page)
    n = place_of(fields, other)
    assert "unintended movement of the diaphragm" in fields[f"{n}.0.states"]
    assert ada.post(WHERE, **fields).status_code == 303
    assert other not in ledger(desk).by_words and faults_of(desk)
    assert ada.post(WHERE, **{**fields, f"confirmed.{n}": "yes"}).status_code == 303
    assert SAYS not in ledger(desk).by_words and faults_of(desk) == []


def test_an_entry_whose_words_are_gone_can_be_deleted(desk):
    change_article(desk, lambda text: text.replace(f"{SAYS} [1]", "", 1))
    ada = desk.enter("Ada", "editor")
    page = ada.get(WHERE).text
    assert f"Delete: {SAYS}" in page
    (line,) = re.findall(r'name="drop" value="(\d+)"', page)
    assert ada.post(WHERE, **form_of(page), drop=line).status_code == 303
    assert SAYS not in ledger_text(desk)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("{n}.0.verdict", "by_several", "by_several with one source only"),
        ("{n}.0.verdict", "not found", "“not found” is no verdict"),
        ("{n}.0.where", "", "place is missing"),
        ("reading.1.on", "lately", "has no date of reading"),
        ("reading.1.on", "2999-01-01", "has no date of reading"),
        ("reading.1.date", "last spring", "date must be that of the version read"),
        ("reading.1.how", "}\n  2: {read: whole", None),
    ],
)
def test_what_the_check_refuses_is_refused_here_and_what_was_written_stays(
    desk, field, value, said
):
    ada = desk.enter("Ada", "editor")
    before, fields = ledger_text(desk), form_of(ada.get(WHERE).text)
    key = field.format(n=place_of(fields, SAYS))
    answer = ada.post(WHERE, **{**fields, key: value})
    if said is None:  # no words of a form are obeyed as the file's own
        assert answer.status_code == 303
        assert ledger(desk).readings[1].how == " ".join(value.split())
        return
    assert answer.status_code == 422
    assert said in html.fromstring(answer.text).text_content()
    assert ledger_text(desk) == before
    if "verdict" not in key:
        assert form_of(answer.text)[key] == value


def test_two_editors_of_two_statements_are_both_kept_and_of_one_the_second_is_asked(desk):
    ada, ben = desk.enter("Ada", "editor"), desk.enter("Ben", "editor")
    fields = form_of(ada.get(WHERE).text)
    last = max(int(key.partition(".")[2]) for key in fields if key.startswith("says."))
    first, second = f"{place_of(fields, SAYS)}.0.states", f"{last}.0.states"
    assert ada.post(WHERE, **{**fields, first: "Ada's line"}).status_code == 303
    assert ben.post(WHERE, **{**fields, second: "Ben's line"}).status_code == 303
    assert "Ada's line" in ledger_text(desk) and "Ben's line" in ledger_text(desk)
    answer = ben.post(WHERE, **{**fields, first: "Ben's other line"})
    assert answer.status_code == 409 and "Another editor saved other changes" in answer.text
    again = form_of(answer.text)
    assert again[first] == "Ben's other line"
    assert ben.post(WHERE, **again).status_code == 303
    assert "Ben's other line" in ledger_text(desk) and "Ada's line" not in ledger_text(desk)


def test_a_text_that_changed_while_the_form_stood_open_is_not_taken_for_the_old_one(desk):
    ada = desk.enter("Ada", "editor")
    fields, before = form_of(ada.get(WHERE).text), ledger_text(desk)
    change_article(desk, lambda text: text.replace(SAYS, SAYS.replace("squeeze", "cramp"), 1))
    answer = ada.post(WHERE, **{**fields, f"{place_of(fields, SAYS)}.0.states": "new"})
    assert answer.status_code == 422 and "no longer stands in the article" in answer.text
    assert ledger_text(desk) == before


def test_an_article_that_nobody_held_gets_its_first_evidence_here(desk):
    content_files.ledger_path(desk.config, "hiccups").unlink()
    change_article(desk, lambda text: text.replace("title:", "evidence: none\ntitle:", 1))
    ada = desk.enter("Ada", "editor")
    page = ada.get(WHERE).text
    assert "not held against their sources" in page
    fields = form_of(page)
    n = place_of(fields, SAYS)
    changes = {
        f"{n}.0.states": "A movement that nobody means",
        f"{n}.0.where": "Summary",
        "reading.1.read": "whole",
        "reading.1.on": today(),
    }
    assert ada.post(WHERE, **{**fields, **changes}).status_code == 303
    made, faults = evidence.read_ledger(ledger_text(desk), "hiccups.yml")
    assert faults == [] and list(made.readings) == [1] and [e.says for e in made.entries] == [SAYS]


def test_readers_see_the_evidence_and_change_none(desk):
    eve = desk.enter("Eve", "reader")
    page = eve.get(WHERE).text
    assert "<button>Save</button>" not in page
    assert eve.post(WHERE, **form_of(page)).status_code == 403
    assert eve.get("/articles/hiccups/nothing/its-evidence").status_code == 404
    assert eve.get("/articles/nothing/what_is/its-evidence").status_code == 404


def mark(desk, kind, n=1):
    """Press the button that says a source changed, or was withdrawn."""
    ada = desk.enter("Ada", "editor")
    fields = form_of(ada.get("/articles/hiccups").text)
    assert ada.post("/articles/hiccups", **fields, mark=f"{n}.{kind}").status_code == 303
    return ada


def test_a_source_that_changed_puts_what_rests_on_it_into_the_review_until_it_is_read_again(desk):
    ada = mark(desk, "changed")
    fields = article_document.read_document(
        content_files.read_file(content_files.article_path(desk.config, "hiccups"))
    )
    assert fields["sources"][1]["changed"] == today() and fields["sources"][3]["changed"] == ""
    page = ada.get("/review").text
    assert SAYS in page and f"changed {today()}" in page and WHERE in page
    assert f"changed {today()}" in ada.get(WHERE).text
    assert faults_of(desk) == []
    change_article(desk, lambda text: text.replace(f"changed: {today()}", "changed: 2026-11-01"))
    assert SAYS not in ada.get("/review").text  # it was read on the 28th


def test_a_newer_version_than_was_read_puts_what_rests_on_it_into_the_review_until_it_is_read(desk):
    ada = desk.enter("Ada", "editor")
    fields = form_of(ada.get(WHERE).text)
    read = {"reading.1.read": "whole", "reading.1.on": today(), "reading.1.date": "2026-01-31"}
    ada.post(WHERE, **{**fields, **read})
    front = form_of(ada.get("/articles/hiccups").text)
    assert ada.post("/articles/hiccups", **{**front, "source.1.date": "2026-02-01"}).is_redirect
    page = ada.get("/review").text
    assert SAYS in page and "changed 2026-02-01" in page
    assert "changed 2026-02-01" in ada.get(SIDE).text
    fields = form_of(ada.get(WHERE).text)
    ada.post(WHERE, **{**fields, "reading.1.date": "2026-02-01"})
    assert SAYS not in ada.get("/review").text


def test_what_rests_on_a_withdrawn_source_is_a_fault_at_its_line(desk):
    ada = mark(desk, "withdrawn")
    page = ada.get("/review").text
    assert SAYS in page and f"withdrawn {today()}" in page
    path = content_files.article_path(desk.config, "hiccups")
    line = next(
        n for n, line in enumerate(content_files.read_file(path).splitlines(), 1) if SAYS in line
    )
    fault = next(fault for fault in faults_of(desk) if "withdrawn" in fault)
    assert fault.startswith(
        f"{path}:{line}: “{SAYS}” rests on [1], which was withdrawn ({today()})"
    )
    assert "cite another source, or take the statement out" in fault
    change_article(desk, lambda text: text.replace("title:", "evidence: none\ntitle:", 1))
    assert any("withdrawn" in fault for fault in faults_of(desk))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("changed", "the day on which source 1 changed must be the one on which that was noticed"),
        ("withdrawn", "the day on which source 1 was withdrawn must be the one on which that was "),
        ("date", "the date of source 1 must be that of its newest version, as 2026-11-28, or be "),
    ],
)
def test_a_date_of_a_source_that_is_no_day_is_a_fault(desk, kind, said):
    path = content_files.article_path(desk.config, "hiccups")
    lines = content_files.read_file(path).splitlines()
    line = lines.index("  1:") + 1
    lines.insert(line, f"    {kind}: lately")
    _, faults = articles.read_article("\n".join(lines) + "\n", path)
    (fault,) = faults
    assert str(fault).startswith(f"{path}:{line + 1}: {said}")


SIDE = "/articles/hiccups/side-by-side"


def article(desk):
    path = content_files.article_path(desk.config, "hiccups")
    return articles.read_article(content_files.read_file(path), path)[0]


def plain(words):
    """Words without marks of sources and lists, on one line."""
    return " ".join(re.sub(r"\s*\[\d+\]|^- ", " ", words, flags=re.MULTILINE).split())


def test_who_signs_reads_the_articles_own_words_beside_what_each_source_says(desk):
    page = html.fromstring(desk.enter("Ada", "editor").get(SIDE).text)
    count = evidence.summarise_evidence(article(desk), ledger(desk)).statements
    assert count > 50 and f"{count} of {count} statements have evidence" in page.text_content()
    left = [plain(row[0].text_content()) for row in page.find_class("statement")]
    written = [
        plain(block)
        for question in article(desk).questions
        for block in evidence.answer_paragraphs(question)
    ]
    assert plain(" ".join(left)).replace(" .", ".") == plain(" ".join(written)).replace(" .", ".")
    row = next(row for row in page.find_class("statement") if SAYS in row[0].text_content())
    beside = " ".join(row[1].text_content().split())
    assert "unintended movement of the diaphragm" in beside
    assert "What are hiccups, first sentence" in beside
    assert "Version without a date, read as an older text of facts on 2026-11-28" in beside
    assert [link.get("href") for link in row[1].iter("a")] == [article(desk).sources[0].url]


DRAFT = "/articles/drafts/yawning"
SQUEEZE = "A yawn is a deep breath that nobody means to take."


@pytest.fixture
def draft(desk):
    """A draft that lacks nothing but evidence: hiccups' first question, about something else."""
    fields = article_document.read_document(
        content_files.read_file(content_files.article_path(desk.config, "hiccups"))
    )
    question = fields["questions"]["what_is"]
    fields["questions"] = {
        "what_is": {
            **question,
            "about": "myoclonus",
            "text": f"{SQUEEZE} [1] It is common. [1][3]",
        }
    }
    fields["sources"] = {n: fields["sources"][n] for n in (1, 3)}
    fields["about"] = "migraine"  # which no article is about
    path = content_files.draft_path(desk.config, "yawning")
    path.parent.mkdir()
    own = content_files.phrases_path(desk.config, "yawning", draft=True)
    asked = "".join(f"    - what is yawn number {n}\n" for n in range(4))
    own.write_text(f"what_is:\n  train:\n{asked}")
    text = article_document.write_document(
        content_files.read_file(content_files.article_path(desk.config, "hiccups")), fields
    ).replace("further_reading:", "further_reading: []\nx:")
    path.write_text(re.sub(r"^x:\n(?:[ -].*\n)*", "", text, flags=re.MULTILINE))
    return path


def test_the_draft_of_an_article_shows_what_has_no_evidence_and_becomes_none_before(desk, draft):
    ada = desk.enter("Ada", "editor")
    page = ada.get(DRAFT).text
    assert "2 statements without evidence" in page and "0 of 2 statements have evidence" in page
    assert f"“{SQUEEZE}” has no evidence; write what its sources say" in page
    assert f'href="/editor{DRAFT}/what_is/its-evidence"' in page
    assert "has no evidence yet" in ada.get(f"{DRAFT}/what_is").text
    assert "has no evidence yet" in ada.get(f"{DRAFT}/side-by-side").text
    answer = ada.post(f"{DRAFT}/make-article")
    assert answer.status_code == 422 and "has no evidence" in answer.text
    assert not content_files.article_path(desk.config, "yawning").is_file()


def line_of(path, words):
    return next(
        n for n, line in enumerate(content_files.read_file(path).splitlines(), 1) if words in line
    )


def test_the_evidence_of_a_draft_is_written_at_the_desk_and_goes_with_it(desk, draft):
    ada = desk.enter("Ada", "editor")
    fields = form_of(ada.get(f"{DRAFT}/what_is/its-evidence").text)
    n, m = place_of(fields, SQUEEZE), place_of(fields, "It is common.")
    rows = {f"{n}.0": "A deep breath", f"{m}.0": "Common", f"{m}.1": "Often seen"}
    given = {f"{row}.states": states for row, states in rows.items()}
    given |= {f"{row}.where": "Summary" for row in rows}
    for source in (1, 3):
        given |= {f"reading.{source}.read": "whole", f"reading.{source}.on": today()}
    sent = ada.post(f"{DRAFT}/what_is/its-evidence", **{**fields, **given})
    assert sent.status_code == 303, sent.text
    page = ada.get(DRAFT).text
    assert "2 of 2 statements have evidence" in page and "without evidence" not in page
    assert "A deep breath" in ada.get(f"{DRAFT}/side-by-side").text
    before = site_content.check_content(desk.config.path("data"))
    finished = ada.post(f"{DRAFT}/make-article")
    assert finished.status_code == 303, re.findall("<li>(.*?)</li>", finished.text)
    assert before == site_content.check_content(desk.config.path("data")) == []
    kept = content_files.read_file(content_files.ledger_path(desk.config, "yawning"))
    assert evidence.read_ledger(kept, "yawning.yml")[0].readings[1].by == "Ada"
    assert list(draft.parent.iterdir()) == []


def test_a_draft_may_say_that_its_statements_are_not_held_yet(desk, draft):
    ada = desk.enter("Ada", "editor")
    fields = form_of(ada.get(DRAFT).text)
    assert ada.post(DRAFT, **{**fields, "evidence": "none"}).status_code == 303
    assert ada.post(f"{DRAFT}/make-article").status_code == 303
    assert site_content.check_content(desk.config.path("data")) == []


def test_a_draft_that_rests_on_a_withdrawn_source_does_not_become_an_article(desk, draft):
    ada = desk.enter("Ada", "editor")
    fields = form_of(ada.get(DRAFT).text)
    ada.post(DRAFT, **{**fields, "evidence": "none", "mark": "3.withdrawn"})
    answer = ada.post(f"{DRAFT}/make-article")
    assert answer.status_code == 422 and f"withdrawn ({today()})" in answer.text


def test_a_draft_that_is_deleted_takes_its_evidence_with_it(desk, draft):
    content_files.ledger_path(desk.config, "yawning", draft=True).write_text("sources: {}\n")
    assert desk.enter("Ada", "editor").post(f"{DRAFT}/remove-draft").status_code == 303
    assert list(draft.parent.iterdir()) == []


def test_a_draft_in_which_most_is_missing_shows_its_statements_all_the_same(desk, draft):
    text = content_files.read_file(draft)
    draft.write_text(re.sub(r"(?m)^ +facet:.*\n", "", text))
    ada = desk.enter("Ada", "editor")
    for page in (DRAFT, f"{DRAFT}/side-by-side", f"{DRAFT}/what_is/its-evidence"):
        answer = ada.get(page)
        assert answer.status_code == 200 and SQUEEZE in answer.text, page


def test_one_is_counted_as_one(desk, draft):
    draft.write_text(
        content_files.read_file(draft).replace("It is common. [1][3]", "").replace("[1] ", "[1]")
    )
    ada = desk.enter("Ada", "editor")
    assert "0 of 1 statement has evidence" in ada.get(DRAFT).text
    assert "1 statement without evidence" in ada.get(DRAFT).text


def test_addresses_that_moved_stand_in_the_review_until_their_article_has_others(desk):
    (source, *_) = articles.read_article(
        content_files.read_file(path := content_files.article_path(desk.config, "hiccups")), path
    )[0].sources
    place = source_links.Place("hiccups", str(path), 10, 1)
    said = "its page is gone (404)"
    source_links.keep_links(
        desk.config, [source_links.Link(source.url, (place,), source_links.State.GONE, said)]
    )
    ada = desk.enter("Ada", "editor")
    page = ada.get("/review").text
    assert "Addresses of sources that moved or are gone (1)" in page
    assert said in page and 'href="/editor/articles/hiccups">hiccups [1]' in page
    change_article(desk, lambda text: text.replace(source.url, "https://example.org/new", 1))
    assert said not in ada.get("/review").text


def test_a_ledger_that_is_no_yaml_keeps_what_was_written_and_says_where(desk):
    path = content_files.ledger_path(desk.config, "hiccups")
    path.write_text("sources: {}\na: [\n")
    ada = desk.enter("Ada", "editor")
    fields = form_of(ada.get(WHERE).text)
    sent = ada.post(WHERE, **{**fields, "reading.1.read": "whole", "reading.1.how": "on paper"})
    assert sent.status_code == 422 and "on paper" in sent.text
    assert "not valid YAML" in sent.text and "hiccups.yml" not in sent.text
