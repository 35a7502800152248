"""The desk in a real Chromium: every page for everybody, at both widths, in light and dark; and the
review by keyboard alone."""

import re
import time

import pytest
from playwright.sync_api import expect

from bot.content import history
from bot.content.site_content import load_content
from bot.content.stories import Story
from bot.editor.app import create_app
from bot.editor.insights import number_pages
from bot.editor.review import clustering
from bot.editor.shared import content_cache
from bot.editor.shared.state import State
from bot.releases import registry
from bot.store import accounts, drafts, publications, review_acts
from tests.editor.conftest import PASSWORD
from tests.support.browser import axe
from tests.support.routes import list_routes
from tests.support.visitor_history import fill

PAGES = [
    "/review",
    "/review/aside",
    "/review/done",
    "/review/done/{act}",
    "/review?text=hiccups",
    "/review/teach/1",
    "/drafts",
    "/drafts/{draft}",
    "/conversations",
    "/conversations/{conversation}",
    "/reports",
    "/reports/{report}",
    "/articles",
    "/reviews",
    "/articles/hiccups",
    "/articles/hiccups/causes",
    "/articles/hiccups/what_is/its-evidence",
    "/articles/hiccups/side-by-side",
    "/articles/hiccups/past-changes?commit={commit}",
    "/tables/terms/past-changes",
    "/stories/story/past-changes",
    "/articles/drafts/hics",
    "/articles/drafts/hics/causes",
    "/articles/drafts/hics/causes/its-evidence",
    "/articles/drafts/hics/side-by-side",
    "/articles/new",
    "/tables/terms",
    "/tables/talk",
    "/tables/safety",
    "/tables/texts",
    "/stories",
    "/stories/story/new",
    "/stories/story/new?begins_as={told}&messages=2",
    "/stories/story/{told}",
    "/stories/story/{branching}",
    "/try",
    "/publish",
    "/publish/changes",
    "/publish/by-hand",
    "/publish/shared-copy",
    "/publish/{publication}",
    "/publish/{waiting}/changes",
    "/numbers",
    "/search?words=hiccups",
    "/people",
    "/audit",
    "/account",
    "/guide",
    "/no/such/page",
]
OUTSIDE = ("/sign-in", "/invitations/{invitation}", "/invitations/no-such")  # of who isn't in
# what is no page: files, streams, parts of pages, and the ways to another site and back
NO_PAGES = {
    "/",
    "/tables/{name}/file.{kind}",
    "/numbers/{table}.csv",
    "/publish/{id}/events",
    "/try/nearest",
    "/articles/drafts/{draft}/asked-in-vain",
    "/articles/drafts/{draft}/tried-message",
    "/sign-in/single",
    "/sign-in/back",
}

MISSED = ["what are hics", "hiccups.what_is", "hiccups.causes", 0.8]
REPORT = {"right": 900, "offered": 20, "wrong": 1, "total": 938, "missed": [MISSED]}
MOVED = {"turn": 1, "before": "clarify", "after": "hiccups.causes", "times": 3}
COMPARISON = {
    "asked": 40,
    **{kind: [MOVED] for kind in ("gained", "lost", "changed")},
    "rewritten": {"hiccups.causes": 2},
}

# two stories that begin alike and contradict each other, and one that branches in its file
BRANCHES = """
  - story: who asks what it is, then how to stop it
    steps:
      - intent: hiccups.what_is
      - action: action_answer
        offer: [hiccups.prevention]
      - intent: hiccups.prevention
        says: how do i stop them
      - action: action_answer
      - intent: tremor.what_is
      - action: action_answer
  - story: who asks what it is, then why
    steps:
      - intent: hiccups.what_is
      - action: action_answer
        offer: [hiccups.prevention]
      - intent: hiccups.prevention
        says: and stop it?
      - action: action_answer
        offer: [hiccups.causes]
  - story: who greets or asks for help
    steps:
      - or: [{intent: greeting}, {intent: help}]
      - action: action_talk
      - intent: hiccups.causes
      - action: action_answer
"""


@pytest.fixture
def asked(desk):
    """A desk with 600 messages of visitors, and an admin."""
    fill(desk.engine, content_cache.read_articles(State(desk.config, desk.engine)), 600)
    desk.add("Ada", "admin")
    return desk


@pytest.fixture
def kept(asked, git, monkeypatch):
    """What stands in addresses of a desk in which everything has happened once: {name: value}."""
    data, engine = asked.config.path("data"), asked.engine
    (data / ".drafts").mkdir(exist_ok=True)
    for folder, end in (("articles", "md"), ("evidence", "yml")):
        (data / f".drafts/hics.{end}").write_text((data / f"{folder}/hiccups.{end}").read_text())
    phrases = (data / "phrases/hiccups.yml").read_text()
    (data / ".drafts/hics.phrases.yml").write_text(phrases)
    told = data / "stories.yml"
    told.write_text(told.read_text() + BRANCHES)
    path, ada = data / "articles/hiccups.md", history.Author("Ada")
    for title in ("All about hiccups", "Hiccups, in short"):
        path.write_text(re.sub("^title: .*", f"title: {title}", path.read_text(), flags=re.M))
        history.record_change(asked.config, {path: path.read_text()}, ada, title)
    fields = {"article": "hiccups", "id": "new_one", "train": [], "test": []}
    fields |= dict.fromkeys(("ask", "facet", "about", "heading", "text"), "")
    publication = publications.begin_publication(engine, "publish", "Ada")
    publications.note_progress(engine, publication, "training", 0.5)
    publications.end_publication(
        engine, publication, "failed", "20260102-000000-0a1b2c3d", ["Red."], REPORT, COMPARISON
    )
    waiting = publications.begin_publication(engine, "publish", "Ada")
    release = registry.live_release(asked.config)
    publications.end_publication(engine, waiting, "tested", release, [], REPORT, COMPARISON)
    monkeypatch.setattr(registry, "read_content", lambda config, id: load_content(data))
    keys = ("0" * 64,)
    act = review_acts.NewAct(review_acts.Did.TAUGHT, "Ada", keys, None, "hiccups.causes", keys)
    return {
        "act": review_acts.record_act(engine, act),
        "commit": history.read_changes(asked.config, path)[1].commit,
        "draft": drafts.add_draft(engine, "hiccups", "A new one", fields, "Ada"),
        "publication": publication,
        "told": Story("who asks what it is, then how to stop it", ()).key,
        "branching": Story("who greets or asks for help", ()).key,
        "waiting": waiting,
        "invitation": accounts.invite_person(engine, accounts.add_person(engine, "Bo", "editor")),
    }


@pytest.fixture
def sign_in(asked, chromium):
    """sign_in(width, scheme) gives a tab in which Ada is signed in, and the list of what its
    browser complains about."""
    contexts = []

    def enter(width=1280, scheme="light"):
        context = chromium.new_context(
            viewport={"width": width, "height": 844}, color_scheme=scheme
        )
        contexts.append(context)
        tab, complaints = context.new_page(), []
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on(
            "console",
            lambda message: (
                message.type in ("error", "warning") and complaints.append(message.text)
            ),
        )
        tab.goto(f"{asked.url}/editor/sign-in")
        tab.get_by_label("Name").fill("Ada")
        tab.get_by_label("Password").fill(PASSWORD)
        tab.keyboard.press("Enter")
        tab.get_by_role("heading", name="Review").wait_for()
        return tab, complaints

    yield enter
    for context in contexts:
        context.close()


def wait_grouped(tab, url):
    end = time.monotonic() + 60
    while tab.goto(url) and not tab.locator(".group").count():
        assert time.monotonic() < end, "the groups never came"
        time.sleep(0.2)


def wait(tab, holds, *given):
    """Wait until a function of the page's says yes; the desk's policy lets the browser evaluate
    nothing by itself."""
    end = time.monotonic() + 60
    while not tab.evaluate(holds, *given):
        assert time.monotonic() < end, holds
        time.sleep(0.05)


def make_publication(desk):
    """A publication that was tested, with phrases that ended otherwise in every way."""
    made = publications.begin_publication(desk.engine, "publish", "Ada")
    missed = [
        ["a phrase", "sleep_starts.what_is", "febrile_seizures.what_is", 0.7],
        ["another", "hiccups.causes", "hiccups.what_is", 0.7],
        ["and another", "restless_legs.causes", "personal_advice", 0.7],
        ["a fourth", "epilepsy.what_is", "nlu_fallback", 0.3],
        ["well hello", "greet", "nlu_fallback", 0.3],
    ]
    report = {"total": 900, "right": 896, "offered": 1, "wrong": 2, "missed": missed}
    release = registry.live_release(desk.config)
    publications.end_publication(desk.engine, made, "withdrawn", release, report=report)
    return made


def test_no_label_of_the_heat_map_leaves_the_picture(asked, sign_in):
    tab, _ = sign_in()
    tab.goto(f"{asked.url}/editor/publish/{make_publication(asked)}")
    texts, cut = tab.evaluate("""() => {
        const picture = document.querySelector('svg.confusion')
        const frame = picture.getBoundingClientRect()
        const texts = [...picture.querySelectorAll('text')]
        const cut = texts.filter(text => {
            const box = text.getBoundingClientRect()
            return box.left < frame.left || box.right > frame.right
                || box.top < frame.top || box.bottom > frame.bottom})
        return [texts.map(text => text.textContent), cut.map(text => text.textContent)]}""")
    assert "another question of the article" in texts and cut == []


@pytest.mark.parametrize("width, scheme", [(1280, "light"), (390, "dark")])
def test_every_page_is_for_everybody(
    asked, kept, sign_in, node_modules, monkeypatch, width, scheme
):
    there = registry.list_releases  # with an earlier one, for the page to offer its way back
    monkeypatch.setattr(
        registry,
        "list_releases",
        lambda config: [*there(config), ("20260101-000000-0a1b2c3d", "release")],
    )
    tab, complaints = sign_in(width, scheme)
    wait_grouped(tab, f"{asked.url}/editor/review")
    tab.goto(f"{asked.url}/editor/conversations")
    conversation = re.search(r"/editor/conversations/(\w+)", tab.content())[1]
    tab.goto(f"{asked.url}/editor/reports")
    report = re.search(r"/editor/reports/(\d+)", tab.content())[1]
    publication = make_publication(asked)
    publications.begin_publication(asked.engine, "publish", "Ada", reason="a new leaflet" * 30)
    faults = []
    for path in (*PAGES, f"/publish/{publication}"):
        path = path.format(conversation=conversation, report=report, **kept)
        faults += look_over(tab, f"{asked.url}/editor{path}", node_modules)
    tab.context.clear_cookies()
    for path in OUTSIDE:
        faults += look_over(tab, f"{asked.url}/editor{path.format(**kept)}", node_modules)
    assert faults == []
    # of the pages that are meant to be none
    assert [each for each in complaints if "404 (Not Found)" not in each] == []


# Forms that are refused: their page, their address, what is typed, and the button's value, or the
# end of its own address.
REFUSED = [
    ("/articles/hiccups", "/articles/hiccups", {"title": "", "source.1.url": "javascript:x"}, ""),
    ("/articles/hiccups", "/articles/hiccups", {"title": "x" * 501}, ""),
    ("/articles/hiccups", "/articles/hiccups", {"base": "x"}, ""),
    (
        "/articles/hiccups/causes",
        "/articles/hiccups/causes",
        {"ask": "", "facet": "", "text": "So.\n\n{x}", "train": "...", "test": "good morning"},
        "save",
    ),
    ("/articles/hiccups/causes", "/articles/hiccups/causes", {"text": "# So"}, "save"),
    ("/articles/hiccups/causes", "/articles/hiccups/causes", {"base": "x y"}, "save"),
    (
        "/articles/hiccups/what_is/its-evidence",
        "/articles/hiccups/what_is/its-evidence",
        {"reading.1.on": "lately"},
        "",
    ),
    ("/articles/new", "/articles/new", {"text": "", "url": "javascript:x"}, ""),
    ("/articles/drafts/hics", "/articles/drafts/hics", {"about": ""}, "make-article"),
    ("/articles/drafts/hics", "/articles/drafts/hics", {"new": "!"}, ""),
    ("/drafts/{draft}", "/drafts/{draft}", {"article": ""}, "put"),
    ("/drafts/{draft}", "/drafts/{draft}", {"text": "## So", "ask": "x", "name": "a_b"}, "put"),
    ("/tables/terms", "/tables/terms/row#row-0", {"first": "illnesses", "second": "x"}, ""),
    ("/tables/terms", "/tables/terms/row#row-0", {"base": "x"}, ""),
    ("/tables/talk", "/tables/talk/file", {}, ""),
    ("/stories/story/new", "/stories/story/new", {"name": ""}, "save"),
    ("/stories/story/new", "/stories/story/new", {"base": "x", "name": "y"}, "save"),
    ("/publish", "/publish", {"live_at": "2020-01-01T00:00"}, "publish"),
    ("/conversations/{conversation}", "{conversation}/tags", {"tag": "Sarah Jones"}, ""),
    ("/conversations/{conversation}", "{conversation}/note", {"note": "word " * 500}, ""),
    ("/review/teach/1", "/review/teach#message-1", {"phrase": "x"}, ""),
    ("/account", "/account/password", {"old": PASSWORD, "password": "x", "again": "y"}, ""),
    ("/account", "/account/codes", {"old": "nobody's password"}, ""),
    ("/people", "/people", {"name": "Ada"}, ""),
]
REFUSED_OUTSIDE = [
    ("/sign-in", "/sign-in", {"name": "Ada", "password": "nobody's"}, ""),
    ("/invitations/{invitation}", "", {"password": "x", "again": "y"}, ""),
]
SEND = """([address, typed, then]) => {
    const form = [...document.forms].find((form) => {
        const id = form.getAttribute('id')
        const at = (form.getAttribute('action') ?? '') + (id ? `#${id}` : '')
        return form.method === 'post' && (at.endsWith(address) && !at.endsWith('sign-out'))})
    form.noValidate = true
    for (const [name, value] of Object.entries(typed)) form.elements.namedItem(name).value = value
    const pressed = form.querySelector(`button[value='${then}'], button[formaction$='${then}']`)
    form.requestSubmit(pressed ?? form.querySelector('button'))
}"""


@pytest.mark.parametrize("width, scheme", [(1280, "dark"), (390, "light")])
def test_every_refused_form_is_for_everybody(
    asked, kept, sign_in, node_modules, warm, width, scheme
):
    tab, _ = sign_in(width, scheme)
    tab.set_default_timeout(120_000)
    tab.on("dialog", lambda dialog: dialog.accept())
    tab.goto(f"{asked.url}/editor/conversations")
    kept["conversation"] = re.search(r"/editor/conversations/(\w+)", tab.content())[1]
    faults = []
    for refused in REFUSED:
        faults += look_over_refused(tab, asked, kept, refused, node_modules)
    faults += look_over_conflict(tab, asked, node_modules)
    tab.context.clear_cookies()
    for refused in REFUSED_OUTSIDE:
        faults += look_over_refused(tab, asked, kept, refused, node_modules)
    assert faults == []


def look_over_refused(tab, desk, kept, refused, node_modules):
    """What is wrong with the page of a form that was refused."""
    page, address, typed, then = refused
    url = f"{desk.url}/editor{page.format(**kept)}"
    tab.goto(url)
    with tab.expect_navigation(timeout=120_000) as led:
        tab.evaluate(SEND, [address.format(**kept), typed, then])
    what = f"{url} {typed}"[:200]
    if led.value.status < 400 or not tab.locator(".fault").count():
        return [f"{what}: it was not refused, but answered {led.value.status}"]
    return look_at(tab, what, node_modules)


def look_over_conflict(tab, desk, node_modules):
    """What is wrong with a question's page that shows what another editor made of it meanwhile."""
    tab.goto(f"{desk.url}/editor/articles/hiccups/causes")
    path = desk.config.path("data") / "articles/hiccups.md"
    lead = re.search(r"\{#causes\}\n+(\w+)", path.read_text())
    path.write_text(path.read_text().replace(lead[0], f"{lead[0]} indeed", 1))
    with tab.expect_navigation() as led:
        text = tab.locator("[name=text]").input_value()
        tab.evaluate(SEND, ["/hiccups/causes", {"text": f"Perhaps {text}"}, "save"])
    assert led.value.status == 409 and tab.locator(".diff del").count()
    return look_at(tab, "a conflict", node_modules)


def look_over(tab, url, node_modules):
    """What is wrong with a page, for whoever reads it in whatever way."""
    tab.goto(url, timeout=120_000)  # the first question that is shown waits for the encoder
    return look_at(tab, url, node_modules)


def look_at(tab, url, node_modules):
    """What is wrong with the page that a tab shows."""
    assert tab.locator("h1").count() == 1, url
    wide = tab.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    faults = [*axe(tab, node_modules), *([f"{wide} px wider than the window"] if wide > 0 else [])]
    return [f"{url}: {fault}" for fault in faults]


def test_no_page_of_the_desk_is_left_out():
    routes = [route for route in list_routes(create_app(None, None, None).routes)]
    shown = [route for route in routes if "GET" in route.methods and route.path not in NO_PAGES]
    seen = [path.partition("?")[0] for path in (*PAGES, *OUTSIDE)]
    assert len(shown) > 25
    assert [
        route.path for route in shown if not any(route.path_regex.match(path) for path in seen)
    ] == []


@pytest.mark.parametrize(
    "at_once", [number_pages.AT_ONCE, 0], ids=["few messages", "many messages"]
)
def test_the_plots_are_drawn(asked, sign_in, monkeypatch, at_once):
    monkeypatch.setattr(number_pages, "AT_ONCE", at_once)
    tab, complaints = sign_in()
    page = tab.goto(f"{asked.url}/editor/numbers").text()
    assert ("are being counted" in page) == (not at_once)
    tab.locator("canvas").nth(3).wait_for()
    wait(
        tab, "() => [...document.querySelectorAll('canvas')].every(canvas => canvas.dataset.drawn)"
    )
    inked = tab.evaluate("""[...document.querySelectorAll('canvas')].map(canvas => {
        const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
        return data.filter((value, place) => place % 4 === 3 && value > 0).length})""")
    assert all(count > 1000 for count in inked), inked
    assert complaints == []


def test_the_review_is_worked_by_keyboard_alone(asked, sign_in):
    tab, complaints = sign_in()
    wait_grouped(tab, f"{asked.url}/editor/review")
    groups = tab.locator(".group")
    first, second = (
        groups.nth(0).inner_text().splitlines()[0],
        groups.nth(1).inner_text().splitlines()[0],
    )
    for _ in range(40):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.matches('.group')"):
            break
    assert tab.evaluate("document.activeElement.innerText").startswith(first)
    tab.keyboard.press("s")
    wait(
        tab,
        "first => ![...document.querySelectorAll('.group')].some(group => "
        "group.innerText.startsWith(first + '\\n'))",
        first,
    )
    wait(tab, "() => document.activeElement.matches('.group')")
    assert tab.evaluate("document.activeElement.innerText").startswith(second)
    assert "Set aside" in tab.locator("#said").inner_text()
    tab.keyboard.press("1")
    wait(
        tab,
        "() => /is a phrase of|has this phrase/.test(document.querySelector('#said').innerText)",
    )
    assert complaints == []


def lead_of(group):
    return group.inner_text().splitlines()[0]


def expect_gone(tab, text):
    """Wait until no group of the review is led by a text."""
    whole = re.compile(rf"^\s*{re.escape(text)}\s*$")
    expect(tab.locator(".group .lead", has_text=whole)).to_have_count(0)


def test_keys_work_without_focusing_a_group_unless_they_are_switched_off(asked, sign_in):
    tab, complaints = sign_in()
    wait_grouped(tab, f"{asked.url}/editor/review")
    tab.reload()  # with the scripts run: groups that are still arriving have no keys yet
    groups = tab.locator(".group")
    first, second, third = (lead_of(groups.nth(n)) for n in range(3))
    assert tab.evaluate("document.activeElement === document.body")
    tab.keyboard.press("s")
    expect_gone(tab, first)
    expect(tab.locator(".group[aria-current] .lead")).to_have_text(second)
    tab.get_by_text("Keys", exact=True).click()
    tab.get_by_label("They work anywhere on this page").uncheck()
    tab.reload()
    tab.keyboard.press("s")
    groups.nth(1).focus()
    tab.keyboard.press("s")
    expect_gone(tab, third)
    assert lead_of(groups.nth(0)) == second
    assert complaints == []


def test_a_key_that_is_held_sets_one_group_aside(asked, sign_in):
    tab, _ = sign_in()
    wait_grouped(tab, f"{asked.url}/editor/review")
    tab.reload()  # with the scripts run
    groups, sent = tab.locator(".group"), []
    first, second = (lead_of(groups.nth(n)) for n in range(2))
    tab.on("request", lambda request: "/review/aside" in request.url and sent.append(request))
    tab.keyboard.down("s")
    expect_gone(tab, first)
    for _ in range(3):
        tab.keyboard.down("s")  # it repeats until it is let go
    tab.keyboard.up("s")
    tab.keyboard.press("s")
    expect_gone(tab, second)
    assert len(sent) == 2


@pytest.mark.parametrize("name", ["Bo", "Dr. Katharina Müller-Lüdenscheidt"])
def test_the_menu_stands_on_one_line_with_its_search_from_1280_px_on(asked, chromium, name):
    asked.add(name, "admin")
    for width in (1280, 1366, 1920):
        context = chromium.new_context(viewport={"width": width, "height": 844})
        tab = context.new_page()
        tab.goto(f"{asked.url}/editor/sign-in?next=/editor/articles")
        tab.get_by_label("Name").fill(name)
        tab.get_by_label("Password").fill(PASSWORD)
        tab.keyboard.press("Enter")
        tab.get_by_role("heading", name="Articles", exact=True).wait_for()
        things = tab.locator(".brand, #menu li, #menu .search input, #menu .search button, .who *")
        boxes = [thing.bounding_box() for thing in things.all()]
        middles = [box["y"] + box["height"] / 2 for box in boxes if box]
        assert max(middles) - min(middles) < 6, (width, name)
        assert tab.locator(".top").bounding_box()["height"] < 64
        context.close()


def test_the_menu_keeps_its_line_with_the_numbers_of_what_waits(asked, sign_in):
    tab, _ = sign_in()
    wait_grouped(tab, f"{asked.url}/editor/review")
    tab.goto(f"{asked.url}/editor/conversations")
    badges = tab.locator("#menu .badge")
    expect(badges).to_have_count(2)
    tops = {item.bounding_box()["y"] for item in tab.locator("#menu li").all()}
    assert len(tops) == 1
    first = tab.locator("#waits-review")
    before = int(first.inner_text().split()[0])
    tab.goto(f"{asked.url}/editor/review")
    tab.keyboard.press("s")
    expect(first).not_to_have_text(re.compile(rf"^{before} "))
    assert int(first.inner_text().split()[0]) < before


def test_a_review_that_came_by_itself_says_what_went_wrong_and_has_its_menu(
    asked, sign_in, monkeypatch
):
    tab, _ = sign_in(390)
    wait_grouped(tab, f"{asked.url}/editor/review")
    read, waits = clustering.read_groups, [None]
    monkeypatch.setattr(
        clustering, "read_groups", lambda *asked: waits.pop() if waits else read(*asked)
    )
    tab.goto(f"{asked.url}/editor/review")
    tab.get_by_text("is being grouped").wait_for()
    tab.locator(".group").first.focus()  # which waits for the groups
    wait(tab, "() => !document.querySelector('.htmx-added')")  # until then they have no keys
    for answer, sentence in [
        (lambda route: route.abort(), "The service can’t be reached."),
        (lambda route: route.fulfill(status=503, body="<p class=fault>Not now.</p>"), "Not now."),
    ]:
        tab.route("**/review/aside", answer)
        said = "sentence => document.querySelector('#said').innerText.startsWith(sentence)"
        end = time.monotonic() + 60
        while not tab.evaluate(said, sentence) and time.monotonic() < end:
            # on a slow machine the list may come anew under the focus, which takes the key with it
            tab.locator(".group").first.focus()
            tab.keyboard.press("s")
            tab.wait_for_timeout(2000)
        wait(tab, said, sentence)
    tab.get_by_role("button", name="Menu").click()
    tab.get_by_role("navigation", name="Desk").wait_for()
    tab.keyboard.press("Escape")
    tab.get_by_role("navigation", name="Desk").wait_for(state="hidden")
