"""What each page of the desk is for, and what happens when: a few sentences, and the section of the
guide that says more. **A name** is that of a page, button or field, as the page has it."""

import re
from dataclasses import dataclass

from markupsafe import Markup, escape

from bot.editor.shared import guide

NAME = re.compile(r"\*\*(.+?)\*\*")


@dataclass(frozen=True)
class Help:
    """The help beside a page. `section`: the title of a section of the guide."""

    text: str
    section: str

    @property
    def html(self) -> Markup:
        """The text with its names set off."""
        return Markup(NAME.sub(r"<strong>\1</strong>", str(escape(self.text))))

    @property
    def anchor(self) -> str:
        return guide.make_anchor(self.section)


# {the part of the desk that an address leads to: its help}
HELP = {
    "review": Help(
        "Here stands what visitors asked in vain or nearly, grouped by meaning, the most frequent "
        "first. Make what a group says phrases of a question that there is, begin a **New "
        "question** with it, or **Set aside** what needs no answer. The group goes at once; "
        "visitors get the answer once a release that learned it is published.",
        "Review",
    ),
    "drafts": Help(
        "These questions were begun and stand in no article yet. Open one, and write its answer; "
        "beside it you see what is missing, and how the chat would show it. No visitor gets it "
        "before it stands in its article and is published.",
        "Articles",
    ),
    "conversations": Help(
        "What visitors wrote and what they got, with names and other personal data masked. "
        "**Filter** finds some by outcome, article, channel, vote or day. Open one to read the "
        "whole; below each message you can try what it gets today, or teach it to a question. "
        "Nothing here changes what visitors get before it is published.",
        "Conversations",
    ),
    "reports": Help(
        "When a visitor calls an answer inaccurate or out of date, a report on it stands here. "
        "Open it, take it, and mend the answer in its article. End it with a sentence that says "
        "what was done: it then moves to the **Ended ones**. Visitors get the mended answer once "
        "it is published.",
        "Reports",
    ),
    "articles": Help(
        "All answers stand in articles. Open one for its particulars, questions and sources, and a "
        "question for its answer. **New article** begins one with a file or a pasted text. What "
        "you save is kept at once, in your name; visitors get it once it is published, and a "
        "changed answer waits for a clinician's signature again.",
        "Articles",
    ),
    "reviews": Help(
        "What waits for a clinician: answers that were never signed, were changed since, or fall "
        "due. Open an article to read each answer beside what its sources say; there it is signed, "
        "for exactly these words. **Changed since** counts the signed ones that say something else "
        "now. Visitors read of a signature once it is published.",
        "Signing",
    ),
    "tables": Help(
        "What people call things (**Terms**), what is said outside the articles (**Talk**), what "
        "is taken for a danger (**Safety list**), and every other sentence that visitors read "
        "(**Fixed texts**). **Change** a row in place, or take the table out into a spreadsheet "
        "and **Bring in** what became of it. **History** shows who changed what. It is saved at "
        "once; visitors get it once it is published.",
        "Terms and texts",
    ),
    "stories": Help(
        "**A new story** says what is offered next where a conversation goes as it tells. **A new "
        "test conversation** teaches nothing: it says what must come. **Try all with the live "
        "release** shows where something else comes. A release in which one comes otherwise is "
        "not published; what a story offers shows once a release has learned it.",
        "Stories",
    ),
    "try": Help(
        "Write a message as a visitor would, and press **Ask**: what visitors get now stands "
        "beside what the draft answers, each with why. Changed words of an answer show at once. "
        "New phrases, terms and stories show once a release is prepared. No visitor sees what you "
        "do here, and what you write is not kept.",
        "Try",
    ),
    "publish": Help(
        "Nothing that was saved reaches visitors before it is published here. **Publish** checks, "
        "learns and tests everything, and asks again what visitors asked; if a test fails, nothing "
        "changes for them. **Only prepare it, to try** stops before it goes live. Open one of the "
        "list to read what it changes; an earlier release can be brought back within seconds.",
        "Publish",
    ),
    "numbers": Help(
        "How much was asked, answered and not answered in the days that you choose, by day, "
        "article and question. Every plot is a table, too, and **Days as CSV** and **Questions as "
        "CSV** are for a spreadsheet. A share of few votes says little: its range stands beside "
        "it. Nothing is changed here.",
        "Numbers",
    ),
    "people": Help(
        "Who may enter the desk, and what each may do there. **Add and make the invitation** gives "
        "a link that works once; send it by a way that only that person reads. **Invite again** "
        "is for who lost a password. Whom you dismiss is out at once, and stays named beside what "
        "was done.",
        "Who may enter",
    ),
    "audit": Help(
        "What was done at this desk, when and by whom; nobody can change it. Choose a person, an "
        "action or a day, and press **Show**. What changed in a text stands in the history of its "
        "article or table.",
        "History",
    ),
    "account": Help(
        "Your password, the one-time codes of an app, and a button that signs out every other "
        "browser. They are yours alone: an admin can invite you again, and reads none of them.",
        "Who may enter",
    ),
    "search": Help(
        "It looks through articles, questions with their answers, phrases and visitors' messages "
        "for texts in which every word stands. The key / leads to its field from each page.",
        "The editors' desk",
    ),
}


def find_help(room: str) -> Help | None:
    """The help of a part of the desk; None where it has none."""
    return HELP.get(room)
