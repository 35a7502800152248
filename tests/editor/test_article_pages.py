"""The articles at the desk: written, looked at, merged, drafted from elsewhere; by who may, and
never outside of their folder."""

import itertools
import os
import re
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.content import articles, site_content
from bot.editor.app import PARTS
from bot.editor.shared import article_document, content_files, phrases_document
from tests.editor.test_imports import PAGE, paragraph, word

CRAMPS = word(
    paragraph("Muscle cramps", "Heading1")
    + paragraph("What is it?", "Heading2")
    + paragraph("A muscle cramp is a sudden pull of a muscle that hurts.")
    + paragraph("When to see a doctor", "Heading2")
    + paragraph("Soon where it goes on for hours.")
)


def base_of(page):
    return re.search(r'name="base" value="([0-9a-f ]+)"', page)[1]


def form(desk, question="causes", **changes):
    own = phrases_of(desk)[question]
    return {
        **question_of(desk, question),
        "train": "\r\n".join(own["train"]),
        "test": "\r\n".join(own["test"]),
        **changes,
    }


def phrases_of(desk):
    path = content_files.phrases_path(desk.config, "hiccups")
    return phrases_document.read_phrases(content_files.read_file(path), path)


def question_of(desk, question="causes"):
    return article_document.read_document(
        content_files.read_file(content_files.article_path(desk.config, "hiccups"))
    )["questions"][question]


def test_a_question_is_changed_in_the_editors_name_and_its_history_is_readable(desk, git):
    ada = desk.enter("Ada", "editor")
    files = ["articles/hiccups.md", "phrases/hiccups.yml"]
    before = [(git / name).read_text() for name in files]
    page = ada.get("/articles/hiccups/causes").text
    assert "What causes hiccups?" in page and "what causes hiccups" in page
    fields = form(desk, ask="Whence do hiccups come?")
    answer = ada.post(
        "/articles/hiccups/causes",
        base=base_of(page),
        **{**fields, "train": fields["train"] + "\r\nwhere do my hics come from"},
    )
    assert answer.status_code == 303
    article, phrases = ((git / name).read_text() for name in files)
    assert article.replace("Whence do hiccups come?", "What causes hiccups?") == before[0]
    assert article != before[0]
    assert phrases.replace("    - where do my hics come from\n", "") == before[1] != phrases
    assert changed_files(git) == files
    history = ada.get("/articles/hiccups/past-changes").text
    assert "Ada" in history and "“Whence do hiccups come?”: changed" in history
    commit = re.search(r"\?commit=([0-9a-f]{40})", history)[1]
    shown = ada.get(f"/articles/hiccups/past-changes?commit={commit}").text
    assert "<ins>" in shown and "where do my hics come from" in shown
    ada.post("/review/teach", text="whence my hics", question="hiccups.causes")
    history = ada.get("/articles/hiccups/past-changes").text
    assert "Teach “Whence do hiccups come?” 1 phrase" in history


def changed_files(git):
    """The files of the last commit."""
    command = ["git", "-C", str(git), "show", "--name-only", "--format="]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_two_editors_of_one_article_are_merged_and_of_one_line_shown_both(desk, git):
    ada, bob = desk.enter("Ada", "editor"), desk.enter("Bob", "editor")
    opened = base_of(ada.get("/articles/hiccups/causes").text)
    text = form(desk)["text"]
    bob.post(
        "/articles/hiccups/causes",
        base=base_of(bob.get("/articles/hiccups/causes").text),
        **form(desk, ask="Why do people get hiccups?"),
    )
    merged = ada.post(
        "/articles/hiccups/triggers",
        base=opened,
        **form(desk, "triggers", ask="What brings hiccups on?"),
    )
    assert merged.status_code == 303
    assert (
        question_of(desk)["ask"] == "Why do people get hiccups?"
        and question_of(desk, "triggers")["ask"] == "What brings hiccups on?"
    )
    mine = {**form(desk), "text": text, "ask": "What makes people hiccup?"}
    conflict = ada.post("/articles/hiccups/causes", base=opened, **mine)
    assert conflict.status_code == 409
    assert (
        "What makes people hiccup?" in conflict.text
        and "<del>" in conflict.text
        and "<ins>" in conflict.text
        and "Nothing is lost" in conflict.text
    )
    assert question_of(desk)["ask"] == "Why do people get hiccups?"
    assert (
        ada.post("/articles/hiccups/causes", base=base_of(conflict.text), **mine).status_code == 303
    )
    assert question_of(desk)["ask"] == "What makes people hiccup?"


def forget_opened(desk):
    """What happens to the texts that were opened more than KEPT_DAYS ago."""
    for path in (desk.config.path("var") / "opened").iterdir():
        os.utime(path, (0, 0))
    content_files.keep_opened(desk.config, "another text")


@pytest.mark.parametrize("repository", [True, False], ids=["with a history", "without"])
def test_what_was_opened_long_ago_takes_nothing_of_others_away(desk, request, repository):
    if repository:
        request.getfixturevalue("git")
    ada, bob = desk.enter("Ada", "editor"), desk.enter("Bob", "editor")
    opened = base_of(ada.get("/articles/hiccups").text)
    question = base_of(ada.get("/articles/hiccups/causes").text)
    old = form(desk)
    bob.post(
        "/articles/hiccups/causes", base=question, **form(desk, ask="Why do people get hiccups?")
    )
    bob.post(
        "/articles/hiccups", base=base_of(bob.get("/articles/hiccups").text), title="Bob on hiccups"
    )
    forget_opened(desk)
    assert content_files.read_kept(desk.config, opened) is None
    answers = [
        ada.post(
            "/articles/hiccups/causes",
            base=question,
            **{**old, "heading": "What makes hiccups come"},
        ),
        ada.post("/articles/hiccups", base=opened, url="https://example.org/hiccups"),
    ]
    fields = article_document.read_document(
        content_files.read_file(content_files.article_path(desk.config, "hiccups"))
    )
    assert (
        fields["title"] == "Bob on hiccups"
        and fields["questions"]["causes"]["ask"] == "Why do people get hiccups?"
    )
    if repository:
        assert [answer.status_code for answer in answers] == [303, 303]
        assert (
            fields["questions"]["causes"]["heading"] == "What makes hiccups come"
            and fields["url"] == "https://example.org/hiccups"
        )
    else:
        assert [answer.status_code for answer in answers] == [409, 409]
        assert (
            "What makes hiccups come" in answers[0].text
            and "https://example.org/hiccups" in answers[1].text
        )
        again = ada.post(
            "/articles/hiccups/causes",
            base=base_of(answers[0].text),
            **{**old, "heading": "What makes hiccups come"},
        )
        assert (
            again.status_code == 303 and question_of(desk)["heading"] == "What makes hiccups come"
        )


def test_what_is_written_is_looked_at_and_every_fault_has_its_place(desk):
    ada = desk.enter("Ada", "editor")
    look = ada.post("/articles/hiccups/causes/look-at", **form(desk)).text
    assert (
        "no fault" in look
        and "On the website" in look
        and "plain text" in look
        and "Telegram" in look
        and "Often nobody can say" in look
    )
    text = "You have a rare illness that nobody knows. [1]\n\nStop taking the tablets at once, says everybody. [99]"  # noqa: E501
    look = ada.post(
        "/articles/hiccups/causes/look-at",
        **form(desk, text=text, facet="whence", train="what are hiccups\nwhat causes hiccups"),
    ).text
    for said in (
        "tells the reader what he has",
        "Source [99] is not listed",
        "The question causes has 2 phrases that teach it; write at least 4",
        "Answer, line",
        "Phrases that teach, line 1",
        "Nothing else teaches this side of the subject",
    ):
        assert said.replace("'", "&#39;") in look, said
    look = ada.post(
        "/articles/hiccups/causes/look-at",
        **form(desk, train=form(desk)["train"] + "\nwhat are hiccups\nhow can tics be treated"),
    ).text
    assert "what are hiccups&#34; stands in hiccups.what_is" in look, look
    assert "Often nobody can say" in content_files.read_file(
        content_files.article_path(desk.config, "hiccups")
    )


def test_a_question_says_how_people_ask_it_or_how_many_phrases_it_wants(desk):
    ada = desk.enter("Ada", "editor")
    page = ada.get("/articles/hiccups/causes").text
    assert "without any phrase of your own" in page and "“causes of hiccups”" in page
    assert "Up to three" in page and "at least" not in page.partition("Phrases that teach")[0]
    page = ada.get("/articles/hiccups/medicines_that_cause").text
    assert "write at least 4 phrases that teach. 14, and 6 that test, are better." in page
    look = ada.post(
        "/articles/hiccups/medicines_that_cause/look-at",
        **form(desk, "medicines_that_cause", facet="famous_people"),
    ).text
    assert 'hx-swap-oob="true"' in look and "without any phrase of your own" in look


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        ("good morning", "stands in greeting of the talk too"),
        ("causes of hiccups", "is taught for every article already"),
        ("what are hiccups", "stands in hiccups.what_is"),
        ("what is tremor", "stands in tremor.what_is too"),
    ],
)
def test_a_phrase_that_the_check_refuses_is_refused_at_the_desk(desk, phrase, said):
    ada = desk.enter("Ada", "editor")
    before = phrases_of(desk)
    fields = form(desk, train=f"{form(desk)['train']}\n{phrase}")
    look = ada.post("/articles/hiccups/causes/look-at", **fields).text
    assert said in look and "Phrases that teach, line" in look
    base = base_of(ada.get("/articles/hiccups/causes").text)
    answer = ada.post("/articles/hiccups/causes", base=base, **fields)
    assert answer.status_code == 422 and said in answer.text
    assert phrases_of(desk) == before


def test_a_question_with_faults_is_not_saved_and_what_was_written_stays(desk):
    ada = desk.enter("Ada", "editor")
    before = content_files.read_file(content_files.article_path(desk.config, "hiccups"))
    page = ada.get("/articles/hiccups/causes").text
    answer = ada.post(
        "/articles/hiccups/causes",
        base=base_of(page),
        **form(desk, text="A {slot} of <b>mine</b>. [1]"),
    )
    assert (
        answer.status_code == 422
        and "A {slot} of &lt;b&gt;mine&lt;/b&gt;" in answer.text
        and "<b>mine" not in answer.text
    )
    assert "Holds a brace" in answer.text
    assert content_files.read_file(content_files.article_path(desk.config, "hiccups")) == before


@pytest.mark.parametrize(
    ("sent", "kind"), [(PAGE.encode(), "tremor.html"), (CRAMPS, "cramps.docx")]
)
def test_an_article_from_elsewhere_is_a_draft_until_nothing_is_missing(desk, git, sent, kind):
    ada = desk.enter("Ada", "editor")
    token = ada.token()
    answer = ada.client.post(
        "/editor/articles/new",
        data={"csrf": token, "url": "https://example.org/page"},
        files={"file": (kind, sent)},
    )
    assert answer.status_code == 303, answer.text
    at = answer.headers["location"].removeprefix("/editor")
    page = ada.get(at).text
    assert "draft" in page and "has no evidence" in page
    assert "https://example.org/page" in page
    assert ada.post(f"{at}/make-article").status_code == 422
    id = at.rpartition("/")[2]
    assert not content_files.article_path(desk.config, id).is_file()
    draft = content_files.draft_path(desk.config, id)
    fields = article_document.read_document(content_files.read_file(draft))
    fields["evidence"] = articles.NOT_HELD
    fields["questions"] = {
        name: {**question, "text": "It is common. [1]"}
        for name, question in fields["questions"].items()
    }
    draft.write_text(article_document.write_document(content_files.read_file(draft), fields))
    own, text = content_files.phrases_path(desk.config, id, draft=True), ""
    for name in fields["questions"]:
        asked = {"train": [f"{name} asked in way {n} of it" for n in range(4)]}
        text = phrases_document.write_phrases(text, id, name, asked)
    own.write_text(text)
    finished = ada.post(f"{at}/make-article")
    assert finished.status_code == 303, re.findall("<li>(.*?)</li>", finished.text)
    article, faults = articles.read_article(
        content_files.read_file(content_files.article_path(desk.config, id)), f"{id}.md"
    )
    assert faults == [] and article.written_by == "Ada"
    assert content_files.phrases_path(desk.config, id).read_text() == text
    assert not draft.is_file() and not own.is_file()


def test_what_an_import_left_out_stands_beside_its_draft_as_long_as_it_is_one(desk, git):
    ada, bob = desk.enter("Ada", "editor"), desk.enter("Bob", "editor")
    table = "Question,Answer,Owner\nWhat is a tic?,A quick move.,Ann\n"
    sent = ada.client.post(
        "/editor/articles/new",
        data={"csrf": ada.token()},
        files={"file": ("faq.csv", table.encode())},
    )
    at = sent.headers["location"].removeprefix("/editor")
    for visit in (ada, bob, ada):
        assert "Columns that were left out: “Owner”." in visit.get(at).text
    assert ada.post(f"{at}/remove-draft").status_code == 303
    assert list(desk.config.path("data").glob(".drafts/*")) == []
    assert not subprocess.run(
        ["git", "-C", str(git), "status", "--porcelain"], capture_output=True, check=True
    ).stdout


def test_a_file_that_is_none_is_refused_with_a_sentence(desk):
    ada = desk.enter("Ada", "editor")
    answer = ada.client.post(
        "/editor/articles/new",
        data={"csrf": ada.token()},
        files={"file": ("x.docx", b"PK\x03\x04 nothing")},
    )
    assert answer.status_code == 422 and "not a Word file" in answer.text
    assert ada.post("/articles/new", text="").status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        "/articles/..%2f..%2fetc",
        "/articles/%2e%2e",
        "/articles/drafts/..%2fhiccups",
        "/articles/nosuch",
        "/articles/HICCUPS",
        "/articles/hiccups/article_info",
        "/articles/nosuch/past-changes",
        "/articles/hiccups/past-changes?commit=HEAD",
    ],
)
def test_a_path_that_leads_elsewhere_leads_nowhere(desk, git, path):
    assert desk.enter("Ada", "editor").get(path).status_code == 404


def test_a_reader_changes_nothing(desk):
    rea = desk.enter("Rea", "reader")
    before = content_files.read_file(content_files.article_path(desk.config, "hiccups"))
    page = rea.get("/articles/hiccups/causes").text
    for path, fields in (
        ("/articles/hiccups/causes", form(desk, ask="Mine?")),
        ("/articles/hiccups", {"title": "Mine"}),
        ("/articles/new", {"text": "x"}),
        ("/articles/drafts/hiccups/make-article", {}),
    ):
        assert rea.post(path, base=base_of(page), **fields).status_code == 403
    assert content_files.read_file(content_files.article_path(desk.config, "hiccups")) == before


def test_the_particulars_and_sources_are_changed(desk, git):
    ada = desk.enter("Ada", "editor")
    page = ada.get("/articles/hiccups").text
    answer = ada.post(
        "/articles/hiccups",
        base=base_of(page),
        title="All about hiccups",
        written_by="Ada: B",
        **{"source.11.title": "New", "source.11.url": "https://example.org/new"},
    )
    assert answer.status_code == 303
    fields = article_document.read_document(
        content_files.read_file(content_files.article_path(desk.config, "hiccups"))
    )
    assert (fields["title"], fields["written_by"], fields["sources"][11]["title"]) == (
        "All about hiccups",
        "Ada: B",
        "New",
    )
    wrong = ada.post(
        "/articles/hiccups", base=base_of(ada.get("/articles/hiccups").text), written_on="tomorrow"
    )
    assert wrong.status_code == 422 and "written_on" in wrong.text


def test_what_is_sent_with_write_it_is_saved_before_the_question_is_shown(desk):
    ada = desk.enter("Ada", "editor")
    base = base_of(ada.get("/articles/hiccups").text)
    sent = {"base": base, "title": "All about hiccups", "new": "At night"}
    answer = ada.post("/articles/hiccups", **sent)
    assert answer.headers["location"] == "/editor/articles/hiccups/at_night"
    page = ada.get("/articles/hiccups").text
    assert 'value="All about hiccups"' in page
    there = ada.post("/articles/hiccups", base=base_of(page), new="Causes")
    assert there.headers["location"] == "/editor/articles/hiccups/causes"
    refused = ada.post("/articles/hiccups", base=base_of(page), title="Mine", new="?")
    assert refused.status_code == 422 and "can&#39;t name a question" in refused.text


def test_without_a_repository_it_is_said_and_saving_works(desk):
    ada = desk.enter("Ada", "editor")
    page = ada.get("/articles/hiccups").text
    assert "no history is kept" in page and "no history is kept" in ada.get("/articles").text
    assert (
        ada.post("/articles/hiccups", base=base_of(page), title="Hiccups anew").status_code == 303
    )
    assert "Hiccups anew" in ada.get("/articles").text


def test_what_an_imported_page_names_is_never_called(desk):
    ada = desk.enter()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        inside = f"http://127.0.0.1:{server.getsockname()[1]}/secret"
        page = (
            f"""<html><head><base href="{inside}"><link rel="stylesheet" href="{inside}"><script src="{inside}"></script>
            <meta http-equiv="refresh" content="0; url={inside}"></head><body><img src="{inside}"><iframe src="{inside}"></iframe>"""  # noqa: E501
            + PAGE
        )
        sent = ada.client.post(
            "/editor/articles/new",
            data={"csrf": ada.token(), "url": inside},
            files={"file": ("page.html", page.encode())},
        )
        assert sent.status_code == 303, sent.text
        assert ada.post(
            "/articles/new",
            text=f"A title\n\nA paragraph that names {inside} and more.\n\n{inside}",
            url=inside,
        ).status_code in (303, 422)
        ada.client.get(sent.headers["location"])
        with pytest.raises(TimeoutError):
            server.accept()


def test_beside_a_questions_text_stands_what_its_sources_say(desk):
    ada = desk.enter("Ada", "editor")
    page = ada.get("/articles/hiccups/what_is").text
    assert "What it says there" in page and "unintended movement of the diaphragm" in page
    assert "read as an older text of facts" in page and "no evidence yet" not in page
    fields = form(desk, "what_is")
    look = ada.post(
        "/articles/hiccups/what_is/look-at",
        **{**fields, "text": fields["text"].replace("sudden squeeze", "sudden cramp")},
    ).text
    assert look.count("has no evidence yet") == 1
    before = look.partition("has no evidence yet")[0]
    assert before.rstrip().endswith('nobody means to make. <span class="tag bad">')


def test_an_article_says_at_the_desk_that_it_is_not_held_against_its_sources(desk):
    ada = desk.enter("Ada", "editor")
    base = base_of(ada.get("/articles/hiccups").text)
    assert ada.post("/articles/hiccups", base=base, evidence="none").status_code == 303
    text = content_files.read_file(content_files.article_path(desk.config, "hiccups"))
    assert articles.read_article(text, "hiccups.md")[0].evidence == "none"
    page = ada.get("/articles/hiccups/what_is").text
    assert "are not held against their sources" in page


def import_text(visit, text):
    """The path of the draft that the desk makes of a pasted text."""
    sent = visit.post("/articles/new", text=text)
    assert sent.status_code == 303, sent.text
    return sent.headers["location"].removeprefix("/editor")


WORDS_OF_ADDRESSES = {
    part
    for route in itertools.chain.from_iterable(router.routes for router in PARTS)
    if route.path.startswith("/articles")
    for part in route.path.split("/")
    if articles.ID.match(part)
}


def test_a_question_may_be_named_like_any_page_of_the_desk(desk):
    ada = desk.enter("Ada", "editor")
    at = import_text(ada, "Hiccups\n\nRemoval\n\nThey come and go.\n")
    for name in ("evidence", "history", "look", "removal", *WORDS_OF_ADDRESSES):
        base = base_of(ada.get(f"{at}/{name}").text)
        sent = ada.post(f"{at}/{name}", base=base, ask="Why so?", text=f"Words of {name}.")
        assert sent.status_code == 303 and sent.headers["location"] == f"/editor{at}/{name}"
        assert f"Words of {name}." in ada.get(f"{at}/{name}").text
        assert ada.get(f"{at}/{name}/its-evidence").status_code == 200


def test_no_article_from_elsewhere_is_named_like_a_page_of_the_desk_or_another(desk):
    ada = desk.enter("Ada", "editor")
    for title in ("New", "Drafts", "x" * 90, "Hiccups", "Hiccups"):
        at = import_text(ada, f"{title}\n\nThey come and go, and nobody knows them.\n")
        assert at not in ("/articles/drafts/new", "/articles/drafts/drafts")
        assert ada.get(at).status_code == 200
    assert len(list(desk.config.path("data").glob(".drafts/*.md"))) == 5


def test_two_editors_who_bring_the_same_title_at_once_both_keep_their_words(desk):
    visits = {name: desk.enter(name, "editor") for name in ("Ann", "Bob", "Cyd", "Dan")}
    with ThreadPoolExecutor() as pool:
        drafts = list(
            pool.map(
                lambda name: import_text(visits[name], f"Sleep\n\nWords of {name} about it.\n"),
                visits,
            )
        )
    for name, at in zip(visits, drafts, strict=True):
        draft = content_files.draft_path(desk.config, at.rpartition("/")[2])
        assert f"Words of {name}" in content_files.read_file(draft)


def test_a_long_text_is_taken_or_refused_with_its_reason(desk):
    ada = desk.enter("Ada", "editor")
    for size, status, said in ((2, 422, "larger than"), (4, 422, "at most 3,000,000")):
        sent = ada.client.post(
            "/editor/articles/new",
            data={"csrf": ada.token(), "text": "Sleep is good. " * (size * 1_000_000 // 15)},
            files={"file": ("", b"")},
        )
        assert sent.status_code == status and said in sent.text, sent.text


BESIDE = {
    "the lock of a program": lambda folder: (folder / ".#hiccups.md").symlink_to("ada@host.1:2"),
    "a folder": lambda folder: (folder / "old.md").mkdir(),
    "what a Mac leaves": lambda folder: (folder / "._hiccups.md").write_bytes(b"\0\xff"),
}


@pytest.mark.parametrize("what", BESIDE)
def test_what_programs_leave_beside_the_articles_is_none(desk, what):
    data = desk.config.path("data")
    BESIDE[what](data / "articles")
    BESIDE[what](data / "evidence")
    ada = desk.enter("Ada", "editor")
    for page in ("/articles", "/review", "/articles/hiccups", "/try", "/stories"):
        assert ada.get(page).status_code == 200, page
    assert site_content.check_content(data) == []


@pytest.mark.parametrize(
    "name", ["articles/hiccups.md", "phrases/hiccups.yml", "evidence/hiccups.yml"]
)
def test_a_file_that_is_no_text_is_named_on_its_page_and_nowhere_in_the_way(desk, name):
    path = desk.config.path("data") / name
    path.write_bytes(b"---\ntitle: caf\xe9\n---\n")
    ada = desk.enter("Ada", "editor")
    for page in ("", "/causes", "/side-by-side", "/causes/its-evidence"):
        answer = ada.get(f"/articles/hiccups{page}")
        assert answer.status_code == 422 and "This is not UTF-8 text" in answer.text
        assert path.name not in answer.text
    assert ada.get("/articles").status_code == ada.get("/review").status_code == 200


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("phrases/hiccups.yml", "(?m)^  train:\n(    - .*\n)+", "  train: 5\n"),
        (
            "articles/hiccups.md",
            "(?m)^sources:\n",
            "sources:\n  one: {title: A, url: https://example.org/a}\n",
        ),
    ],
)
def test_an_article_with_a_value_of_the_wrong_kind_shows_its_faults(desk, name, old, new):
    path = desk.config.path("data") / name
    path.write_text(re.sub(old, new, path.read_text(), count=1))
    ada = desk.enter("Ada", "editor")
    page = ada.get("/articles/hiccups")
    assert page.status_code == 200 and "wrong" in page.text
    assert ada.post("/articles/hiccups", base=base_of(page.text), title="B").status_code == 422
    for page in ("/causes", "/side-by-side", "/causes/its-evidence"):
        assert ada.get(f"/articles/hiccups{page}").status_code == 200


def test_a_heading_of_two_lines_becomes_one_and_its_text_stays(desk):
    ada = desk.enter("Ada", "editor")
    at = import_text(ada, "Hiccups\n\nWhy\n\nThey come and go.\n")
    for heading in ("One\nand more", "One\u2028and more"):
        base = base_of(ada.get(f"{at}/causes").text)
        sent = ada.post(f"{at}/causes", base=base, ask="Why?", heading=heading, text="My words.")
        page = ada.get(f"{at}/causes").text
        assert sent.status_code == 303 and "My words." in page and "One and more" in page


def test_a_number_without_end_is_no_fault_of_the_desk(desk):
    ada, endless = desk.enter("Ada", "editor"), "9" * 5_000
    base = base_of(ada.get("/articles/hiccups").text)
    sent = ada.post("/articles/hiccups", base=base, mark=f"{endless}.changed")
    assert sent.status_code == 303
    where = "/articles/hiccups/causes/its-evidence"
    assert ada.post(where, base=base_of(ada.get(where).text), drop=endless).status_code == 303
