"""What a visitor gets: asking, the answer card, feedback, choices, the menu, and the conversation
that goes on."""

import re
import threading
import time

import pytest
from playwright.sync_api import expect

from tests.widget.standin import ANSWER, NOT_COVERED, page


def test_it_opens_to_a_greeting_the_notice_and_the_pages_starter_questions(visit):
    chat = visit()
    expect(chat.panel).to_contain_text("Hello. Ask in your own words, or pick a question.")
    for words in (
        "a computer program, not a doctor",
        "kept for a limited time, without your name",
        "You can delete yours",
    ):
        expect(chat.panel).to_contain_text(words)
    expect(
        chat.tab.get_by_role("list", name="People often ask").get_by_role("button")
    ).to_have_text(["Can myoclonus be prevented?", "What causes myoclonus?"])
    expect(chat.input).to_be_focused()


def test_a_typed_question_gets_one_card_with_all_that_belongs_together(visit, server):
    chat = visit()
    card = chat.ask("can it be prevented")
    expect(chat.said).to_have_text("can it be prevented")
    expect(card.get_by_role("heading")).to_have_text("Can myoclonus be prevented?")
    expect(card).to_contain_text("Most kinds of myoclonus can't be prevented")
    expect(card).to_contain_text("From Living with myoclonus")
    expect(card).to_contain_text("Not yet reviewed by a clinician.")
    expect(card).to_contain_text(ANSWER["disclaimer"])
    expect(card).to_contain_text("Was this helpful?")
    expect(card.get_by_role("list", name="You could also ask").get_by_role("button")).to_have_count(
        2
    )
    assert server.calls("POST", "conversations") == [{"article": "myoclonus", "language": "en"}]
    (message,) = server.calls("POST", "messages")
    assert message["text"] == "can it be prevented" and re.fullmatch("[0-9a-f]{32}", message["id"])


def test_the_country_goes_with_each_message_as_it_is_now(visit, server):
    chat = visit('country="uk"')
    chat.ask("hello")
    chat.tab.evaluate("document.querySelector('symptom-chat').setAttribute('country', 'US')")
    chat.ask("prevented?")
    chat.tab.evaluate("document.querySelector('symptom-chat').removeAttribute('country')")
    chat.ask("valproate")
    assert server.calls("POST", "conversations")[0]["country"] == "GB"
    sent = server.calls("POST", "messages")
    assert [message.get("country") for message in sent] == ["GB", "US", None]


@pytest.mark.parametrize("country", ["England", "XX", "1"])
def test_what_is_no_country_is_named_in_the_console_with_what_to_write(visit, server, country):
    chat = visit()
    with chat.tab.expect_console_message() as said:
        chat.tab.evaluate(
            "country => document.querySelector('symptom-chat').setAttribute('country', country)",
            country,
        )
    assert f'country="{country}" is no country; write two letters' in said.value.text
    chat.ask("hello")
    assert "country" not in server.calls("POST", "messages")[0]


def test_a_reply_that_answers_nothing_has_one_small_line_to_call(visit, server):
    line = {"text": "If someone may be in danger now, call 999.", "numbers": []}
    server.answers["migraine"] = [NOT_COVERED | {"emergency": line}]
    card = visit().ask("migraine")
    expect(card.locator(".urgent")).to_have_text(line["text"])
    expect(card.get_by_role("link", name="999")).to_have_attribute("href", "tel:999")


def test_the_line_does_not_stand_beside_a_warning(visit, server):
    line = {"text": "If someone may be in danger now, call 999.", "numbers": []}
    warning = {"kind": "emergency", "text": "Call 999 now.", "numbers": []}
    server.answers["migraine"] = [NOT_COVERED | {"emergency": line, "warning": warning}]
    expect(visit().ask("migraine").locator(".urgent")).to_have_text("Call 999 now.")


def test_a_line_is_called_texted_or_opened(visit, server):
    numbers = [
        {"label": "A", "number": "*4141", "tel": "tel:*4141"},
        {"label": "B", "number": "Text SHOUT to 85258", "tel": "sms:85258"},
        {"label": "C", "number": "findahelpline.com", "url": "https://findahelpline.com"},
    ]
    server.answers["it"] = [{"kind": "crisis", "text": "Talk.", "numbers": numbers}]
    links = visit().ask("it").locator(".lines a")
    for link, address in zip(
        links.all(), ("tel:*4141", "sms:85258", "https://findahelpline.com"), strict=True
    ):
        expect(link).to_have_attribute("href", address)


def test_a_starter_asks_its_question_by_name(visit, server):
    chat = visit()
    chat.button("Can myoclonus be prevented?").click()
    expect(chat.card).to_contain_text("Most kinds")
    expect(chat.said).to_have_text("Can myoclonus be prevented?")
    assert server.calls("POST", "messages")[0]["choice"] == "myoclonus.prevention"


def test_more_shows_the_rest_and_less_hides_it(visit):
    chat = visit()
    card = chat.ask("prevented?")
    rest = card.get_by_text("A diary of when the jerks come")
    expect(rest).to_be_hidden()
    chat.button("More").click()
    expect(rest).to_be_visible()
    expect(card.get_by_role("listitem").filter(has_text="too little sleep")).to_be_visible()
    chat.button("Less").click()
    expect(rest).to_be_hidden()


def test_sources_are_numbered_links_and_so_are_the_numbers_in_the_text(visit):
    chat = visit()
    card = chat.ask("prevented?")
    card.get_by_text("Sources (1)").click()
    source = card.get_by_role("list", name="Sources").get_by_role("link").first
    expect(source).to_have_attribute("href", ANSWER["sources"][0]["url"])
    expect(source).to_have_attribute("rel", "noopener noreferrer")
    expect(source).to_have_accessible_name("Myoclonus (opens a new tab)")
    chat.button("More").click()
    cited = card.get_by_role(
        "link", name="Source 2: Progressive myoclonic epilepsy (opens a new tab)"
    )
    expect(cited).to_have_attribute("href", ANSWER["sources"][1]["url"])


STATES = ANSWER["sources"][0]["says"][0]["states"]


def said_about(*statements):
    """An answer that makes these statements, each with a number of source 1, which says "About
    <its first word>"."""
    says = [
        {"statement": each, "where": "Top", "states": f"About {each.split()[0]}", "verdict": kind}
        for each, kind in statements
    ]
    source = ANSWER["sources"][0] | {"says": says}
    text = " ".join(f"{each} [1]" for each, _ in statements)
    return [ANSWER | {"text": text, "sources": [source], "more": ""}]


def test_a_number_opens_what_the_source_says_there_with_its_date_and_link(visit):
    chat = visit()
    card = chat.ask("prevented?")
    number = chat.button("Source 1: Myoclonus")
    expect(number).to_have_attribute("aria-expanded", "false")
    number.click()
    note = card.get_by_role("group", name="Source 1: Myoclonus")
    expect(note).to_contain_text(STATES + " (Treatment)")
    expect(note).to_contain_text("Version of 1 May 2024, read whole on 20 November 2026")
    expect(note.get_by_role("link")).to_have_attribute("href", ANSWER["sources"][0]["url"])
    assert note.evaluate(
        "note => note.previousElementSibling.contains(note.getRootNode().activeElement)"
    )
    number.click()
    expect(note).to_have_count(0)


@pytest.mark.parametrize("width", [1000, 390])
def test_escape_closes_what_a_source_says_and_gives_the_focus_back_before_it_closes_the_chat(
    visit, width
):
    chat = visit(width=width)
    chat.ask("prevented?")
    number = chat.button("Source 1: Myoclonus")
    number.focus()
    chat.tab.keyboard.press("Enter")
    chat.tab.keyboard.press("Tab")
    expect(chat.button("More")).to_be_focused()  # it stands in the same paragraph
    chat.tab.keyboard.press("Tab")
    link = chat.card.get_by_role("group", name="Source 1: Myoclonus").get_by_role("link")
    expect(link).to_be_focused()
    chat.tab.keyboard.press("Escape")
    expect(link).to_have_count(0)
    expect(number).to_be_focused()
    expect(number).to_have_attribute("aria-expanded", "false")
    expect(chat.panel).to_be_visible()
    chat.tab.keyboard.press("Escape")
    expect(chat.panel).to_be_hidden()


def test_a_number_stands_in_its_line_and_what_it_opens_below_a_long_paragraph_is_brought_in_sight(
    visit, server
):
    (answer,) = said_about(("Jerks come.", "supported"))
    words = "A sentence without a number. " * 30
    server.answers["long"] = [answer | {"text": f"Jerks come. [1] {words}"}]
    server.answers["bare"] = [answer | {"text": f"Jerks come. 1 {words}"}]
    chat = visit(width=390)
    tall = "card => card.querySelector('.prose p').getBoundingClientRect().height"
    assert chat.ask("long").evaluate(tall) <= chat.ask("bare").evaluate(tall) + 1
    chat.button("Source 1: Myoclonus").click()
    note = chat.tab.get_by_role("group", name="Source 1: Myoclonus")
    expect(note).to_be_in_viewport(ratio=1)


LINES = """card => [...card.querySelectorAll('.prose sup')].map((sup) => {
  const walk = document.createTreeWalker(sup.closest('p'), NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walk.nextNode()) nodes.push(walk.currentNode);
  const middle = (node, at) => {
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + 1);
    const box = range.getBoundingClientRect();
    return (box.top + box.bottom) / 2;
  };
  const here = nodes.findIndex((node) => sup.contains(node));
  const word = nodes.slice(0, here).findLast(({data, parentElement}) => data && !parentElement.closest('sup'));
  const stop = nodes[here + 1];
  return [middle(word, word.length - 1), middle(nodes[here], 0), stop?.data[0] === '.' ? middle(stop, 0) : null];
})"""  # noqa: E501


def test_a_number_never_begins_a_line_nor_does_the_stop_behind_it(visit, server):
    sources = [ANSWER["sources"][0] | {"n": n} for n in (1, 2)]
    words = " ".join(f"{'x' * n} statement [1][2]. Another {'y' * n}. [1]" for n in range(3, 40))
    server.answers["many"] = [ANSWER | {"text": words, "sources": sources, "more": ""}]
    chat = visit(width=390)
    lines = chat.ask("many").evaluate(LINES)
    assert len(lines) == 3 * 37
    for word, number, stop in lines:
        assert abs(word - number) < 12 and (stop is None or abs(word - stop) < 12)


def test_each_number_opens_what_was_said_about_its_own_statement(visit, server):
    statements = [
        ("Jerks come.", "supported"),
        ("They go.", "partly"),
        ("Rest helps.", "supported"),
    ]
    server.answers["which"] = said_about(*statements)
    chat = visit()
    card = chat.ask("which")
    chat.button("Source 1: Myoclonus").nth(1).click()
    note = card.get_by_role("group", name="Source 1: Myoclonus")
    expect(note).to_contain_text("About They (Top)")
    expect(note).to_contain_text("This bears it out only in part.")
    expect(note).not_to_contain_text("About Jerks")
    assert note.evaluate("note => note.previousElementSibling.tagName") == "P"


@pytest.mark.parametrize(
    "text",
    [
        "Rest [1], sleep and calm help.",
        "Rest, sleep and calm help [1].",
        "- Rest, sleep and calm help. [1]",
    ],
)
def test_a_number_inside_a_statement_before_its_stop_or_in_a_list_opens_it_too(visit, server, text):
    says = [
        {"statement": said, "where": "", "states": f"About {said}", "verdict": "supported"}
        for said in ("Something else.", "Rest, sleep and calm help.")
    ]
    source = ANSWER["sources"][0] | {"says": says}
    server.answers["inside"] = [ANSWER | {"text": text, "sources": [source], "more": ""}]
    chat = visit()
    card = chat.ask("inside")
    chat.button("Source 1: Myoclonus").click()
    note = card.get_by_role("group", name="Source 1: Myoclonus")
    expect(note).to_contain_text("About Rest, sleep and calm help.")
    expect(note).not_to_contain_text("About Something else.")


def test_a_statement_that_is_not_found_opens_all_that_the_source_says_here(visit, server):
    (answer,) = said_about(("Jerks come.", "supported"), ("They go.", "supported"))
    server.answers["unknown"] = [answer | {"text": "Neither of them. [1]"}]
    chat = visit()
    card = chat.ask("unknown")
    chat.button("Source 1: Myoclonus").click()
    note = card.get_by_role("group", name="Source 1: Myoclonus")
    expect(note).to_contain_text("About Jerks (Top)")
    expect(note).to_contain_text("About They (Top)")


def test_a_review_shows_who_and_when_and_that_it_is_overdue(visit, server):
    overdue = ANSWER["article"] | {
        "reviewed_by": "Dr. Ada Example",
        "reviewed_on": "2024-02-29",
        "review": "It is late.",
    }
    server.answers["late"] = [ANSWER | {"article": overdue}]
    expect(visit().ask("late")).to_contain_text(
        "Reviewed by Dr. Ada Example on February 29, 2024. It is late."
    )


def test_a_page_of_the_servers_own_is_linked_at_the_server(visit, server):
    server.answers["own"] = [
        ANSWER | {"article": ANSWER["article"] | {"url": "/articles/myoclonus"}}
    ]
    card = visit().ask("own")
    card.get_by_text("From Living with myoclonus").click()
    link = card.get_by_role("link", name=re.compile("^Living with myoclonus"))
    expect(link).to_have_attribute("href", f"{server.origin}/articles/myoclonus#prevention")


def test_a_yes_is_a_vote(visit, server):
    chat = visit()
    card = chat.ask("prevented?")
    chat.button("Yes").click()
    expect(card).to_contain_text("Thank you. An editor will read this.")
    expect(chat.button("Yes")).to_have_attribute("aria-pressed", "true")
    assert [(vote["helpful"], vote.get("reason")) for vote in server.votes] == [(True, None)]


def test_a_no_counts_at_once_and_takes_a_reason_and_words(visit, server):
    chat = visit()
    card = chat.ask("prevented?")
    chat.button("No").click()
    expect(
        card.get_by_role("group", name="What was wrong with it?").get_by_role("button")
    ).to_have_count(5)
    chat.until(lambda: len(server.votes) == 1)
    expect(card).not_to_contain_text("Thank you")  # why comes before any thanks
    chat.button("It is out of date").click()
    card.get_by_role("textbox").fill("The clinic has closed")
    chat.button("Send this").click()
    expect(chat.button("Send this")).to_be_hidden()
    expect(card).to_contain_text("Thank you")
    reply = server.votes[0]["reply"]
    assert server.votes == [
        {"reply": reply, "helpful": False},
        {
            "reply": reply,
            "helpful": False,
            "reason": "out_of_date",
            "comment": "The clinic has closed",
        },
    ]


@pytest.mark.parametrize("arrives", [True, False])
def test_a_reason_is_sent_only_after_its_no_has_ended(visit, server, arrives):
    seen = threading.Event()

    def fault(at, method, path):
        if path == "/api/feedback" and len(server.calls("POST", "feedback")) == 1:
            seen.wait(30)
            return not arrives and at.broken()

    server.fault = fault
    chat = visit()
    chat.ask("prevented?")
    chat.button("No").click()
    chat.button("It is out of date").click()
    chat.button("Send this").click()
    chat.tab.wait_for_timeout(300)
    assert len(server.calls("POST", "feedback")) == 1
    seen.set()
    expect(chat.button("Send this")).to_be_hidden()
    assert [vote.get("reason") for vote in server.votes] == [None, "out_of_date"][not arrives :]


def test_feedback_that_hangs_does_not_hold_up_the_next_question(visit, server):
    server.fault = lambda at, method, path: (
        path == "/api/feedback" and (time.sleep(3) or at.broken())
    )
    chat = visit()
    chat.ask("prevented?")
    chat.button("Yes").click()
    chat.ask("hello")
    expect(chat.cards).to_have_count(2)
    expect(chat.cards.first).to_contain_text("That could not be sent. Please try again.")
    expect(chat.button("Yes")).to_have_attribute("aria-pressed", "false")


def test_a_choice_of_a_clarification_asks_that(visit, server):
    chat = visit()
    chat.ask("valproate")
    chat.button("Is valproate safe in pregnancy?").click()
    expect(chat.cards).to_have_count(2)
    assert server.calls("POST", "messages")[1]["choice"] == "myoclonus.valproate_in_pregnancy"


@pytest.mark.parametrize(
    ("word", "heading", "number"),
    [("emergency", "Get help now", "112"), ("crisis", "Talk to someone now", "988")],
)
def test_a_danger_looks_different_is_an_alert_and_can_be_called(visit, word, heading, number):
    chat = visit()
    card = chat.ask(word)
    expect(card.get_by_role("heading")).to_have_text(heading)
    expect(chat.tab.locator("[aria-live=assertive]")).to_contain_text(heading)
    expect(card.get_by_role("link", name=number)).to_have_attribute("href", f"tel:{number}")
    border = "element => getComputedStyle(element).borderColor"
    assert card.evaluate(border) != chat.ask("hello").evaluate(border)


def test_a_reply_in_another_language_says_so_and_runs_its_way(visit, server):
    for language, words, way in (("ar", "اتصل الآن بالرقم", "rtl"), ("fr", "Appelez le", "ltr")):
        server.answers[language] = [{"kind": "emergency", "text": words, "language": language}]
        shown = visit().ask(language).locator(".prose")
        expect(shown).to_have_attribute("lang", language)
        expect(shown.locator("p")).to_have_css("direction", way)


def test_a_number_that_is_no_telephone_number_is_not_made_a_link(visit):
    card = visit().ask("crisis")
    expect(card).to_contain_text("Text HOME to 741741")
    expect(card.get_by_role("link")).to_have_count(1)


def test_below_an_answer_that_may_not_be_meant_its_neighbours_can_be_chosen(visit, server):
    chat = visit()
    card = chat.ask("unsure")
    instead = card.get_by_role("list", name="Not what you meant?")
    expect(instead.locator(".choice")).to_have_text(
        ["What sets myoclonus off?", "What causes myoclonus?"]
    )
    instead.get_by_role("button", name="What causes myoclonus?").click()
    expect(chat.cards).to_have_count(2)
    assert server.calls("POST", "messages")[-1]["choice"] == "myoclonus.causes"


@pytest.mark.parametrize("word", ["migraine", "dose", "weather", "hello", "down"])
def test_every_other_kind_of_reply_is_shown_with_its_choices(visit, server, word):
    card = visit().ask(word)
    (reply,) = server.answers[word]
    expect(card).to_contain_text(reply["text"])
    expect(card.locator(".choice")).to_have_count(len(reply.get("choices", [])))
    expect(card.get_by_role("link")).to_have_count(len(reply.get("numbers", [])))


def test_what_is_asked_meanwhile_is_sent_after_it_and_in_order(visit, server):
    server.fault = lambda at, method, path: path == "/api/messages" and time.sleep(0.3)
    chat = visit()
    for text in ("one", "two", "three"):
        chat.send(text)
    expect(chat.cards).to_have_count(3)
    assert [body["text"] for body in server.calls("POST", "messages")] == ["one", "two", "three"]


def test_shift_enter_makes_a_line_and_blanks_send_nothing(visit, server):
    chat = visit()
    chat.input.press("Shift+Enter")
    chat.input.press("Enter")
    assert not server.log
    chat.input.fill("")
    chat.input.type("first")
    chat.input.press("Shift+Enter")
    chat.input.type("second")
    chat.input.press("Enter")
    expect(chat.said).to_have_text("first\nsecond")
    chat.card.wait_for()
    assert server.calls("POST", "messages")[0]["text"] == "first\nsecond"


def test_a_question_that_is_too_long_stays_and_says_so(visit, server):
    chat = visit()
    chat.send("é" * 2001)
    expect(chat.tab.get_by_role("alert")).to_contain_text("Yours has 2001. Please make it shorter.")
    expect(chat.input).to_have_attribute("aria-invalid", "true")
    expect(chat.input).to_have_value("é" * 2001)
    assert not server.log
    chat.ask("é" * 2000)
    expect(chat.input).to_have_attribute("aria-invalid", "false")


def test_a_reload_brings_the_conversation_back(visit, server):
    chat = visit()
    chat.ask("prevented?")
    chat.tab.reload()
    expect(chat.notes).to_have_text("Your conversation so far:")
    expect(chat.said).to_have_text("prevented?")
    expect(chat.card).to_contain_text("Most kinds")
    chat.ask("hello")
    assert len(server.calls("POST", "conversations")) == 1


def test_a_resumed_choice_has_the_words_that_were_offered(visit):
    chat = visit()
    chat.button("Can myoclonus be prevented?").click()
    chat.card.wait_for()
    chat.ask("valproate")
    chat.button("Is valproate safe in pregnancy?").click()
    expect(chat.cards).to_have_count(3)
    chat.tab.reload()
    expect(chat.said).to_have_text(
        ["Can myoclonus be prevented?", "valproate", "Is valproate safe in pregnancy?"]
    )


def test_a_conversation_of_several_pages_is_resumed_whole_and_in_order(visit, server):
    server.page = 2
    chat = visit()
    asked = ["hello", "prevented?", "hello again", "weather", "migraine"]
    for text in asked:
        chat.ask(text)
    chat.tab.reload()
    expect(chat.said).to_have_text(asked)
    expect(chat.notes).to_have_text("Your conversation so far:")
    assert len(server.calls("GET", "messages")) == 3


def test_each_message_keeps_the_session_alive(visit):
    chat = visit()
    until = "JSON.parse(localStorage[Object.keys(localStorage)[0]]).until"
    chat.ask("hello")
    first = chat.tab.evaluate(until)
    chat.tab.wait_for_timeout(50)
    chat.ask("prevented?")
    assert first < chat.tab.evaluate(until) < first + 60_000


@pytest.mark.parametrize(
    "attributes", ['country="Great Britain"', 'language="zh-Hant-TW-x-a-long-private-part"']
)
def test_an_attribute_that_the_server_would_refuse_does_not_stop_the_chat(visit, attributes):
    visit(attributes).ask("hello")


def test_a_second_tab_shows_the_same_conversation_and_follows_it(visit, server):
    first = visit()
    first.ask("prevented?")
    second = visit(context=first.tab.context)
    expect(second.cards).to_have_count(1)
    first.ask("hello")
    expect(second.cards).to_have_count(2)
    second.ask("valproate")
    expect(first.cards).to_have_count(3)
    assert len(server.conversations) == 1


def test_a_tab_that_was_open_before_the_conversation_began_joins_it(visit, server):
    first = visit()
    second = visit(context=first.tab.context)
    first.ask("prevented?")
    expect(second.cards).to_have_count(1)
    second.ask("hello")
    assert len(server.conversations) == 1


def test_starting_again_ends_it_here_and_in_the_other_tab(visit, server):
    first = visit()
    first.ask("prevented?")
    second = visit(context=first.tab.context)
    expect(second.cards).to_have_count(1)
    first.menu("Start again")
    expect(first.notes).to_have_text(
        "A new conversation. The earlier one is no longer shown on this device."
    )
    expect(first.cards).to_have_count(0)
    expect(second.notes).to_have_text("This conversation was ended in another tab or window.")
    first.ask("hello")
    assert len(server.conversations) == 2


def test_delete_my_data_asks_deletes_every_conversation_of_the_device_and_shows_the_receipt(
    visit, server
):
    chat = visit()
    chat.ask("prevented?")
    server.pages["/other"] = page('<symptom-chat article="tremor"></symptom-chat>')
    chat.tab.goto(server.origin + "/other")
    chat.launcher.click()
    chat.ask("hello")
    assert len(server.conversations) == 2
    chat.menu("Delete my data")
    chat.button("Keep it").click()
    assert len(server.conversations) == 2
    chat.menu("Delete my data")
    chat.button("Delete it").click()
    expect(chat.notes).to_contain_text("is deleted. Receipt: R-token-")
    assert not server.conversations
    assert chat.tab.evaluate("localStorage.length + sessionStorage.length") == 0


def test_data_that_could_not_be_deleted_is_said_to_be_still_there(visit, server):
    chat = visit()
    chat.ask("prevented?")
    server.fault = lambda at, method, path: at.drop()
    chat.menu("Delete my data")
    chat.button("Delete it").click()
    expect(chat.panel).to_contain_text("could not be deleted just now, and is still stored")
    server.fault = None
    chat.menu("Delete my data")
    chat.button("Delete it").click()
    expect(chat.notes).to_contain_text("Receipt: R-token-1")


def test_data_that_could_not_be_deleted_is_said_by_the_input(visit, server):
    chat = visit()
    chat.ask("prevented?")
    server.fault = lambda at, method, path: at.drop()
    chat.menu("Delete my data")
    chat.button("Delete it").click()
    expect(chat.tab.get_by_role("alert")).to_contain_text("is still stored")
    expect(chat.tab.get_by_role("alert")).to_be_in_viewport()


def test_forget_me_in_the_chat_leaves_as_little_as_the_menu_does(visit, server):
    done = {"kind": "talk", "topic": "forgotten", "text": "Done. Your receipt is R-typed."}
    server.answers["yes"] = [done]
    chat = visit()
    chat.ask("prevented?")
    chat.input.fill("yes")
    chat.input.press("Enter")
    expect(chat.notes).to_contain_text("Your receipt is R-typed.")
    expect(chat.cards).to_have_count(0)
    assert chat.tab.evaluate("localStorage.length + sessionStorage.length") == 0


def test_each_of_two_quick_questions_has_its_reply_below_it(visit, server):
    chat = visit()
    held = threading.Event()
    server.fault = lambda at, method, path: method == "POST" and not held.wait(10)
    for text in ("prevented?", "migraine"):
        chat.input.fill(text)
        chat.input.press("Enter")
    expect(chat.said).to_have_count(2)
    held.set()
    expect(chat.cards).to_have_count(2)
    order = chat.tab.get_by_role("log").locator(".entry")
    expect(order).to_contain_text(
        ["prevented?", ANSWER["title"], "migraine", NOT_COVERED["text"][:20]]
    )


def test_what_stands_above_an_answer_is_shown_with_it(visit, server):
    note = "I showed you this before."
    server.answers["again"] = [{**ANSWER, "note": note}]
    expect(visit().ask("again")).to_contain_text(note)


def everything(text: str) -> None:
    """The transcript holds both sides, and the answer with its source, review and disclaimer."""
    for part in (
        "You asked: prevented?",
        "Can myoclonus be prevented?",
        "A diary of when the jerks come",
        "[1] Myoclonus https://www.ninds.nih.gov",
        STATES,
        "Version of 1 May 2024, read whole",
        "From Living with myoclonus. Not yet reviewed by a clinician.",
        ANSWER["disclaimer"],
    ):
        assert part in text


def test_the_conversation_can_be_copied(visit):
    chat = visit(permissions=["clipboard-read", "clipboard-write"])
    chat.ask("prevented?")
    chat.menu("Copy the conversation")
    expect(chat.panel).to_contain_text("Copied.")
    everything(chat.tab.evaluate("navigator.clipboard.readText()"))


def test_a_refused_clipboard_is_said(visit):
    chat = visit(
        before="navigator.clipboard.writeText = () => Promise.reject(new Error('refused'))"
    )
    chat.ask("prevented?")
    chat.menu("Copy the conversation")
    expect(chat.panel).to_contain_text("did not allow copying")


def test_the_conversation_can_be_downloaded(visit, tmp_path):
    chat = visit()
    chat.ask("prevented?")
    with chat.tab.expect_download() as started:
        chat.menu("Download as text")
    started.value.save_as(tmp_path / "it.txt")
    assert started.value.suggested_filename == "conversation.txt"
    everything((tmp_path / "it.txt").read_text())


def test_printing_prints_the_conversation_alone(visit):
    chat = visit(before="window.print = () => { window.printed = true }")
    chat.ask("prevented?")
    chat.menu("Print")
    assert chat.tab.evaluate("window.printed")
    chat.tab.emulate_media(media="print")
    everything(chat.tab.locator("body").inner_text())
    assert "What the publisher's page says" not in chat.tab.locator("body").inner_text()
    chat.tab.emulate_media(media="screen")
    assert "You asked: prevented?" not in chat.tab.locator("body").inner_text()
    chat.tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert chat.tab.locator("symptom-chat-print").count() == 0
    assert chat.tab.evaluate("document.adoptedStyleSheets.length") == 0


def test_it_is_minimised_and_opened_again_where_it_was(visit):
    chat = visit()
    chat.ask("prevented?")
    chat.button("Close the chat").click()
    expect(chat.panel).to_be_hidden()
    expect(chat.launcher).to_be_focused()
    chat.launcher.click()
    expect(chat.cards).to_have_count(1)


def test_the_page_stays_usable_beside_the_floating_chat_but_not_behind_the_full_screen(visit):
    reach = "document.querySelector('h1').matches(':not([inert])') && document.elementFromPoint(20, 30)?.tagName"  # noqa: E501
    assert visit().tab.evaluate(reach) == "H1"
    phone = visit(width=390, height=800)
    assert phone.tab.evaluate(reach) == "SYMPTOM-CHAT"
    box = phone.panel.bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 800)


def test_open_in_the_markup_opens_it_without_taking_the_focus_and_never_on_a_phone(visit):
    chat = visit("open", opened=False)
    expect(chat.panel).to_be_visible()
    assert chat.tab.evaluate("document.activeElement.tagName") == "BODY"
    expect(visit("open", width=390, opened=False).panel).to_be_hidden()


def test_the_panel_follows_the_attribute_and_the_window(visit):
    chat = visit()
    chat.input.fill("half a ques")
    chat.tab.set_viewport_size({"width": 390, "height": 700})
    # the window's size reaches it a moment later
    expect(chat.tab.locator(".panel:modal")).to_have_count(1)
    chat.tab.set_viewport_size({"width": 1000, "height": 700})
    expect(chat.tab.locator(".panel[open]:not(:modal)")).to_have_count(1)
    expect(chat.input).to_have_value("half a ques")
    chat.element.evaluate("element => { element.open = false }")
    expect(chat.panel).to_be_hidden()
    chat.element.evaluate("element => { element.setAttribute('mode', 'inline') }")
    expect(chat.panel).to_be_visible()
    expect(chat.input).to_have_value("half a ques")


def test_inline_it_stands_in_the_page_without_a_button(visit):
    chat = visit('mode="inline"')
    expect(chat.panel).to_be_visible()
    expect(chat.launcher).to_have_count(0)
    chat.ask("prevented?")
    assert chat.tab.get_by_text("And more of it.").bounding_box()["y"] > 400


def test_a_long_answer_is_read_from_its_first_line(visit, server):
    server.answers["long"] = [
        ANSWER | {"text": "\n\n".join(["A paragraph of many words. " * 20] * 20)}
    ]
    chat = visit(reduced_motion="reduce")
    card = chat.ask("long")
    expect(card.get_by_role("heading")).to_be_in_viewport()


def test_the_page_is_never_scrolled_by_it(visit):
    chat = visit('mode="inline"', height=900)
    chat.tab.evaluate("document.body.style.paddingBottom = '2000px'; scrollTo(0, 60)")
    for text in ("prevented?", "emergency", "hello"):
        chat.ask(text)
    chat.tab.wait_for_timeout(500)
    assert chat.tab.evaluate("scrollY") == 60


OWN_WORDS = """e => { e.texts = {input: 'Su pregunta',
  reviewed: 'Revisado por {name} el {date}.'} }"""


def test_a_sites_own_words_have_its_language_and_answers_stay_english(visit, server):
    chat = visit('language="es-MX"')
    chat.element.evaluate(OWN_WORDS)
    chat.input = chat.tab.get_by_role("textbox", name="Su pregunta")
    server.answers["reviewed"][0]["article"]["url"] = None
    card = chat.ask("reviewed")
    expect(card).to_contain_text(
        "Revisado por Dr. Ada Example, neurologist el 20 de noviembre de 2026."
    )
    assert card.locator(".prose").first.get_attribute("lang") == "en"
    assert chat.panel.get_attribute("lang") == "es-MX"
    assert server.calls("POST", "conversations")[0]["language"] == "es-MX"


@pytest.mark.parametrize("attributes", ["", 'language="es"', 'language="not a language"'])
def test_no_language_is_offered_in_which_only_buttons_would_speak(visit, attributes):
    panel = visit(attributes, lang="es").panel
    expect(panel).to_contain_text("People often ask")
    expect(panel).to_have_attribute("lang", "en")


def test_a_site_replaces_any_text_before_and_after_the_script_has_loaded(visit):
    chat = visit()
    chat.ask("prevented?")
    chat.element.evaluate(
        "element => { element.texts = {helpful: 'Did it help?', send: 'Ask it'} }"
    )
    expect(chat.button("Ask it")).to_be_visible()
    expect(chat.card).to_contain_text("Most kinds")
    early = visit(
        before="addEventListener('DOMContentLoaded', () => {}); "
        "document.addEventListener('readystatechange', () => {"
        "document.querySelector('symptom-chat').texts = {send: 'Early'} }, {once: true})"
    )
    expect(early.button("Early")).to_be_visible()


def test_events_tell_the_page_what_happens_but_not_what_was_written(visit):
    chat = visit(opened=False)
    names = ("open", "close", "message", "answer", "feedback", "error", "end", "forget")
    heard = chat.events(*names)
    chat.launcher.click()
    chat.ask("my secret")
    chat.button("No").click()
    chat.button("It is wrong").click()
    chat.card.get_by_role("textbox").fill("my other secret")
    chat.button("Send this").click()
    expect(chat.button("Send this")).to_be_hidden()
    chat.menu("Delete my data")
    chat.button("Delete it").click()
    chat.notes.wait_for()
    chat.button("Close the chat").click()
    told = heard()
    assert [event.name for event in told] == [
        "open",
        "message",
        "answer",
        "feedback",
        "feedback",
        "end",
        "forget",
        "close",
    ]
    assert told[2].kind == "answer" and told[2].question == "myoclonus.prevention" and told[2].reply
    assert (told[4].helpful, told[4].reason) == (False, "inaccurate")
    assert "secret" not in str(told)


def test_another_article_is_another_conversation_and_each_comes_back(visit, server):
    chat = visit()
    chat.ask("prevented?")
    chat.element.evaluate("element => element.setAttribute('article', 'tremor')")
    expect(chat.cards).to_have_count(0)
    chat.ask("hello")
    assert [body["article"] for body in server.calls("POST", "conversations")] == [
        "myoclonus",
        "tremor",
    ]
    chat.element.evaluate("element => element.setAttribute('article', 'myoclonus')")
    expect(chat.said).to_have_text("prevented?")


def test_two_widgets_on_a_page_are_two_conversations(visit, server):
    server.pages["/two"] = page(
        '<symptom-chat article="a" mode="inline"></symptom-chat>'
        '<symptom-chat article="b" mode="inline"></symptom-chat>'
    )
    chat = visit()
    chat.tab.goto(server.origin + "/two")
    for box in chat.input.all():
        box.fill("hello")
        box.press("Enter")
    expect(chat.cards).to_have_count(2)
    assert {body["article"] for body in server.calls("POST", "conversations")} == {"a", "b"}
