"""Stories at the desk: shown as conversations, changed turn by turn, tried with the real bot,
merged, and never anything but text."""

import html
import re
import subprocess
import uuid
from urllib.parse import urlencode

import httpx
import pytest
import yaml
from lxml import html as lxml_html
from playwright.sync_api import expect

from bot.content import stories
from bot.editor.shared import content_cache, content_files
from bot.editor.shared.state import State
from tests.editor.test_article_pages import forget_opened
from tests.support.browser import axe

TOLD = """\
# How stories are written.
version: "3.1"

stories:
  # the first
  - story: one who asks twice   # a note
    steps:
      - intent: hiccups.what_is  # asked in the morning
      - action: action_answer
      # why now
      - intent: hiccups.causes
      - action: action_answer
        offer: [hiccups.triggers]

  - story: another
    steps:
      - intent: greeting
      - action: action_talk
"""


def path_of(desk, kind="story"):
    return content_files.table_path(desk.config, stories.FILES[kind])


def stories_of(desk, kind="story"):
    return {
        story.name: story
        for story in stories.read_stories(kind, content_files.read_file(path_of(desk, kind)))
    }


def fields(page):
    """[(name, value)] of the story's form on a page."""
    found = []
    for tag in re.findall(r"<input([^>]*)>", page.split('id="story"')[1]):
        given = dict(re.findall(r'([\w.-]+)="([^"]*)"', tag))
        if "name" in given and (given.get("type") != "checkbox" or re.search(r"\bchecked\b", tag)):
            found.append((given["name"], html.unescape(given.get("value", "on"))))
    return found + re.findall(r'<select name="(\w+)"[^>]*>.*<option value="(\w+)" selected>', page)


def send(visit, at, page, then, /, **changes):
    """Press a button of a story's page, with these fields changed; a list stands for fields of one
    name."""
    sent = [(name, changes.get(name.replace(".", "_"), value)) for name, value in fields(page)]
    sent += [
        (name.replace("_", "."), value)
        for name, value in changes.items()
        if name.replace("_", ".") not in dict(fields(page))
    ]
    return visit.client.post(
        f"/editor{at}",
        content=urlencode([*sent, ("then", then)]),
        timeout=60,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )


def at_of(story, kind="story"):
    return f"/stories/{kind}/{story.key}"


@pytest.fixture
def small(desk):
    """A desk with the stories of TOLD, under git."""
    path_of(desk).write_text(TOLD)
    folder = desk.config.path("data")
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=F", "-c", "user.email=f@example.org", "commit", "-qm", "first"],
    ):
        subprocess.run(["git", "-C", str(folder), *command], check=True)
    return desk


def test_every_story_is_shown_and_saved_as_it_was(desk):
    ada = desk.enter()
    assert len(stories_of(desk)) >= 6 and all(story.turns for story in stories_of(desk).values())
    before, listed = path_of(desk).read_text(), ada.get("/stories").text
    for story in stories_of(desk).values():
        assert html.escape(story.name, quote=False).replace("'", "&#39;") in listed
        answer = send(ada, at_of(story), ada.get(at_of(story)).text, "save")
        assert answer.status_code == 303 and path_of(desk).read_text() == before, answer.text


def test_a_turn_is_moved_added_and_taken_out_before_anything_is_saved(small):
    ada, story = small.enter(), stories_of(small)["one who asks twice"]
    page = ada.get(at_of(story)).text
    page = send(ada, at_of(story), page, "up.1").text
    assert [value for name, value in fields(page) if name.startswith("gets")] == [
        "What causes hiccups?",
        "What are hiccups?",
    ]
    page = send(ada, at_of(story), page, "add.0").text
    page = send(
        ada,
        at_of(story),
        page,
        "out.2",
        gets_1="Can hiccups be prevented?",
        says_1="how do i stop them",
    ).text
    assert path_of(small).read_text() == TOLD
    assert send(ada, at_of(story), page, "save").status_code == 303
    assert stories_of(small)["one who asks twice"].turns == (
        stories.Turn("", "hiccups.causes", ("hiccups.triggers",)),
        stories.Turn("how do i stop them", "hiccups.prevention"),
    )
    said = subprocess.run(
        ["git", "log", "-1", "--format=%an %s"],
        cwd=small.config.path("data"),
        capture_output=True,
        text=True,
    ).stdout
    assert said == "Ada Story changed: one who asks twice\n"


def test_a_place_of_thousands_of_digits_moves_no_turn(small):
    ada, story = small.enter(), stories_of(small)["one who asks twice"]
    page = ada.get(at_of(story)).text
    answer = send(ada, at_of(story), page, f"up.{'1' * 4301}")
    assert answer.status_code == 200
    assert [value for name, value in fields(answer.text) if name.startswith("gets")] == [
        "What are hiccups?",
        "What causes hiccups?",
    ]


def test_comments_stay_with_the_turns_that_stay(small):
    ada, story = small.enter(), stories_of(small)["one who asks twice"]
    answer = send(
        ada,
        at_of(story),
        ada.get(at_of(story)).text,
        "save",
        says_0="what's a hiccup: tell me",
        name="anew",
    )
    assert answer.status_code == 303, answer.text
    wanted = TOLD.replace("story: one who asks twice   # a note", "story: anew").replace(
        "hiccups.what_is  # asked in the morning\n",
        "hiccups.what_is\n        says: 'what''s a hiccup: tell me'\n",
    )
    assert path_of(small).read_text() == wanted


def test_a_story_is_added_and_taken_out(small):
    ada = small.enter()
    new = ada.get("/stories/story/new").text
    answer = send(
        ada, "/stories/story/new", new, "save", name="a third", gets_0="What are hiccups?"
    )
    assert answer.status_code == 303 and stories_of(small)["a third"].turns == (
        stories.Turn("", "hiccups.what_is"),
    )
    assert (
        send(ada, "/stories/story/new", new, "save", name="a third", gets_0="thanks").status_code
        == 422
    )
    at = answer.headers["location"].removeprefix("/editor")
    assert send(ada, at, ada.get(at).text, "remove").status_code == 303
    assert path_of(small).read_text() == TOLD
    assert ada.get(at).status_code == 404
    first = ada.get("/stories/test_conversation/new").text
    assert (
        send(
            ada,
            "/stories/test_conversation/new",
            first,
            "save",
            name="b",
            says_0="hm: what?",
            gets_0="asked back",
            page="tremor",
        ).status_code
        == 303
    )
    assert yaml.safe_load(path_of(small, "test_conversation").read_text()) == {
        "conversations": [
            {
                "conversation": "b",
                "page": "tremor",
                "turns": [{"ask": "hm: what?", "kind": "clarify"}],
            }
        ]
    }


def test_every_fault_is_named_and_nothing_is_saved(small):
    ada, story = small.enter(), stories_of(small)["one who asks twice"]
    answer = send(
        ada,
        at_of(story),
        ada.get(at_of(story)).text,
        "save",
        name=" ",
        gets_0="What causes <b>what</b>?",
        gets_1="asked back",
        offer_1="thanks",
    )
    said = html.unescape(answer.text)
    assert answer.status_code == 422
    for fault in (
        "Give it a name",
        "Message 1, The bot answers</a>: No question is worded “What causes <b>what</b>?”",
        "Message 2, The bot answers</a>: “asked back” can’t come in a story",
        "Message 2, Then it offers</a>: “thanks” can’t be offered",
    ):
        assert fault in said, fault
    assert "<b>what" not in answer.text and path_of(small).read_text() == TOLD
    new = ada.get("/stories/test_conversation/new").text
    silent = send(
        ada, "/stories/test_conversation/new", new, "save", name="x", gets_0="thanks", says_0=""
    )
    assert "Message 1, The visitor</a>: Write what the visitor says" in html.unescape(silent.text)
    assert not path_of(small, "test_conversation").exists()


def test_what_two_editors_change_is_merged_or_shown(small):
    ada, bob = small.enter("Ada"), small.enter("Bob")
    one, other = stories_of(small)["one who asks twice"], stories_of(small)["another"]
    mine, his = ada.get(at_of(one)).text, bob.get(at_of(one)).text
    assert (
        send(
            bob, at_of(other), bob.get(at_of(other)).text, "save", says_0="hello there"
        ).status_code
        == 303
    )
    assert send(ada, at_of(one), mine, "save", says_0="what are they").status_code == 303
    assert (
        stories_of(small)["another"].turns[0].says == "hello there"
        and stories_of(small)["one who asks twice"].turns[0].says == "what are they"
    )
    conflict = send(bob, at_of(one), his, "save", says_0="hics, what are they")
    assert conflict.status_code == 409 and "hics, what are they" in conflict.text
    assert stories_of(small)["one who asks twice"].turns[0].says == "what are they"
    assert send(bob, at_of(one), conflict.text, "save").status_code == 303
    assert stories_of(small)["one who asks twice"].turns[0].says == "hics, what are they"


def test_what_was_opened_long_ago_is_not_written_over_others(desk):
    ada, story = desk.enter(), next(iter(stories_of(desk).values()))
    page = ada.get(at_of(story)).text
    path_of(desk).write_text(path_of(desk).read_text().replace("says hello first", "greets first"))
    forget_opened(desk)
    answer = send(ada, at_of(story), page, "save", says_0="what is it")
    assert answer.status_code == 409 and "what is it" in answer.text
    assert send(ada, at_of(story), answer.text, "save").status_code == 303
    assert "a newly diagnosed reader who greets first" in stories_of(desk)


def test_a_reader_reads_and_nobody_reaches_what_is_none(small):
    rea, story = small.enter("Rea", "reader"), stories_of(small)["another"]
    page = rea.get(at_of(story)).text
    assert (
        rea.get("/stories").status_code == 200
        and "Save" not in page
        and "A new story</a>" not in rea.get("/stories").text
    )
    for then in ("save", "try", "remove", "out.0"):
        assert send(rea, at_of(story), page, then).status_code == 403
    ada = small.enter()
    for at in (
        "/stories/story/000000000000",
        "/stories/rules/new",
        "/stories/..%2fterms/new",
        "/stories/test_conversation/..%2f..%2fetc",
        f"/stories/test_conversation/{story.key}",
    ):
        assert ada.get(at).status_code == 404, at
    page = ada.get(at_of(story)).text
    assert send(ada, "/stories/story/000000000000", page, "save").status_code == 404
    assert send(ada, at_of(story), page, "save", csrf="0.0").status_code == 403
    assert small.visit().get("/stories").status_code == 303
    assert path_of(small).read_text() == TOLD


def test_markup_in_a_story_is_text(small):
    ada = small.enter()
    new = ada.get("/stories/story/new").text
    bad = '<script>alert(1)</script> "><img src=x>'
    at = (
        send(
            ada, "/stories/story/new", new, "save", name=bad, gets_0="What are hiccups?", says_0=bad
        )
        .headers["location"]
        .removeprefix("/editor")
    )
    for page in (ada.get(at).text, ada.get("/stories").text):
        assert (
            "&lt;script&gt;alert(1)" in page and "<script>alert" not in page and "<img" not in page
        )
    assert stories_of(small)[bad].turns[0].says == bad


BRANCHING = """\
stories:
  - story: who greets or asks for help   # by hand
    steps:
      - or: [{intent: greeting}, {intent: help}]
      - action: action_talk
      - checkpoint: has begun

  - story: then asks what it is
    steps:
      - checkpoint: has begun
      - intent: hiccups.what_is
      - action: action_answer

  - story: then says thanks
    steps:
      - checkpoint: has begun
      - intent: thanks
      - action: action_talk
"""


@pytest.mark.parametrize(
    "text",
    [
        BRANCHING,
        TOLD.replace(
            "    steps:\n      - intent: greeting",
            "    by: Ada\n    steps:\n      - intent: greeting",
        ),
        TOLD + "      - slot_was_set: [{mood: glad}]\n",
        TOLD + "    metadata: {by: Ada}\n",
    ],
    ids=["branches", "a key before", "a slot", "a key behind"],
)
def test_what_the_form_does_not_know_is_shown_and_stays_as_it_is(small, text):
    path_of(small).write_text(text)
    ada, story = small.enter(), list(stories_of(small).values())[-1]
    page = ada.get(at_of(story)).text
    written = re.search(r"<pre[^>]*>(.*?)</pre>", page, re.S)[1]
    assert "its file stays as it is" in page and "<fieldset" not in page
    assert html.unescape(written) in text and f"story: {story.name}" in written
    form = {"name": "mine", "turn": "0", "gets.0": "What are hiccups?"}
    assert "stays as it is" in ada.post(at_of(story), then="save", **form).text
    assert "stays as it is" in ada.post(at_of(story), then="remove", **form).text
    assert path_of(small).read_text() == text


def outline(page):
    """The flows of a page as nested lists: what the bot answers, and what stories end there."""

    def read(items):
        found = []
        for item in items:
            if ways := item.xpath("./ul/li/ol | ./ul/li/p"):
                found.append([read(way) if way.tag == "ol" else way.text_content() for way in ways])
            else:
                (said,) = item.xpath("./p[contains(@class, 'flow-gets') or @class='flow-end']")
                found.append(said)
        return [" ".join(e.text_content().split()) if hasattr(e, "tag") else e for e in found]

    flows = lxml_html.fromstring(page).xpath("//ol[@class='flow'][not(ancestor::ol)]")
    return [read(flow) for flow in flows]


def test_stories_that_branch_in_their_file_are_drawn(small):
    path_of(small).write_text(BRANCHING)
    ada, told = small.enter(), stories_of(small)
    for story in told.values():
        greeted, helped = outline(ada.get(at_of(story)).text)
        begun = "who greets or asks for help"
        assert helped[0] == "The bot answers: what can be asked"
        assert greeted == [
            "The bot answers: a greeting",
            [
                ["The bot answers: What are hiccups?", f"End of {begun} › then asks what it is"],
                ["The bot answers: thanks", f"End of {begun} › then says thanks"],
            ],
        ]


def test_another_way_keeps_the_messages_before_it(small):
    ada, story = small.enter(), stories_of(small)["one who asks twice"]
    page = ada.get(at_of(story)).text
    link = f"/stories/story/new?begins_as={story.key}&messages=1"
    assert f'href="/editor{link.replace("&", "&amp;")}"' in page
    new = ada.get(link).text
    assert "It begins as “one who asks twice”, with 1 message of it." in html.unescape(new)
    assert [value for name, value in fields(new) if name.startswith("gets")] == [
        "What are hiccups?",
        "",
    ]
    told = {"name": "one who wants to be rid of them", "gets_1": "Can hiccups be prevented?"}
    answer = send(ada, "/stories/story/new", new, "save", says_1="how do i stop them", **told)
    assert answer.status_code == 303, answer.text
    assert path_of(small).read_text() == TOLD + (
        "\n  - story: one who wants to be rid of them\n    steps:\n"
        "      - intent: hiccups.what_is\n      - action: action_answer\n"
        "      - intent: hiccups.prevention\n        says: how do i stop them\n"
        "      - action: action_answer\n"
    )
    page = ada.get(answer.headers["location"].removeprefix("/editor")).text
    assert "Message 1 is shared with" in page
    assert outline(page) == [
        [
            "The bot answers: What are hiccups?",
            [
                ["The bot answers: What causes hiccups?", "End of one who asks twice"],
                [
                    "The bot answers: Can hiccups be prevented?",
                    "End of one who wants to be rid of them",
                ],
            ],
        ]
    ]
    listed = ada.get("/stories").text
    assert listed.count("These begin alike") == 1 and "Show their ways" in listed


def test_what_a_shared_message_offers_is_changed_in_each_way(small):
    path_of(small).write_text(
        TOLD + "\n  - story: the other way\n    steps:\n"
        "      - intent: hiccups.what_is  # kept\n      - action: action_answer\n"
        "      - intent: hiccups.prevention\n      - action: action_answer\n"
    )
    ada, story = small.enter(), stories_of(small)["the other way"]
    page = ada.get(at_of(story)).text
    answer = send(ada, at_of(story), page, "save", offer_0="What causes hiccups?")
    assert answer.status_code == 303, answer.text
    told = stories_of(small)
    assert [each.turns[0].offers for each in told.values()] == [
        ("hiccups.causes",),
        (),
        ("hiccups.causes",),
    ]
    said = html.unescape(ada.get(at_of(story)).text)
    assert "was changed in “one who asks twice”, too: they begin alike" in said
    assert path_of(small).read_text().count("# why now") == 1


def test_a_way_is_taken_out_and_the_others_stay(small):
    ada, story = small.enter(), stories_of(small)["one who asks twice"]
    new = ada.get(f"/stories/story/new?begins_as={story.key}&messages=1").text
    told = {"name": "the other way", "gets_1": "Can hiccups be prevented?", "says_1": "and stop it"}
    at = send(ada, "/stories/story/new", new, "save", **told).headers["location"][len("/editor") :]
    assert send(ada, at, ada.get(at).text, "remove").status_code == 303
    assert path_of(small).read_text() == TOLD


def test_another_way_begins_at_a_message_that_there_is(small):
    ada, story = small.enter(), stories_of(small)["another"]
    at = "/stories/story/new?begins_as="
    assert ada.get(f"{at}{'0' * 12}").status_code == 404
    assert "with 1 message of it" in ada.get(f"{at}{story.key}&messages=30").text
    assert ada.get(f"{at}{story.key}&messages=0").status_code == 422
    path_of(small).write_text(BRANCHING)
    (first, *_) = stories_of(small).values()
    assert "stays as it is" in ada.get(f"{at}{first.key}").text


def refusals(answer):
    """[(label, sentence, link)] of the faults above a form."""
    listed = lxml_html.fromstring(answer.text).xpath("//*[@id='faults']//li")
    return [
        (link.text_content(), link.tail.removeprefix(": "), link.get("href"))
        for each in listed
        for link in each.xpath("./a")
    ]


def test_a_story_that_contradicts_another_is_refused_with_links_to_both(small):
    ada, other = small.enter(), stories_of(small)["one who asks twice"]
    new = ada.get("/stories/story/new").text
    told = {"name": "mine", "gets_0": "What are hiccups?", "offer_0": "Can hiccups be prevented?"}
    answer = send(ada, "/stories/story/new", new, "save", **told)
    found = refusals(answer)
    assert answer.status_code == 422 and path_of(small).read_text() == TOLD
    assert [(label, link) for label, _, link in found] == [
        ("Story, one who asks twice", f"/editor{at_of(other)}"),
        ("Message 1, Then it offers", "#field-offer.0"),
    ]
    assert found[1][1].startswith(
        "“one who asks twice” comes to the same place with its message 1 and offers nothing there. "
    )
    assert (
        send(ada, "/stories/story/new", new, "save", **{**told, "offer_0": ""}).status_code == 303
    )


def test_a_story_that_a_rule_contradicts_is_refused(small):
    rules = small.config.path("data") / "rules.yml"
    text = rules.read_text()
    rules.write_text(
        f"{text}  - rule: x\n    steps: [{{intent: hiccups.triggers}}, {{action: action_talk}}]\n"
    )
    ada = small.enter()
    new = ada.get("/stories/story/new").text
    known = content_cache.read_questions(State(small.config, small.engine))
    told = {"name": "mine", "gets_0": known["hiccups.triggers"].ask}
    answer = send(ada, "/stories/story/new", new, "save", **told)
    assert "A rule in the files answers this message otherwise" in answer.text
    assert path_of(small).read_text() == TOLD


def test_a_question_that_is_gone_is_named(small):
    path_of(small).write_text(TOLD.replace("hiccups.causes", "hiccups.the_moon"))
    ada, story = small.enter(), stories_of(small)["one who asks twice"]
    page = html.unescape(ada.get(at_of(story)).text)
    assert "The question “hiccups: the moon” isn’t there any more." in page


def test_a_button_that_no_reply_before_has_is_refused(small):
    ada = small.enter()
    new = ada.get("/stories/story/new").text
    two = send(ada, "/stories/story/new", new, "add.0", gets_0="Are hiccups dangerous?").text
    told = {"name": "mine", "gets_1": "What is a tremor?"}
    answer = send(ada, "/stories/story/new", two, "save", **told)
    ((label, said, link),) = refusals(answer)
    assert (label, link) == ("Message 2, The visitor", "#field-says.1")
    assert said.startswith("No reply before offers “What is a tremor?” as a button: the last offer")
    for more in ({"says_1": "what is a tremor"}, {"offer_0": "What is a tremor?"}):
        name = f"mine {list(more)[0]}"
        answer = send(ada, "/stories/story/new", two, "save", **{**told, **more, "name": name})
        assert answer.status_code == 303, answer.text
        at = answer.headers["location"].removeprefix("/editor")
        send(ada, at, ada.get(at).text, "remove")


def test_a_message_that_names_another_condition_is_refused(small):
    ada, at = small.enter(), "/stories/test_conversation/new"
    new = ada.get(at).text
    told = {"name": "mine", "says_0": "what causes dystonia", "gets_0": "What causes hiccups?"}
    answer = send(ada, at, new, "save", **told)
    ((label, said, link),) = refusals(answer)
    assert (label, link) == ("Message 1, The visitor", "#field-says.0")
    assert said.startswith("This names dystonia, of which “Hiccups” says nothing: ")
    told["says_0"] = "i have dystonia, and what causes hiccups"
    assert send(ada, at, new, "save", **told).status_code == 303


def test_what_was_so_before_is_said_and_can_be_saved(small):
    path_of(small).write_text(
        TOLD.replace("- intent: greeting", "- intent: tremor.what_is").replace(
            "action_talk",
            "action_answer\n      - intent: hiccups.causes\n      - action: action_answer",
        )
    )
    ada, story = small.enter(), stories_of(small)["another"]
    page = ada.get(at_of(story)).text
    assert (
        "As it stands, a conversation can’t go as told." in page
        and "No reply before offers" in page
    )
    assert send(ada, at_of(story), page, "save", name="renamed").status_code == 303


def test_all_stories_come_as_told(served):
    page = served.enter().get("/stories?tried=1", timeout=120).text
    assert page.count("as told</span>") == len(stories_of(served)) >= 6
    assert "came otherwise" not in page


def test_a_story_is_tried_as_it_stands_in_the_form(served):
    ada, story = served.enter(), stories_of(served)["a reader compares two medicines"]
    page = ada.get(at_of(story)).text
    answer = send(
        ada,
        at_of(story),
        page,
        "try",
        says_0="what is clonazepam for",
        says_1="what causes hiccups",
    ).text
    assert "answers 1 of 3 messages otherwise" in answer and answer.count("as told</span>") == 2
    assert "came instead</span> What causes hiccups?" in answer and "not offered" in answer
    told = "Told is: What is sodium valproate, and how does it work?"
    assert told in answer and "/editor/try?text=what%20causes%20hiccups" in answer
    assert "Offered: " in answer
    assert "what causes hiccups" not in path_of(served).read_text()


def test_each_way_of_a_story_that_branches_in_its_file_is_tried(served):
    path, before = path_of(served), path_of(served).read_text()
    path.write_text(before + "\n" + BRANCHING.removeprefix("stories:\n"))
    try:
        ada, story = served.enter(), list(stories_of(served).values())[-1]
        page = ada.get(f"{at_of(story)}?tried=1", timeout=60).text
        assert page.count("as told</span>") == 4 and "came instead" not in page
    finally:
        path.write_text(before)


def test_a_conversation_becomes_a_test_story_with_a_click(served):
    token, ada = served.service.open(article="tremor"), served.enter()
    first = served.service.ask("what causes it?", token)[0]
    chosen = first["choices"][0]["value"]
    assert served.service.post(token, {"id": uuid.uuid4().hex, "choice": chosen}).status_code == 200
    served.service.ask("thanks a lot", token)
    at = re.search(r'href="/editor(/conversations/\w+)"', ada.get("/conversations").text)[1]
    made = ada.post(f"{at}/story", name="a tremor, seen on its page")
    assert made.status_code == 303
    story = stories_of(served, "test_conversation")["a tremor, seen on its page"]
    assert (
        made.headers["location"] == f"/editor{at_of(story, 'test_conversation')}"
        and story.page == "tremor"
    )
    assert [(turn.says, turn.gets) for turn in story.turns] == [
        ("what causes it?", "tremor.causes"),
        ("", chosen),
        ("thanks a lot", "thanks"),
    ]
    assert story.turns[0].offers == (chosen,)
    tried = send(
        ada,
        at_of(story, "test_conversation"),
        ada.get(at_of(story, "test_conversation")).text,
        "try",
    )
    assert "answers every message as told" in tried.text
    assert "a tremor, seen on its page" in ada.get("/stories").text
    assert ada.post(f"{at}/story", name="a tremor, seen on its page").status_code == 422
    assert served.enter("Rea", "reader").post(f"{at}/story", name="mine").status_code == 403
    assert ada.post("/conversations/nosuch/story", name="mine").status_code == 404
    path_of(served, "test_conversation").unlink()


def test_what_was_not_answered_makes_no_story(served):
    ada = served.enter()
    served.service.ask("i can't breathe")
    at = re.search(r'href="/editor(/conversations/\w+)"', ada.get("/conversations").text)[1]
    assert "Only a conversation in which" in ada.get(at).text
    assert ada.post(f"{at}/story", name="a danger").status_code == 422


@pytest.mark.parametrize("width, scheme", [(1280, "light"), (390, "dark")])
def test_stories_and_tries_are_for_everybody(served, chromium, node_modules, width, scheme):
    served.enter()
    context = chromium.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, base_url=served.url
    )
    tab, complaints, faults = context.new_page(), [], []
    tab.on(
        "console",
        lambda message: message.type in ("error", "warning") and complaints.append(message.text),
    )
    tab.goto("/editor/sign-in?next=/editor/stories")
    tab.get_by_label("Name").fill("Ada")
    tab.get_by_label("Password").fill("correct horse battery")
    tab.keyboard.press("Enter")
    tab.get_by_role("link", name="a reader compares two medicines").press("Enter")
    # loaded, scripts and all: without them each press loads a page anew
    tab.wait_for_url("**/stories/story/*", timeout=60_000)
    tab.get_by_label("The visitor").first.press_sequentially("what causes hiccups")
    # by keyboard alone, from here to the result
    tab.get_by_role("button", name="Move down: message 1").press("Enter")
    tab.locator("[name='says.1'][value='what causes hiccups']").wait_for(timeout=60_000)
    expect(tab.locator("#down-0")).to_be_focused(timeout=60_000)
    tab.get_by_role("button", name="Try it with the live release").press("Enter")
    tab.get_by_text("came instead").first.wait_for(timeout=60_000)
    for path in (
        None,
        "/editor/stories?tried=1",
        "/editor/try?text=is+clonazeapm+safe+in+pregnancy",
        "/editor/try?text=can+it+be+prevented",
    ):
        if path:
            tab.goto(path, timeout=60_000)
        faults += [f"{path}: {fault}" for fault in axe(tab, node_modules)]
        wide = tab.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        faults += [f"{path}: {wide} px wider than the window"] if wide > 0 else []
    context.close()
    assert faults == [] and complaints == []


def test_without_rasa_it_is_said_and_the_list_stands(small):
    ada, story = small.enter(), stories_of(small)["another"]
    assert ada.get("/stories?tried=1").status_code == 503
    answer = send(ada, at_of(story), ada.get(at_of(story)).text, "try")
    assert answer.status_code == 503 and "does not answer just now" in answer.text
    assert httpx.get(f"{small.url}/editor/stories").status_code == 303
