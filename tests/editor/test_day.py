"""An editor's whole day, in a real Chromium, at the real service: from a question that isn't
understood to a release in which it is, a story, a report, and the way back."""

import os
import re
import subprocess
import sys
import time

import conftest
import httpx
import pytest
import yaml
from playwright.sync_api import expect

from tests.editor.conftest import PASSWORD
from tests.support.browser import Chat

ASKED = "does rubbing soap on the shins work"
TAUGHT = "restless_legs.self_help"
SECONDS = 60


@pytest.fixture
def site(small_site):
    """The environment of a site of one article, whose content is a git repository as a team has
    it."""
    data, clean = (
        small_site["DATA"],
        {name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    )
    who = ["-c", "user.name=The team", "-c", "user.email=team@example.org"]
    for command in (
        ["init", "--quiet"],
        ["add", "."],
        [*who, "commit", "--quiet", "-m", "The content"],
    ):
        subprocess.run(["git", *command], cwd=data, check=True, env=clean)
    return {name: value for name, value in small_site.items() if name != "DATABASE_URL"}


@pytest.fixture
def open_tab(chromium):
    """open_tab() gives a tab of a browser of its own, and what that complains about."""
    contexts = []

    def make():
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(SECONDS * 1000)
        contexts.append(context)
        tab, complaints = context.new_page(), []
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on(
            "console",
            lambda message: (
                message.type in ("error", "warning") and complaints.append(message.text)
            ),
        )
        tab.on("dialog", lambda dialog: dialog.accept())
        return tab, complaints

    yield make
    for context in contexts:
        context.close()


def ask(open_tab, service):
    """The Chat of a new visitor who asked ASKED, and the card that came."""
    tab, complaints = open_tab()
    tab.goto(f"{service.url}/articles/restless_legs")
    chat = Chat(tab)
    chat.launcher.click()
    card = chat.ask(ASKED)
    assert complaints == []
    return chat, card


def ask_in_vain(open_tab, service):
    """A new visitor asks, and gets no answer."""
    _, card = ask(open_tab, service)
    assert "Was this helpful?" not in card.inner_text()
    assert service.rows("select outcome from turns order by id desc limit 1")[0][0] in (
        "clarify",
        "not_covered",
    )


def accept_invitation(tab, service, site):
    """Ada, a publisher, follows the link that the command line gave, and chooses her password."""
    said = subprocess.run(
        [
            sys.executable,
            "-m",
            "bot",
            "people",
            "add",
            "Ada",
            "--role",
            "publisher",
            "--email",
            "ada@example.org",
        ],
        cwd=conftest.ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **site, "DATABASE_URL": service.address},
    ).stdout
    tab.goto(service.url + re.search(r"/editor/invitations/\S+", said)[0])
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_label("The same again").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.get_by_role("heading", name="Review").wait_for()


def teach(tab):
    """Find the visitor's question in the review, to which no question is near, and teach it to one
    that is chosen by keys; the question's name and wording."""
    group = tab.locator(".group").filter(has_text=ASKED)
    group.wait_for()
    tab.reload()  # with its scripts run: a group that is still arriving has no keys yet
    expect(group).to_contain_text("No question is near it")
    tab.keyboard.press("q")
    chosen = group.get_by_role("combobox", name="Another question")
    expect(chosen).to_be_focused()
    chosen.select_option(TAUGHT)
    wording = chosen.locator("option:checked").text_content()
    group.get_by_role("button", name="Teach", exact=True).click()
    expect(tab.locator("#said")).to_contain_text(
        f"“{ASKED}” is a phrase of “{wording}” now", timeout=SECONDS * 1000
    )
    expect(tab.locator(".group").filter(has_text=ASKED)).to_have_count(0, timeout=SECONDS * 1000)
    return TAUGHT, wording


def publish(tab, wording):
    """Publish, and watch it go live."""
    tab.get_by_role("link", name="Publish", exact=True).click()
    expect(tab.get_by_text("phrases/restless_legs.yml")).to_be_visible()
    tab.get_by_role("button", name="Publish", exact=True).click()
    expect(tab.locator("[data-events] p[role=status]")).to_have_text(
        re.compile(r"^\d+ %: "), timeout=SECONDS * 1000
    )
    tab.get_by_role("heading", name=re.compile("went live")).wait_for(timeout=5 * SECONDS * 1000)
    shown = tab.get_by_role("region", name="Answered from now on")
    expect(shown).to_contain_text(ASKED)
    expect(shown).to_contain_text(wording)


def served(service):
    return httpx.get(f"{service.url}/health/ready", timeout=30).json()["release"]


def wait_served(service, release):
    """Wait until visitors are answered from a release."""
    end = time.monotonic() + 3 * SECONDS
    while served(service) != release:
        assert time.monotonic() < end, service.log.read_text()[-3000:]
        time.sleep(0.2)


def tell_story(tab, site, name):
    """Make the newest conversation, which went well, a story."""
    tab.get_by_role("link", name="Conversations").click()
    tab.locator("main a[href*='/editor/conversations/']").first.click()
    tab.get_by_label("What it tells").fill("a night of restless legs")
    tab.get_by_role("button", name="Make it a story").click()
    tab.get_by_text("is a test conversation now").wait_for()
    tab.get_by_role("button", name="Try it with the live release").click()
    expect(tab.get_by_text("The live release answers every message as told.")).to_be_visible(
        timeout=SECONDS * 1000
    )
    with open(f"{site['DATA']}/conversations.yml", encoding="utf-8") as file:
        story = yaml.safe_load(file)["conversations"][-1]
    assert story == {
        "conversation": "a night of restless legs",
        "page": "restless_legs",
        "turns": [{"ask": ASKED, "question": name}],
    }


def call_inaccurate(chat, card):
    """The visitor calls an answer wrong, and says why."""
    card.get_by_role("button", name="No", exact=True).click()
    card.get_by_role("button", name="It is wrong").click()
    card.get_by_role("textbox").fill("my doctor named iron too")
    card.get_by_role("button", name="Send").click()
    expect(card.get_by_role("button", name="Send")).to_be_hidden(timeout=SECONDS * 1000)
    card.get_by_text(re.compile("Thank you")).last.wait_for(timeout=SECONDS * 1000)


def look_after_report(tab, wording):
    """Take the report on, and end it with a sentence."""
    tab.get_by_role("link", name="Reports").click()
    tab.get_by_role("link", name=wording).click()
    expect(tab.locator("main")).to_contain_text("Called inaccurate once")
    expect(tab.locator("main")).to_contain_text("my doctor named iron too")
    tab.get_by_role("button", name="I look after it").click()
    expect(tab.locator("main")).to_contain_text("Ada looks after it.")
    tab.get_by_label("What was done").fill("Iron stands in the answer's second part")
    tab.get_by_role("button", name="End the report").click()
    expect(tab.locator("main")).to_contain_text("There is none.")
    tab.get_by_role("link", name="Ended ones").click()
    expect(tab.locator("main")).to_contain_text("ended by Ada")


def test_an_editors_day(site, tmp_path, open_tab):
    own = tmp_path / "service"
    own.mkdir()
    with conftest.serving(own, **site) as service:
        before = served(service)
        ask_in_vain(open_tab, service)
        tab, complaints = open_tab()
        accept_invitation(tab, service, site)
        name, wording = teach(tab)
        publish(tab, wording)
        after = re.search(r"Release (\S+)\.", tab.locator("main").inner_text())[1]
        wait_served(service, after)
        chat, card = ask(open_tab, service)
        expect(card.get_by_role("heading")).to_have_text(wording)
        tell_story(tab, site, name)
        call_inaccurate(chat, card)
        look_after_report(tab, wording)
        tab.get_by_role("link", name="Publish", exact=True).click()
        tab.get_by_role("button", name=f"Bring back release {before}").click()
        tab.get_by_text(f"Release {before} is live again").wait_for()
        wait_served(service, before)
        ask_in_vain(open_tab, service)
        assert complaints == []
        log = [
            action
            for (action,) in service.rows(
                "select action from audit where person = 'Ada' order by id"
            )
        ]
        assert log == [
            "accepted an invitation",
            "taught phrases",
            "began to publish",
            "went live",
            "read a comparison",
            "told a story",
            "took a report",
            "ended a report",
            "rolled back",
        ]
    commits = subprocess.run(
        ["git", "log", "--format=%an <%ae> %s"],
        cwd=site["DATA"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert commits == [
        "Ada <ada@example.org> Tell the story: a night of restless legs",
        f"Ada <ada@example.org> Teach {name} 1 phrase of the review",
        "The team <team@example.org> The content",
    ]
