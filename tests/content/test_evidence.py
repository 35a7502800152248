"""Evidence: every statement of an article is held against what its sources say."""

import dataclasses
import datetime
import re
from pathlib import Path

import pytest

from bot.channels import rendering
from bot.channels.platforms import twilio
from bot.cli.main import main
from bot.content import articles, evidence, replies, site_content
from bot.operations import ask

ROOT = Path(__file__).resolve().parents[2]
ARTICLE, LEDGER = "articles/hiccups.md", "evidence/hiccups.yml"
TODAY = datetime.date(2026, 11, 28)
STATED = "A hiccup is a sudden squeeze of the diaphragm that nobody means to make."


def edit(data, file, old, new):
    """Exchange the first `old` of a content file; the line (from 1) on which it stood."""
    path = data / file
    text = path.read_text()
    assert old in text, f"the test is out of date: {old!r} stands nowhere in {file}"
    path.write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


def faults_of(data):
    """What is wrong with the evidence of one article; whether it is part of the whole check, two
    tests say."""
    article, faults = articles.read_article((data / ARTICLE).read_text(), data / ARTICLE)
    faults += evidence.read_all(data, [article] if article else [])[1]
    return [str(fault) for fault in faults]


def held(id):
    """(the article, its ledger) as the project's content has them."""
    path = ROOT / f"data/articles/{id}.md"
    article, _ = articles.read_article(path.read_text(), path)
    return article, evidence.read_all(ROOT / "data", [article])[0][id]


def ledger(*statements):
    """A Ledger of statements (says, *numbers), each source of which was read whole."""
    day = datetime.date(2026, 11, 28)
    return evidence.Ledger(
        {
            n: evidence.Reading(evidence.Read.WHOLE, day)
            for n in {n for _, *numbers in statements for n in numbers}
        },
        tuple(
            evidence.Entry(
                says,
                tuple(
                    evidence.Evidence(n, "opening", "says so", evidence.Verdict.SUPPORTED)
                    for n in numbers
                ),
                line,
            )
            for line, (says, *numbers) in enumerate(statements, 1)
        ),
    )


# --- what is a statement


@pytest.mark.parametrize(
    ("block", "found"),
    [
        ("One. [1] Two. [2][3]", [("One.", (1,)), ("Two.", (2, 3))]),
        ("One [1]. Two [2], and three. [3]", [("One.", (1,)), ("Two, and three.", (2, 3))]),
        ("Causes are: [1]\n- a cold [2]\n- a fall", [("Causes are:", (1,)), ("a cold", (2,))]),
        ("| jerk | often [1] |\n| twitch | seldom [2] |", [("often", (1,)), ("seldom", (2,))]),
        ("One. [1]\n\nTwo. [2]", [("One.", (1,)), ("Two.", (2,))]),
        ("No number stands here.", []),
        ("[1]", [("", (1,))]),
        ("Ask a doctor. It is so. [1]", [("It is so.", (1,))]),
        ('They say "hic". [1] More. [2]', [('They say "hic".', (1,)), ("More.", (2,))]),
    ],
)
def test_a_statement_is_what_stands_before_its_numbers(block, found):
    statements = evidence.of_text(block, evidence.Ledger())
    assert [(each.says, each.numbers) for each in statements] == found


def test_an_entry_may_hold_several_sentences_and_needs_each_of_its_numbers():
    known = ledger(("Mr. Smith's sign is rare. It passes.", 1, 2))
    (statement,) = evidence.of_text("Mr. Smith's sign is rare. It passes. [1][2]", known)
    assert statement.is_held()
    (statement,) = evidence.of_text("Mr. Smith's sign is rare. It passes. [1]", known)
    assert statement.entry and not statement.is_held()


def test_a_changed_statement_loses_its_entry():
    (statement,) = evidence.of_text("It is not rare. [1]", ledger(("It is rare.", 1)))
    assert statement.entry is None


def test_the_example_of_the_docs_fits_its_example_article(tmp_path):
    page = (ROOT / "docs/articles.md").read_text()
    written, told = (
        re.search(rf"```{kind}\n(.*?)```", page, re.DOTALL)[1] for kind in ("markdown", "yaml")
    )
    (known, faults) = evidence.read_ledger(told, tmp_path / "example.yml")
    assert faults == []
    body, line = articles.split_front_matter(written)[1:]
    (section,) = articles.read_sections(body, line, "example.md")[0].values()
    first, second = section["blocks"]
    (statement,) = evidence.of_text(first[1], known)
    assert statement.is_held() and evidence.of_text(second[1], known)[0].is_held()


# --- what the check finds


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (ARTICLE, "squeeze of the diaphragm", "cramp of the diaphragm", "has no evidence; write"),
        (ARTICLE, "means to make. [1]", "means to make. [3]", "cites [3], of which its evid"),
        (ARTICLE, "means to make. [1]", "means to make. [1][3]", "cites [3], of which its evid"),
        (ARTICLE, "lungs. [1][4]", "lungs. [1]", "does not cite [4], which its evidence"),
        (ARTICLE, "https://medlineplus.gov/hiccups.html", "https://medlineplus.gov/", "front page"),
        (LEDGER, "{source: 1, where", "{source: 99, where", "source 99 was never read"),
        (LEDGER, "verdict: supported", "verdict: not found", "“not found” is no verdict"),
        (LEDGER, "verdict: supported", "verdict: by_several", "by_several with one source only"),
        (LEDGER, 'states: "unintended', 'state: "unintended', "what the source says is missing"),
        (LEDGER, "statements:", "statement:", "statement is not known here"),
    ],
)
def test_what_does_not_fit_is_a_fault_at_its_line(data, file, old, new, said):
    line = edit(data, file, old, new)
    faults = [fault for fault in faults_of(data) if said in fault]
    assert faults, faults_of(data)
    if "front page" not in said:
        assert f"{data / file}:{line}:" in faults[0]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("read: facts, ", "", "was never read"),
        ("read: facts", "read: remembered", "was never read"),
        ("on: 2026-11-28, ", "", "has no date of reading"),
        ("on: 2026-11-28", "on: lately", "has no date of reading"),
        ("on: 2026-11-28", "on: 2999-01-01", "has no date of reading"),
        ("date: null", "date: last spring", "date must be that of the version read"),
    ],
)
def test_a_source_that_was_not_read_is_a_fault(data, old, new, said):
    line = edit(data, LEDGER, old, new)
    assert any(f"{data / LEDGER}:{line}: " in f and said in f for f in faults_of(data))


def test_an_entry_whose_words_no_longer_stand_is_a_fault(data):
    edit(data, ARTICLE, f"{STATED} [1] ", "")
    faults = faults_of(data)
    assert len(faults) == 1
    assert "evidence/hiccups.yml:" in faults[0] and "no longer stands in the article" in faults[0]


def test_a_source_that_nothing_cites_is_further_reading_and_no_source(data):
    more = '{title: "More", publisher: "NHS", url: "https://www.nhs.uk/conditions/hiccups/"}'
    edit(data, ARTICLE, "sources:\n", f"sources:\n  99: {more}\n")
    assert any("source 99" in f and "cited nowhere" in f for f in faults_of(data))
    edit(data, ARTICLE, f"  99: {more}\n", "")
    front = (data / ARTICLE).read_text()
    if "further_reading:" not in front:
        edit(data, ARTICLE, "questions:\n", f"further_reading:\n  - {more}\nquestions:\n")
    article, faults = articles.read_article((data / ARTICLE).read_text(), data / ARTICLE)
    assert faults == faults_of(data) == [] and article.further_reading[0].title


def test_an_article_without_a_ledger_must_say_so(data):
    (data / LEDGER).unlink()
    (fault,) = site_content.check_content(data)
    assert "articles/hiccups.md:1: its statements have no evidence" in str(fault)
    edit(data, ARTICLE, "questions:\n", "evidence: none\nquestions:\n")
    assert faults_of(data) == []
    edit(data, ARTICLE, "evidence: none", "evidence: some")
    assert any("evidence can only be `none`" in fault for fault in faults_of(data))


def test_a_ledger_of_no_article_is_a_fault(data):
    (data / "evidence/nothing.yml").write_text("sources: {}\n")
    (fault,) = faults_of(data)
    assert "there is no article nothing" in fault


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "[",
        "sources: 7\nstatements: x\n",
        "- a\n",
        "sources: {1: {read: whole}}\nstatements: [{says: a, evidence: [{source: [1]}, 7]}]\n",
        "statements: [{says: 3}, 7]\nsources: {1: x}\n",
    ],
)
def test_a_broken_ledger_is_a_list_of_faults_and_never_an_exception(data, broken):
    (data / LEDGER).write_text(broken)
    faults = [str(fault) for fault in site_content.check_content(data)]
    assert faults and all(re.match(r".+?:\d+: ", fault) for fault in faults), faults


def test_an_article_with_a_statement_without_evidence_is_not_trained(data, tmp_path):
    from bot.releases import registry
    from bot.runtime import settings

    edit(data, ARTICLE, "squeeze of the diaphragm", "cramp of the diaphragm")
    config = settings.read_settings(
        {"DATA": str(data), "MODELS": str(tmp_path / "models"), "SECRET": "x"}
    )
    with pytest.raises(articles.ContentError, match="has no evidence"):
        registry.train_candidate(config, lambda step, done: None)


# --- the project's own ledgers


@pytest.mark.parametrize("path", sorted(ROOT.glob("data/articles/*.md")), ids=lambda p: p.stem)
def test_every_statement_of_every_article_has_evidence(path):
    figures = evidence.summarise_evidence(*held(path.stem))
    assert figures.statements == figures.held > 100
    assert sum(figures.verdicts.values()) == figures.statements


# --- what visitors get


@pytest.fixture(scope="module")
def library():
    return site_content.load_content(ROOT / "data")


def test_an_answers_sources_are_those_of_its_words_with_what_they_say(library):
    reply = replies.answer_question(library, "hiccups.what_is", TODAY, 1.0)
    shown = {int(n) for n in articles.MARK.findall(reply["text"] + reply["more"])}
    assert {source["n"] for source in reply["sources"]} == shown
    first = reply["sources"][0]
    assert first["read"] == "read as an older text of facts" and first["version"] is None
    assert first["says"][0] == {
        "statement": STATED,
        "where": "What are hiccups, first sentence",
        "states": "unintended movement of the diaphragm",
        "verdict": "supported",
    }
    assert {each["statement"] for source in reply["sources"] for each in source["says"]} == {
        each.says
        for each in evidence.of_text(
            f"{reply['text']}\n\n{reply['more']}", library.ledgers["hiccups"]
        )
    }


def test_every_source_of_every_answer_says_something(library):
    for name in library.questions:
        for source in replies.answer_question(library, name, TODAY, 1.0)["sources"]:
            assert source["says"] and source["read"], f"{name} [{source['n']}]"


def test_where_it_comes_from_is_told_as_it_was_checked(library):
    reply = replies.article_info(library, "hiccups", TODAY, 1.0)
    assert "followed its statements to their sources (154 of 154), last on" in reply["text"]
    assert "last on 30 November 2026" in reply["text"]
    assert "sources (36 in all), 7 were read whole, 7 were read in part" in reply["text"]
    assert "1 was read where others quote it" in reply["text"]
    assert len(reply["sources"]) == 36 and not articles.MARK.search(reply["text"])


def test_several_statements_that_stand_in_part_are_counted_and_none_is_not_spoken_of(library):
    def told(article):
        return replies.article_info(library, article, TODAY, 1.0)["text"]

    partly = {
        id: evidence.summarise_evidence(article, library.ledgers[id]).verdicts.get("partly", 0)
        for id, article in library.articles.items()
    }
    several = max(partly, key=partly.get)
    assert partly[several] > 1
    assert f"{partly[several]} statements stand in their source only in part" in told(several)
    single = next(id for id, count in partly.items() if count == 1)
    assert "One statement stands in its source only in part." in told(single)
    none = dataclasses.replace(library.ledgers["hiccups"], entries=())
    bare = dataclasses.replace(library, ledgers={"hiccups": none})
    assert "in part." not in replies.article_info(bare, "hiccups", TODAY, 1.0)["text"]


def test_an_article_that_was_not_held_against_its_sources_says_so(library):
    bare = dataclasses.replace(library, ledgers={})
    assert "not yet held against" in replies.article_info(bare, "hiccups", TODAY, 1.0)["text"]
    sources = replies.answer_question(bare, "hiccups.what_is", TODAY, 1.0)["sources"]
    assert sources and all(each["says"] == [] and each["read"] is None for each in sources)


def test_a_messaging_app_gets_the_page_and_not_sixty_sources(library):
    reply = {"id": "0" * 32, **replies.article_info(library, "myoclonus", TODAY, 1.0)}
    shown = rendering.reply_unit(reply, library.texts, "https://chat.example.org")
    assert shown.sources == ()
    assert shown.page[1] == "https://chat.example.org/articles/myoclonus#sources"


def test_each_source_tells_its_date_how_it_was_read_and_when(library):
    told = {
        source["n"]: source["checked"]
        for source in replies.article_info(library, "tics", TODAY, 1.0)["sources"]
    }
    assert told[14] == "Version of 7 May 2019, read as an abstract on 28 November 2026"
    assert told[5] == "Version without a date, read in part on 28 November 2026"


def answer_of(library, name):
    """(reply, source, the lines in which it speaks about the lead) of a question."""
    reply = {"id": "0" * 32, **replies.answer_question(library, name, TODAY, 1.0)}
    lead = " ".join(re.sub(r"\s*\[\d+\]", "", reply["text"]).split())
    return next(
        (reply, source, lines)
        for source in reply["sources"]
        if (lines := [said["states"] for said in source["says"] if said["statement"] in lead])
    )


def test_a_messaging_app_gets_what_each_source_says_about_the_shown_text_where_it_fits(library):
    reply, source, stated = answer_of(library, "tics.what_is")
    later = {said["states"] for said in source["says"]} - set(stated)
    shown = rendering.reply_unit(reply, library.texts, "https://chat.example.org")
    roomy = rendering.write_unit(shown, rendering.Style(limit=8000))
    tight = rendering.write_unit(shown, rendering.Style(limit=len(roomy) - 1))
    assert stated and all(line in roomy for line in stated)
    assert not any(line in roomy for line in later)
    assert not any(line in tight for line in stated) and reply["text"] in tight
    assert not any(line in rendering.write_unit(shown, twilio.STYLE) for line in stated)


def test_lines_of_one_source_are_told_apart(library):
    reply, source, _ = answer_of(library, "tics.what_is")
    reply["text"] = "Tics come. They go. [2] They stay. [2]"
    source["says"] = [
        {"statement": statement, "where": "", "states": states, "verdict": "supported"}
        for statement, states in (
            ("Tics come.", "they come"),
            ("They go.", "Gone."),
            ("They stay.", "x"),
        )
    ]
    shown = rendering.reply_unit(reply, library.texts, "https://chat.example.org")
    assert shown.says[0] == "they come; Gone. x"


def test_the_terminal_shows_what_each_source_says(library, capsys):
    reply, source, stated = answer_of(library, "tics.what_is")
    ask.print_replies([reply])
    printed = " ".join(capsys.readouterr().out.split())
    assert stated and all(" ".join(line.split()) in printed for line in stated)
    assert source["checked"] in printed


def test_each_way_of_reading_needs_its_words(data):
    line = edit(data, "texts.yml", "  quoted: read where", "  quoted_: read where") - 5
    (fault,) = site_content.read_texts(data)[1]
    assert f"texts.yml:{line}: read_as has no text for quoted" in str(fault)


def test_content_with_its_ledgers_is_read_back_as_it_was_written(library):
    assert site_content.parse_content(site_content.dump_content(library), library.folder) == library


# --- the command


def test_the_command_counts_and_lists_what_deserves_a_second_look(data, monkeypatch, capsys):
    monkeypatch.setenv("DATA", str(data))
    assert main(["evidence", "hiccups", "--older-than", "1000"]) == 0
    said = capsys.readouterr().out
    assert "hiccups: 154 of 154 statements have evidence" in said
    assert re.search(r"verdicts: \d+ supported, \d+ by several", said)
    assert re.search(r"36 sources: \d+ whole, \d+ in part, .*\d+ as a copy", said)
    assert "on one source that was quoted or read in part:" in said
    assert "[7] 2012-04-01: Hiccup: Mystery" in said and "tremor" not in said
    assert "[13] 2024-08-12" not in said


def test_the_command_counts_one_as_one(data, monkeypatch, capsys):
    monkeypatch.setenv("DATA", str(data))
    edit(data, ARTICLE, "https://medlineplus.gov/hiccups.html", "https://medlineplus.gov/")
    assert main(["check"]) == 1
    assert "\n1 fault; nothing was changed" in capsys.readouterr().err
    assert main(["evidence", "hiccups"]) == 1
    assert "1 fault; `bot check` names it" in capsys.readouterr().err


def test_the_command_lists_what_has_no_evidence(data, monkeypatch, capsys):
    line = edit(data, ARTICLE, "squeeze of the diaphragm", "cramp of the diaphragm")
    monkeypatch.setenv("DATA", str(data))
    assert main(["evidence", "hiccups"]) == 1
    said = capsys.readouterr()
    assert "153 of 154 statements have evidence" in said.out
    assert f"articles/hiccups.md:{line}: A hiccup is a sudden cramp" in said.out
    assert "`bot check` names them" in said.err
    assert main(["evidence", "migraine"]) == 1
    assert "there is no article migraine" in capsys.readouterr().err


# --- what must never be said otherwise: by the words of the articles

LATER = r"\b(soon|quickly|in the next (few )?days|(?<!the )same day|in a (day|week) or two)\b"
EMERGENCIES = (  # that the cited pages call so
    r"(droop|face|arm|speech) .*(stroke|suddenly fails)|weak arm|slurred speech",
    r"trouble breathing|struggles to breathe|turns blue|choking",
    r"(longer|more) than five minutes|first seizure",
    r"(thoughts|thinks) of suicide|self-harm",
    r"fever.*(confus|stiff)|(confus|stiff).*fever",
    r"dystonic storm|spasms that are strong, spread and don't stop",
    r"(wake|waking) up? .*seizure|doesn't wake",
)


def sections(library):
    """{question: its text without numbers} of all articles."""
    return {
        name: articles.MARK.sub("", f"{question.lead}\n\n{question.more}")
        for name, question in library.questions.items()
    }


def sentences(library):
    """[(question, sentence)] of all articles."""
    return [
        (name, sentence)
        for name, said in sections(library).items()
        for sentence in re.split(r"(?<=[.!?])\s+", said)
    ]


@pytest.mark.parametrize("sign", EMERGENCIES)
def test_what_a_cited_page_calls_an_emergency_is_never_for_later(library, sign):
    named = [(name, said) for name, said in sentences(library) if re.search(sign, said, re.I)]
    assert named, "no article names it any more"
    assert [each for each in named if re.search(LATER, each[1], re.I)] == []


def test_where_five_minutes_of_a_seizure_are_named_a_first_one_does_not_wait_for_them(library):
    named = {
        name: said
        for name, said in sections(library).items()
        if re.search(r"seizure|fit\b", said) and re.search(r"five minutes", said)
    }
    assert {"febrile_seizures.types", "epilepsy.types", "epilepsy.seriousness"} <= set(named)
    assert not [name for name, said in named.items() if not re.search(r"first (seizure|one)", said)]


@pytest.mark.parametrize(
    "question", ["symptoms", "types", "first_aid", "treatments", "seriousness", "outlook"]
)
def test_what_cannot_wait_in_a_febrile_seizure_stands_in_each_answer_that_speaks_of_it(
    library, question
):
    said = sections(library)[f"febrile_seizures.{question}"]
    assert re.search(r"(?i)hard breathing|breathing is hard|trouble breathing", said)
    assert re.search(r"blue (face|skin)", said)


@pytest.mark.parametrize("said", [r"[Nn]ow and then", r"not meant for", r"[Hh]ome remedies, such"])
def test_what_sources_forbid_or_find_often_is_not_said_more_mildly(library, said):
    milder = [each for each in sentences(library) if re.search(said, each[1])]
    assert [each for each in milder if "only now and then" not in each[1]] == []


def test_infantile_spasms_are_named_with_an_emergency(library):
    named = {
        name: said
        for name, said in sections(library).items()
        if re.search(r"infantile spasms (are|mostly|can|come)|be infantile spasms", said, re.I)
    }
    assert {"myoclonus.everyday_forms", "sleep_starts.children"} <= set(named)
    assert {"myoclonus.when_to_see_doctor", "epilepsy.when_to_see_doctor"} <= set(named)
    for name, said in named.items():
        assert "emergency" in said, name
    for name in ("myoclonus.everyday_forms", "sleep_starts.children"):
        assert "same day" in library.questions[name].lead, name


def test_people_with_asthma_are_told_not_to_take_propranolol(library):
    lead = library.questions["tremor.medicines"].lead
    assert "People with asthma should not take propranolol." in lead
    assert "hide the shaking that warns of low blood sugar" in lead
    assert not [each for each in sentences(library) if "may not fit people" in each[1]]


def test_sugar_is_only_for_somebody_awake(library):
    for name, said in sections(library).items():
        if re.search(r"\bsugary\b|needs sugar", said):
            assert "awake and can swallow" in said, name
            assert "Nothing goes into the mouth of somebody who isn't awake" in said, name


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("epilepsy.first_aid", r"[Nn]othing .*mouth"),
        ("febrile_seizures.first_aid", r"[Nn]othing .*mouth"),
        ("myoclonus.when_to_see_doctor", r"nothing belongs in the person's mouth"),
        ("myoclonus.phenytoin", r"should not be used for jerks that are seizures"),
        ("myoclonus.phenytoin", r"make things worse"),
        ("myoclonus.phenytoin", r"decline and even death"),
        ("myoclonus.phenytoin", r"harm an unborn baby"),
        ("myoclonus.medicines", r"(?s)carbamazepine.*gabapentin|gabapentin.*carbamazepine"),
        ("dystonia.seriousness", r"dystonic storm, which is an emergency"),
        ("dystonia.seriousness", r"Fever, sweating"),
        ("dystonia.when_to_see_doctor", r"spread and don't stop.*are an emergency"),
        ("dystonia.medicines", r"tetrabenazine, can bring low mood and thoughts of suicide"),
        ("restless_legs.medicines", r"urges to gamble, have sex, shop or eat"),
        ("epilepsy.medicines", r"about 11 of 100 babies"),
        ("epilepsy.medicines", r"30 to 40 of 100 children"),
        ("epilepsy.medicines", r"never be used in pregnancy for bipolar disorder"),
        ("myoclonus.valproate_in_pregnancy", r"30 to 40 of 100"),
        ("myoclonus.valproate_in_pregnancy", r"must not be used in pregnancy for bipolar"),
        ("myoclonus.causes", r"serotonin"),
        ("sleep_starts.causes", r"parkinsonism"),
        ("hiccups.medicines", r"odd movements can start that the person can't stop"),
        ("tremor.surgery", r"one side"),
        ("myoclonus.sodium_valproate_side_effects", r"gene POLG, nobody should take it"),
        ("myoclonus.sodium_valproate_side_effects", r"Nor should a child under two"),
        ("epilepsy.medicines", r"Nor, .* should people with .* the gene POLG"),
        ("epilepsy.medicines", r"Nor should a child under two"),
    ],
)
def test_a_warning_stands_in_its_answer(library, question, words):
    assert re.search(words, sections(library)[question]), question


def test_storm_phenytoin_and_the_babys_spasms_stand_in_the_lead(library):
    for question, words in (
        ("dystonia.seriousness", "emergency"),
        ("dystonia.when_to_see_doctor", "emergency"),
        ("myoclonus.phenytoin", "should not be used"),
        ("myoclonus.when_to_see_doctor", "spasms in a baby are an emergency"),
        ("sleep_starts.when_to_see_doctor", "A baby with short spasms"),
    ):
        assert words in library.questions[question].lead, question


def test_hiccups_have_one_rule_for_when_to_see_a_doctor(library):
    said = [each for each in sentences(library) if "iccups" in each[1] and "doctor" in each[1]]
    assert not [each for each in said if "few days" in each[1]]
    assert {"hiccups.when_to_see_doctor", "myoclonus.everyday_forms"} <= {
        name for name, sentence in said if "48 hours" in sentence
    }


def test_no_article_quarrels_with_its_sources(library):
    assert not [each for each in sentences(library) if "One of our sources" in each[1]]
