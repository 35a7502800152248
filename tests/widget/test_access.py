"""For everybody: axe in every state, keyboard alone, the accessibility tree, sizes, zoom,
directions, colours, motion."""

import threading
import time

import pytest
from playwright.sync_api import expect

from tests.support.browser import VOICE, axe
from tests.widget.standin import EMERGENCY, NOT_COVERED, REVIEWED, TALK

STATES = {
    "closed": lambda chat, server: None,
    "open": lambda chat, server: chat.launcher.click(),
    "menu": lambda chat, server: (chat.launcher.click(), chat.button("Menu").click()),
    "delete": lambda chat, server: (chat.launcher.click(), chat.menu("Delete my data")),
    "working": lambda chat, server: working(chat, server),
    "answer": lambda chat, server: (
        chat.launcher.click(),
        chat.ask("reviewed"),
        chat.button("More").click(),
    ),
    "what a source says": lambda chat, server: (
        chat.launcher.click(),
        chat.ask("reviewed"),
        chat.button("Source 1: Myoclonus").click(),
    ),
    "a passage": lambda chat, server: (chat.launcher.click(), chat.ask("diary")),
    "feedback": lambda chat, server: feedback(chat),
    "all that a card folds": lambda chat, server: unfolded(chat),
    "begun again": lambda chat, server: (
        chat.launcher.click(),
        chat.ask("reviewed"),
        chat.menu("Start again"),
    ),
    "large text": lambda chat, server: (
        chat.launcher.click(),
        chat.ask("reviewed"),
        chat.menu("Larger text"),
    ),
    "an answer while closed": lambda chat, server: unread(chat, server),
    "choices": lambda chat, server: (
        chat.launcher.click(),
        chat.ask("valproate"),
        chat.ask("migraine"),
    ),
    "unsure": lambda chat, server: (chat.launcher.click(), chat.ask("unsure")),
    "emergency": lambda chat, server: (chat.launcher.click(), chat.ask("emergency")),
    "crisis": lambda chat, server: (chat.launcher.click(), chat.ask("crisis")),
    "unavailable": lambda chat, server: (chat.launcher.click(), chat.ask("down")),
    "failure": lambda chat, server: failure(chat, server),
    "too long": lambda chat, server: (chat.launcher.click(), chat.send("x" * 2001)),
    "resumed": lambda chat, server: resumed(chat),
    "inline": lambda chat, server: (
        chat.element.evaluate("e => e.setAttribute('mode', 'inline')"),
        chat.ask("reviewed"),
    ),
    "full screen": lambda chat, server: (
        chat.launcher.click(),
        chat.ask("reviewed"),
        chat.tab.viewport_size["width"] < 500 or chat.menu("Full screen"),
    ),
    "before it listens": lambda chat, server: (
        chat.launcher.click(),
        chat.menu("Speak a question"),
    ),
    "listening": lambda chat, server: (
        chat.launcher.click(),
        chat.menu("Speak a question"),
        chat.button("Start listening").click(),
    ),
    "could not listen": lambda chat, server: (
        chat.launcher.click(),
        chat.menu("Speak a question"),
        chat.button("Start listening").click(),
        chat.tab.evaluate("voices[0].onerror({}); voices[0].onend()"),
    ),
    "half a question": lambda chat, server: (
        chat.launcher.click(),
        chat.input.fill("half\na\nquestion"),
    ),
    "in the transcript": lambda chat, server: (
        chat.launcher.click(),
        chat.ask("reviewed"),
        chat.tab.keyboard.press("ArrowUp"),
    ),
    "voted for": lambda chat, server: (
        chat.launcher.click(),
        chat.ask("reviewed"),
        chat.button("Yes").click(),
        chat.card.get_by_text("Thank you").wait_for(),
    ),
    "voted against": lambda chat, server: (
        feedback(chat),
        chat.button("Send this").click(),
        chat.card.get_by_text("Thank you").wait_for(),
    ),
    "copied, or not": lambda chat, server: (
        chat.launcher.click(),
        chat.ask("reviewed"),
        chat.menu("Copy the conversation"),
        chat.tab.locator(".announcement:not(:empty), .fault:not(:empty)").wait_for(),
    ),
    "deleted": lambda chat, server: (
        chat.launcher.click(),
        chat.ask("reviewed"),
        delete(chat),
        chat.notes.wait_for(),
    ),
    "not deleted": lambda chat, server: (
        chat.launcher.click(),
        chat.ask("reviewed"),
        fail(server, lambda at: at.broken()),
        delete(chat),
        chat.tab.get_by_role("alert").filter(has_text="still stored").wait_for(),
    ),
    "brought back": lambda chat, server: (
        chat.launcher.click(),
        chat.ask("reviewed"),
        chat.menu("Start again"),
        chat.button("Bring it back").click(),
    ),
    "too many questions": lambda chat, server: (
        chat.launcher.click(),
        fail(server, lambda at: at.json(429, {}, Retry_After="60") or True),
        chat.send("hello"),
        chat.trouble.wait_for(),
    ),
    "refused": lambda chat, server: (
        chat.launcher.click(),
        chat.ask("hello"),
        fail(server, lambda at: at.json(422, {"error": {"message": "Not that."}}) or True),
        chat.send("hello"),
        chat.notes.wait_for(),
    ),
    "ended": lambda chat, server: (
        chat.launcher.click(),
        chat.ask("hello"),
        server.conversations.clear(),
        chat.ask("hello"),
    ),
    "a refusal with a number": lambda chat, server: (
        chat.launcher.click(),
        answer(server, NOT_COVERED | {"emergency": {"text": "In danger, call 999."}}),
        chat.ask("hello"),
    ),
    "a warning": lambda chat, server: (
        chat.launcher.click(),
        answer(server, REVIEWED | {"warning": EMERGENCY}),
        chat.ask("hello"),
    ),
    "a note": lambda chat, server: (
        chat.launcher.click(),
        answer(server, REVIEWED | {"note": "You asked that before."}),
        chat.ask("hello"),
    ),
    "a danger in another language": lambda chat, server: (
        chat.launcher.click(),
        answer(server, EMERGENCY | {"text": "اتصل الآن بالإسعاف.", "language": "ar"}),
        chat.ask("hello"),
    ),
    "a site's own words, right to left": lambda chat, server: (
        chat.element.evaluate(
            "e => { e.setAttribute('language', 'ar'); e.texts = {dir: 'rtl', menu: 'قائمة'} }"
        ),
        chat.launcher.click(),
        chat.tab.get_by_role("button", name="قائمة", exact=True).click(),
    ),
}


def answer(server, reply):
    server.answers = {"": [reply]}


def fail(server, how):
    """Every call is answered like this from now on."""
    server.fault = lambda at, method, path: how(at)


def delete(chat):
    chat.menu("Delete my data")
    chat.button("Delete it").click()


def unfolded(chat):
    chat.launcher.click()
    card = chat.ask("reviewed")
    chat.button("More").click()
    for summary in card.locator("summary").all():
        summary.click()


def unread(chat, server):
    chat.launcher.click()
    seen = threading.Event()
    server.fault = lambda at, method, path: path == "/api/messages" and not seen.wait(10)
    chat.send("reviewed")
    chat.button("Close the chat").click()
    seen.set()
    chat.tab.locator(".badge").wait_for()


def working(chat, server):
    chat.launcher.click()
    server.fault = lambda at, method, path: time.sleep(4)
    chat.send("hello")


def feedback(chat):
    chat.launcher.click()
    chat.ask("reviewed")
    chat.button("No").click()
    chat.button("It is wrong").click()


def failure(chat, server):
    chat.launcher.click()
    server.fault = lambda at, method, path: at.drop()
    chat.send("hello")
    chat.trouble.wait_for()


def resumed(chat):
    chat.launcher.click()
    chat.ask("reviewed")
    chat.tab.reload()
    chat.notes.wait_for()


@pytest.mark.parametrize("width", [1000, 390])
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_in_light_and_dark(visit, server, node_modules, state, width):
    chat = visit(opened=False, width=width, reduced_motion="reduce", before=VOICE)
    STATES[state](chat, server)
    assert axe(chat.tab, node_modules) == []
    chat.tab.emulate_media(color_scheme="dark")
    assert axe(chat.tab, node_modules) == []


def test_axe_would_find_something(visit, node_modules):
    """The check above can fail: pale text inside the widget is found."""
    chat = visit()
    chat.element.evaluate("e => { e.style.setProperty('--symptom-chat-soft', '#ddd') }")
    assert any("color-contrast" in line for line in axe(chat.tab, node_modules))


def test_by_keyboard_alone_from_opening_to_feedback_and_closing(visit, server):
    chat = visit(opened=False)
    keys = chat.tab.keyboard

    def focused() -> str:
        return chat.tab.evaluate("""() => { const at = document.querySelector('symptom-chat').shadowRoot.activeElement;
          return at?.getAttribute('aria-label') ?? at?.id + '|' + at?.textContent }""")  # noqa: E501

    def go(key: str, name: str):
        """Presses the key until what has this name has the focus: with a ring, and in sight."""
        for _ in range(40):
            if name in focused():
                break
            keys.press(key)
        assert name in focused()
        at = "document.querySelector('symptom-chat').shadowRoot.activeElement"
        assert chat.tab.evaluate(f"getComputedStyle({at}).outlineStyle") == "solid"
        chat.tab.wait_for_timeout(100)
        box = chat.tab.evaluate(f"{at}.getBoundingClientRect().toJSON()")
        header, composer = (
            chat.tab.locator(part).bounding_box() for part in (".header", ".composer")
        )
        if name not in ("Menu", "input"):
            assert (
                header["y"] + header["height"] <= box["top"] and box["bottom"] <= composer["y"]
            ), f"{name} is covered"

    keys.press("Tab")
    keys.press("Enter")
    assert focused().startswith("input")
    keys.type("can it be prevented")
    keys.press("Enter")
    chat.card.wait_for()
    chat.tab.wait_for_timeout(500)
    assert focused().startswith("input")
    go("Shift+Tab", "More")
    keys.press("Space")
    expect(chat.card.get_by_text("A diary of when the jerks come")).to_be_visible()
    go("Shift+Tab", "Source 1")
    go("Tab", "Sources (2)")
    keys.press("Enter")
    go("Tab", "Myoclonus")
    go("Tab", "Yes")
    keys.press("Tab")
    assert focused() == "|No"
    keys.press("Enter")
    go("Tab", "It is out of date")
    keys.press("Enter")
    go("Shift+Tab", "Yes")  # back and forth: nothing traps the focus
    go("Tab", "Something else")
    keys.press("Tab")
    keys.type("Because")
    go("Tab", "Send this")
    keys.press("Enter")
    expect(chat.button("Send this")).to_be_hidden()
    assert server.votes[-1] | {"reply": ""} == {
        "reply": "",
        "helpful": False,
        "reason": "out_of_date",
        "comment": "Because",
    }
    go("Shift+Tab", "When should I see a doctor?")
    keys.press("Enter")
    expect(chat.cards).to_have_count(2)
    go("Shift+Tab", "Menu")
    keys.press("Enter")
    assert "Copy the conversation" in focused()
    keys.press("Escape")
    assert "Menu" in focused()
    keys.press("Escape")
    expect(chat.panel).to_be_hidden()
    expect(chat.launcher).to_be_focused()


def test_on_a_phone_the_focus_stays_in_the_full_screen(visit):
    chat = visit(width=390)
    inside = set()
    for _ in range(12):
        chat.tab.keyboard.press("Tab")
        inside.add(chat.tab.evaluate("document.activeElement.tagName"))
    assert inside <= {"SYMPTOM-CHAT", "BODY"}  # BODY: the browser's own bar


def test_on_a_touch_screen_the_keyboard_does_not_jump_up(visit):
    chat = visit(width=390, has_touch=True, is_mobile=True)
    expect(chat.panel.get_by_role("heading", name="Ask about myoclonus")).to_be_focused()
    chat.button("Can myoclonus be prevented?").tap()
    chat.card.wait_for()
    expect(chat.input).not_to_be_focused()


def test_a_screen_reader_hears_who_said_what_the_sources_and_the_buttons(visit):
    chat = visit()
    chat.ask("reviewed")
    expect(chat.log).to_match_aria_snapshot("""
    - log "Conversation":
      - text: "You asked:"
      - paragraph: reviewed
      - article "Can myoclonus be prevented?":
        - heading "Can myoclonus be prevented?" [level=3]
        - paragraph:
          - text: /Most kinds of myoclonus can't be prevented/
          - superscript:
            - 'button "Source 1: Myoclonus"': "1"
          - button "More" [expanded=false]
        - list "You could also ask":
          - listitem:
            - button "What sets myoclonus off?"
          - listitem:
            - button "When should I see a doctor?"
        - group: Sources (1)
        - group: Reviewed by Dr. Ada Example, neurologist on November 20, 2026. From Living with myoclonus. This is general information. It doesn't replace the advice of a doctor who knows you.
        - group "Was this helpful?":
          - text: Was this helpful?
          - button "Yes" [pressed=false]
          - button "No" [pressed=false]
        - button "Copy this answer"
        - link "Link to this answer (opens a new tab)"
    """)  # noqa: E501
    chat.button("Yes").click()
    chat.button("More").click()
    expect(chat.button("Yes")).to_have_attribute("aria-pressed", "true")
    expect(chat.log).to_match_aria_snapshot("""
    - log:
      - article:
        - paragraph:
          - button "Less" [expanded=true]
        - list:
          - listitem: too little sleep
        - group: Sources (2)
        - group "Was this helpful?":
          - button "Yes" [pressed=true]
        - status: Thank you. An editor will read this.
    """)


def tree(chat) -> list[dict]:
    """The browser's accessibility tree, as nodes {role, name, live, ...}."""
    nodes = chat.tab.context.new_cdp_session(chat.tab).send("Accessibility.getFullAXTree")["nodes"]
    return [
        {
            "role": node.get("role", {}).get("value"),
            "name": node.get("name", {}).get("value", ""),
            "id": node["nodeId"],
        }
        | {p["name"]: p["value"].get("value") for p in node.get("properties", [])}
        for node in nodes
        if not node["ignored"]
    ]


def test_replies_are_announced_politely_and_a_danger_at_once(visit):
    chat = visit()
    chat.ask("hello")
    (log,) = [node for node in tree(chat) if node["role"] == "log"]
    assert log.get("live", "off") == "off"  # two regions of their own say the text alone
    assert chat.tab.locator("[aria-live=polite]").inner_text().strip() == TALK["text"]
    chat.ask("emergency")
    alert = chat.tab.locator("[aria-live=assertive]")
    expect(alert).to_have_text(f"Get help now {EMERGENCY['text']}")
    assert alert.evaluate("e => e.closest('[role=log]')") is None


def test_what_is_resumed_is_not_read_out_again(visit):
    chat = visit()
    chat.ask("emergency")
    chat.tab.add_init_script("""
      const add = Element.prototype.append;
      Element.prototype.append = function (...nodes) {
        if (this.className === 'log') (window.lives ??= []).push(this.getAttribute('aria-live'));
        return add.apply(this, nodes) }""")
    chat.tab.reload()
    chat.card.wait_for()
    # the note, the question, the card
    assert chat.tab.evaluate("window.lives") == ["off", "off", "off"]
    expect(chat.tab.locator("[aria-live=polite]")).to_have_text("")
    expect(chat.tab.locator("[aria-live=assertive]")).to_have_text("")


def test_working_on_it_and_failures_are_announced(visit, server):
    chat = visit()
    seen = threading.Event()
    server.fault = lambda at, method, path: seen.wait(30) and at.drop()
    chat.send("hello")
    expect(
        chat.panel.get_by_role("status").filter(has_text="Looking in the articles")
    ).to_be_visible()
    seen.set()
    chat.trouble.wait_for()
    spoken = chat.tab.locator("[aria-live=polite]")
    expect(spoken).to_have_text("The chat could not be reached. Your question is kept here.")


SIZES = """least => [...document.querySelector('symptom-chat').shadowRoot.querySelectorAll('a, button, summary, textarea')]
  .filter((e) => e.checkVisibility({visibilityProperty: true}))
  .map((e) => [e.textContent || e.getAttribute('aria-label'), e.getBoundingClientRect(), e])
  .filter(([, box, e]) => !(e.closest('sup') || (least > 24 && e.tagName === 'A' && e.closest('p'))))  // in a line of text, as WCAG allows
  .filter(([, box]) => Math.min(box.width, box.height) < least - 0.01)
  .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""  # noqa: E501


@pytest.mark.parametrize(("touch", "least"), [(False, 24), (True, 44)])
@pytest.mark.parametrize(
    "state", ["open", "menu", "what a source says", "feedback", "choices", "emergency", "failure"]
)
def test_targets_are_large_enough(visit, server, state, touch, least):
    chat = visit(opened=False, has_touch=touch, is_mobile=touch, width=390 if touch else 1000)
    STATES[state](chat, server)
    assert chat.tab.evaluate(SIZES, least) == []


@pytest.mark.parametrize(("width", "height"), [(320, 640), (320, 256), (640, 320)])
@pytest.mark.parametrize("mode", ["", 'mode="inline"'])
def test_at_320_px_and_400_percent_everything_is_reached_by_scrolling_one_way(
    visit, width, height, mode
):
    """1280 x 1024 at 400 % is 320 x 256 CSS pixels."""
    chat = visit(mode, width=width, height=height, reduced_motion="reduce")
    chat.ask("reviewed")
    chat.button("No").click()
    chat.ask("emergency")
    assert chat.panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    assert chat.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for part in (
        chat.card.get_by_role("heading"),
        chat.button("Send this"),
        chat.button("Send"),
        chat.input,
    ):
        part.focus() if part == chat.input else part.scroll_into_view_if_needed()
        expect(part).to_be_in_viewport()
        box = part.bounding_box()
        centre = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
        hit = chat.tab.evaluate(
            "([x, y]) => document.querySelector('symptom-chat').shadowRoot.elementFromPoint(x, y)"
            "?.closest('h3, button, textarea') !== null",
            centre,
        )
        assert hit


def test_large_text_of_the_browser_is_followed(visit):
    small = visit()
    size = "element => parseFloat(getComputedStyle(element).fontSize)"
    large = visit()
    large.tab.evaluate("document.documentElement.style.fontSize = '32px'")
    assert large.panel.evaluate(size) == 2 * small.panel.evaluate(size) == 32
    tiny = visit()
    tiny.tab.evaluate("document.documentElement.style.fontSize = '10px'")
    assert tiny.panel.evaluate(size) == 16


@pytest.mark.parametrize("mode", ["", 'mode="inline"'])
def test_right_to_left_mirrors_the_whole_and_leaves_english_answers_alone(visit, mode):
    chat = visit(mode, dir="rtl", lang="ar")
    chat.element.evaluate("e => { e.texts = {dir: 'rtl', input: 'Your question'} }")
    card = chat.ask("reviewed")
    assert chat.panel.evaluate("e => getComputedStyle(e).direction") == "rtl"
    assert card.locator(".prose p").first.evaluate("e => getComputedStyle(e).direction") == "ltr"
    panel, bubble, close = (
        part.bounding_box() for part in (chat.panel, chat.said, chat.button("Menu"))
    )
    middle = panel["x"] + panel["width"] / 2
    assert bubble["x"] < middle and close["x"] < middle
    if not mode:
        assert panel["x"] < 100


def test_reduced_motion_moves_nothing(visit, server):
    chat = visit(reduced_motion="reduce")
    seen = threading.Event()
    server.fault = lambda at, method, path: path == "/api/messages" and not seen.wait(30)
    chat.send("hello")
    chat.tab.locator(".dots").wait_for()
    assert (
        chat.tab.evaluate(
            "document.getAnimations().length + "
            "document.querySelector('symptom-chat').shadowRoot.getAnimations().length"
        )
        == 0
    )
    moving = visit(reduced_motion="no-preference")
    moving.send("hello")
    moving.tab.locator(".dots").wait_for()
    assert (
        moving.tab.evaluate(
            "document.querySelector('symptom-chat').shadowRoot.getAnimations().length"
        )
        == 1
    )
    seen.set()


def test_in_forced_colours_every_border_and_state_is_still_seen(visit):
    chat = visit(forced_colors="active")
    chat.ask("emergency")
    card = chat.ask("reviewed")
    chat.button("Yes").click()
    width = "e => parseFloat(getComputedStyle(e).borderTopWidth)"
    for part in (
        card,
        chat.cards.first,
        chat.button("More"),
        chat.button("Send"),
        chat.said.first,
        chat.cards.first.get_by_role("link").first,
    ):
        assert part.evaluate(width) >= 1
    assert chat.button("Yes").evaluate(width) > chat.button("No").evaluate(width)
    colour = "e => getComputedStyle(e).stroke"
    assert chat.button("Menu").locator("svg").evaluate(colour) != chat.panel.evaluate(
        "e => getComputedStyle(e).backgroundColor"
    )


def test_dark_follows_the_visitor_or_the_theme_attribute(visit):
    ground = "e => getComputedStyle(e).backgroundColor"
    light, dark = visit().panel.evaluate(ground), visit(color_scheme="dark").panel.evaluate(ground)
    assert light != dark
    assert visit('theme="dark"').panel.evaluate(ground) == dark
    assert visit('theme="light"', color_scheme="dark").panel.evaluate(ground) == light


def test_a_site_gives_it_its_own_look_by_properties_and_parts(visit):
    chat = visit()
    chat.tab.evaluate("""() => { const own = new CSSStyleSheet();
      own.replaceSync(`symptom-chat { --symptom-chat-accent: rgb(1, 2, 3); --symptom-chat-radius: 3px;
        --symptom-chat-font: monospace; --symptom-chat-width: 500px } symptom-chat::part(you) { color: rgb(9, 9, 9) }`);
      document.adoptedStyleSheets.push(own) }""")  # noqa: E501
    card = chat.ask("reviewed")
    style = lambda part, name: part.evaluate(f"e => getComputedStyle(e).{name}")  # noqa: E731
    assert style(chat.button("Send"), "backgroundColor") == "rgb(1, 2, 3)"
    assert style(card, "borderRadius") == "3px"
    assert style(card, "fontFamily") == "monospace"
    assert chat.panel.bounding_box()["width"] == 500
    assert style(chat.said, "color") == "rgb(9, 9, 9)"


@pytest.mark.parametrize(
    ("attributes", "reserve"), [("", ""), ('mode="inline"', "display: block; height: 500px")]
)
def test_nothing_on_the_page_moves_when_it_arrives(visit, attributes, reserve):
    watch = """new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shift =
      (window.shift ?? 0) + entry.value }).observe({type: 'layout-shift', buffered: true});"""  # noqa: E501
    chat = visit(
        f'{attributes} class="reserved"',
        opened=False,
        before=watch
        + f"""

      const own = new CSSStyleSheet(); own.replaceSync('.reserved {{ {reserve}; --symptom-chat-height: 100% }}');
      document.adoptedStyleSheets = [own]""",  # noqa: E501
    )
    chat.tab.wait_for_timeout(600)
    assert chat.tab.evaluate("window.shift ?? 0") == 0
