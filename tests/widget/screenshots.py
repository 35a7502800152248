"""Takes a picture of every state of the widget: `python -m tests.widget.screenshots NAME ...`.

The replies are the stand-in server's; the widget, the browser and the styles are real. They go to
var/screenshots, to be looked at."""

import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.support.browser import STARTERS, VOICE, Chat, launch
from tests.widget.standin import REVIEWED, Server, serve

ROOT = Path(__file__).parents[2]
# A publisher's page, plain but not bare; the widget's own look is left as it is.
PAGE = """body { margin: 0; font: 17px/1.6 "Liberation Sans", Arial, sans-serif; color: CanvasText; background: Canvas }
main { max-width: 37rem; margin: 0 auto 0 48px; padding: 24px; } h1 { font-size: 34px; line-height: 1.2 }
[dir=rtl] main { margin: 0 48px 0 auto }
symptom-chat { --symptom-chat-font: "Liberation Sans", Arial, sans-serif }
.in { display: block; height: 680px; --symptom-chat-height: 100%; margin-block: 24px }"""  # noqa: E501
TEXT = """<!doctype html><html lang="{lang}" dir="{dir}"><meta charset="utf-8">
<meta name="color-scheme" content="light dark"><title>Living with myoclonus</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style>
<script type="module" src="/widget.js"></script><body><main><h1>Living with myoclonus</h1><p>Myoclonus is a sudden, brief jerk of a muscle that comes by itself. Hiccups are one kind. So is the jerk that
wakes many people as they fall asleep.</p><h2>What it feels like</h2><p>The jerks can be single or come in a row. They
can be too small to see, or strong enough to make walking, eating or talking hard.</p>{tag}<h2>Why it comes</h2><p>A jerk begins where nerves begin: in the brain, in the spinal cord, or
along the way to a muscle. Some jerks belong to a healthy body.</p></main>"""  # noqa: E501
DESKTOP, PHONE = {"width": 1200, "height": 820}, {"width": 390, "height": 844}
ARABIC = {
    "dir": "rtl",
    "heading": "اسأل عن هذا العرض",
    "greeting": "مرحبًا. اسأل بكلماتك أو اختر سؤالًا.",
    "notice": "هذا برنامج وليس طبيبًا. لا يغادر شيء هذه الصفحة قبل أن ترسل سؤالًا.",
    "starters": "أسئلة شائعة",
    "urgent": "إذا كان أحد في خطر فاتصل الآن بالرقم {numbers}.",
    "urgent_anywhere": "إذا كان أحد في خطر فاتصل الآن برقم الطوارئ المحلي: 112 أو 911 أو 999.",
    "or": "أو",
    "placeholder": "اكتب سؤالك",
    "input": "Your question",
    "more": "المزيد",
    "sources": "المصادر",
    "yes": "نعم",
    "no": "لا",
    "from": "من {article}.",
    "helpful": "هل أفادك هذا؟",
    "not_reviewed": "لم يراجعه طبيب بعد.",
    "next": "يمكنك أن تسأل أيضًا",
}


def ask(chat, server, text):
    chat.ask(text)
    chat.tab.mouse.move(0, 0)
    chat.tab.wait_for_timeout(300)


def opened(chat, server):
    chat.tab.wait_for_timeout(200)


def answer(chat, server):
    ask(chat, server, "Can I stop the jerks from coming?")


def more(chat, server):
    server.answers = {"jerks": [REVIEWED]}
    ask(chat, server, "Can I stop the jerks from coming?")
    chat.button("More").click()


def says(chat, server):
    more(chat, server)
    chat.button("Source 1: Myoclonus").click()
    chat.tab.mouse.move(0, 0)


def feedback(chat, server):
    ask(chat, server, "Can I stop the jerks from coming?")
    chat.button("No").click()
    chat.button("It is hard to understand").click()
    chat.button("Send this").scroll_into_view_if_needed()


def emergency(chat, server):
    ask(chat, server, "This is an emergency, she is not waking up")


def failure(chat, server):
    server.fault = lambda at, method, path: at.drop()
    chat.send("Can I stop the jerks from coming?")
    chat.trouble.wait_for()


def working(chat, server):
    server.fault = lambda at, method, path: time.sleep(2)
    chat.send("Can I stop the jerks from coming?")
    chat.tab.locator(".dots").wait_for()


def menu(chat, server):
    ask(chat, server, "Can I stop the jerks from coming?")
    chat.button("Menu").click()


def delete(chat, server):
    chat.menu("Delete my data")


def unfolded(chat, server):
    more(chat, server)
    for summary in chat.card.locator("summary").all():
        summary.click()
    chat.card.locator(".foot").scroll_into_view_if_needed()


def unread(chat, server):
    server.fault = lambda at, method, path: path == "/api/messages" and time.sleep(1)
    chat.send("Can I stop the jerks from coming?")
    chat.button("Close the chat").click()
    chat.tab.locator(".badge").wait_for()


def restarted(chat, server):
    ask(chat, server, "Can I stop the jerks from coming?")
    chat.menu("Start again")


def larger(chat, server):
    ask(chat, server, "Can I stop the jerks from coming?")
    chat.menu("Larger text")


def speak(chat, server):
    chat.menu("Speak a question")


def listening(chat, server):
    speak(chat, server)
    chat.button("Start listening").click()


def full(chat, server):
    ask(chat, server, "Can I stop the jerks from coming?")
    chat.menu("Full screen")


def said(word):
    return lambda chat, server: ask(chat, server, word)


def arabic(chat, server):
    chat.element.evaluate("(element, texts) => { element.texts = texts }", ARABIC)
    ask(chat, server, "Can I stop the jerks from coming?")


def long_conversation(chat, server):
    for text in ("hello", "what about migraine", "my dose of clonazepam", "valproate"):
        ask(chat, server, text)


SHOTS = {  # name: (state, size, options)
    "closed": (None, DESKTOP, {}),
    "desktop-open": (opened, DESKTOP, {}),
    "desktop-answer": (answer, DESKTOP, {}),
    "desktop-more": (more, DESKTOP, {}),
    "desktop-says": (says, DESKTOP, {}),
    "desktop-says-dark": (says, DESKTOP, {"color_scheme": "dark"}),
    "phone-says": (says, PHONE, {}),
    "phone-says-dark": (says, PHONE, {"color_scheme": "dark"}),
    "desktop-inline": (answer, DESKTOP, {"mode": "inline"}),
    "desktop-dark": (answer, DESKTOP, {"color_scheme": "dark"}),
    "desktop-emergency": (emergency, DESKTOP, {}),
    "phone-open": (opened, PHONE, {}),
    "phone-answer": (answer, PHONE, {}),
    "phone-feedback": (feedback, PHONE, {}),
    "phone-choices": (said("valproate"), PHONE, {}),
    "phone-unsure": (said("unsure"), PHONE, {}),
    "desktop-unsure-dark": (said("unsure"), DESKTOP, {"color_scheme": "dark"}),
    "phone-conversation": (long_conversation, PHONE, {}),
    "phone-emergency": (emergency, PHONE, {}),
    "phone-emergency-dark": (emergency, PHONE, {"color_scheme": "dark"}),
    "phone-crisis": (said("crisis"), PHONE, {}),
    "phone-unavailable": (said("down"), PHONE, {}),
    "phone-failure": (failure, PHONE, {}),
    "phone-working": (working, PHONE, {}),
    "phone-menu": (menu, PHONE, {}),
    "phone-delete": (delete, PHONE, {}),
    "phone-dark": (answer, PHONE, {"color_scheme": "dark"}),
    "phone-rtl": (arabic, PHONE, {"dir": "rtl", "lang": "ar"}),
    "desktop-rtl": (arabic, DESKTOP, {"dir": "rtl", "lang": "ar"}),
    "desktop-unfolded": (unfolded, DESKTOP, {}),
    "phone-unfolded": (unfolded, PHONE, {"color_scheme": "dark"}),
    "desktop-unread": (unread, DESKTOP, {}),
    "phone-unread": (unread, PHONE, {"color_scheme": "dark"}),
    "desktop-restarted": (restarted, DESKTOP, {}),
    "phone-larger": (larger, PHONE, {}),
    "phone-speak": (speak, PHONE, {}),
    "phone-listening": (listening, PHONE, {"color_scheme": "dark"}),
    "desktop-full": (full, DESKTOP, {}),
    "phone-landscape": (answer, {"width": 844, "height": 390}, {}),
    "phone-320": (answer, {"width": 320, "height": 568}, {}),
    "zoom-400": (answer, {"width": 320, "height": 256}, {}),
    "forced-colours": (feedback, PHONE, {"forced_colors": "active"}),
}


def take(browser, name: str) -> Path:
    """The file of the picture."""
    server = Server()
    http = serve(server)
    state, size, options = SHOTS[name]
    options = {"lang": "en", "dir": "ltr", "mode": "floating"} | options
    lang, dir, mode = (options.pop(key) for key in ("lang", "dir", "mode"))
    kind = "in" if mode == "inline" else ""
    tag = (
        f'<symptom-chat class="{kind}" article="myoclonus" country="US" mode="{mode}" '
        f'heading="Ask about myoclonus">'
        f"{STARTERS}</symptom-chat>"
    )
    server.csp = None
    server.pages["/"] = TEXT.format(lang=lang, dir=dir, style=PAGE, tag=tag)
    touch = size["width"] < 500
    made = browser.new_context(
        viewport=size, device_scale_factor=1.5, reduced_motion="reduce", has_touch=touch, **options
    )
    made.add_init_script(VOICE)
    chat = Chat(made.new_page())
    chat.tab.goto(server.origin + "/")
    if state:
        if mode == "floating":
            chat.launcher.click()
        state(chat, server)
        chat.tab.wait_for_timeout(200)
    folder = ROOT / "var/screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    chat.tab.screenshot(path=folder / f"widget-{name}.png")
    made.close()
    http.shutdown()
    http.server_close()
    return folder / f"widget-{name}.png"


def main(names: list[str]):
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for name in names or SHOTS:
            print(take(browser, name).relative_to(ROOT))
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
