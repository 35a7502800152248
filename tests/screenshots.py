"""Takes the pictures of README and docs/ from the real service, into docs/images: `make
screenshots`."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.conftest import ROOT, serving
from tests.support.browser import Chat, launch

SHOTS = ROOT / "docs/images"
DESKTOP, PHONE = {"width": 1200, "height": 820}, {"width": 390, "height": 844}
PASSWORD = "a long enough password"
IN_VAIN = [
    "is myoclonus rare",
    "is it rare",
    "how rare are these jerks",
    "can i drive with hiccups",
    "does magnesium help with jerks",
    "febrile seizure vs epilepsy",
    "is dystonia like parkinsons",
    "are tics a habit",
    "does acupuncture help tics",
    "acupuncture against tremor",
    "would acupuncture do anything for restless legs",
    "can my dog have epilepsy",
    "my dog shakes at night, is that epilepsy",
]
ANSWERED = [
    "what is myoclonus",
    "can myoclonus be prevented",
    "what causes hiccups",
    "what are the side effects of valproate",
    "is tremor dangerous",
]


def show_chat(browser, service, size, text, name):
    """The page about myoclonus with the reply to `text`."""
    tab = browser.new_page(
        viewport=size, device_scale_factor=1.5, reduced_motion="reduce", has_touch=size is PHONE
    )
    tab.goto(f"{service.url}/articles/myoclonus")
    chat = Chat(tab)
    chat.launcher.click()
    chat.ask(text)
    tab.mouse.move(0, 0)
    tab.wait_for_timeout(500)
    tab.screenshot(path=SHOTS / f"{name}.png")
    tab.close()


def show_review(browser, service):
    """The review, after some visitors have asked."""
    for text in ANSWERED * 4 + IN_VAIN * 2:
        service.ask(text)
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
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": service.address},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    tab = browser.new_page(viewport={"width": 1200, "height": 820}, reduced_motion="reduce")
    tab.goto(service.url + re.search(r"/editor/invitations/\S+", said)[0])
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_label("The same again").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.get_by_role("heading", name="Review").wait_for()
    tab.get_by_role("button", name="Put these steps away").click()
    tab.get_by_role("heading", name="Review").wait_for()
    # the groups are made behind the page
    tab.get_by_text("is dystonia like parkinsons").first.wait_for(timeout=60_000)
    tab.wait_for_timeout(1000)
    tab.screenshot(path=SHOTS / "desk-review.png")
    tab.close()


def main():
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder)) as service,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        show_chat(browser, service, DESKTOP, "can myoclonus be prevented?", "chat-desktop")
        show_chat(
            browser, service, PHONE, "My dad's face is drooping on one side", "chat-emergency"
        )
        show_review(browser, service)
        browser.close()


if __name__ == "__main__":
    main()
