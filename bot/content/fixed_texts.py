"""The fixed sentences of data/texts.yml: where visitors read each, and what is filled into it.

What a sentence is for stands above it in the file; `read_comments` gives it to the desk."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bot.content import articles
from bot.domain.faults import Fault, make_locate

Keys = tuple[str, ...]  # a text's name, or that and the name of one of several
FILE = "texts.yml"
REST = "Elsewhere in the chat"  # the place of what is not listed
# {where visitors read them: names}; messaging apps show what the chat does, and have some alone
PLACES = {
    "First line of a chat": ("notice",),
    "Below answers, and on article pages": (
        "disclaimer",
        "not_reviewed",
        "reviewed",
        "reviewed_before",
        "reviewed_partly",
        "changed_since_review",
        "review_overdue",
        "under_review",
    ),
    "Beside answers": ("another_question", "not_meant", "said_before", "speaks_of", "no_more"),
    "Votes": ("feedback_ask", "feedback_reasons", "feedback_thanks"),
    "Asking back": (
        "clarify",
        "clarify_one",
        "clarify_again",
        "which_one",
        "clarify_which",
        "none_of_these",
        "none_of_these_reply",
        "follow_up_unclear",
    ),
    "Where there is no answer": (
        "not_covered",
        "not_covered_term",
        "not_covered_facet",
        "not_covered_held",
        "not_covered_again",
        "passage",
        "passage_unsure",
        "personal_advice",
        "personal_diagnosis",
        "personal_life",
        "personal_general",
        "afraid",
        "personal_advice_again",
        "out_of_scope",
        "out_of_scope_again",
    ),
    "Danger and distress": ("unavailable", "emergency_hint", "emergency_line", "distress"),
    "Talk": (
        "greeting",
        "thanks",
        "goodbye",
        "help",
        "bot_identity",
        "about_me",
        "forget_me_confirm",
        "forget_me_yes",
        "forget_me_no",
        "forget_me_done",
        "forget_me_kept",
        "terms_of_use",
        "give_feedback",
    ),
    "An article and its sources": (
        "article_info",
        "evidence_held",
        "evidence_partly",
        "evidence_partly_one",
        "evidence_none",
        "read_as",
        "source_checked",
        "source_version",
        "no_version",
    ),
    "Where a message can't be taken": (
        "text_empty",
        "text_too_long",
        "text_unreadable",
        "too_many",
        "overloaded",
        "other_message",
        "busy",
        "session_ended",
        "wrong_request",
    ),
    "Messaging apps alone": (
        "feedback_yes",
        "feedback_no",
        "feedback_why",
        "more",
        "read_page",
        "choose",
        "reply_number",
        "cant_read",
        "words_only",
        "old_button",
        "stopped",
        "help_sms",
    ),
}
TALK = {"covered": "hiccups and tremor", "days": "30"}
TERM = {"term": "tremor", "days": "30"}
WORD = {"word": "caffeine", "article": "Hiccups", "days": "30"}
# {name: {what the program puts in the place of a name in braces: an example of it}}
FILLED: dict[str, dict[str, str]] = {
    "notice": TALK,
    **dict.fromkeys(
        ("reviewed", "reviewed_before", "changed_since_review"),
        {"reviewed_by": "Dr. Ada Example, neurologist", "reviewed_on": "24 November 2026"},
    ),
    "reviewed_partly": {"count": "3", "all": "14"},
    "review_overdue": {"date": "24 November 2026"},
    "clarify_one": {"question": "What causes hiccups?", "days": "30"},
    "not_covered": TALK,
    "not_covered_term": TALK | TERM,
    "not_covered_facet": TERM,
    "not_covered_held": WORD,
    "passage_unsure": {"section": "What sets hiccups off?"},
    "out_of_scope": TALK,
    "unavailable": {"emergency": "Call your local emergency number."},
    "emergency_line": {"emergency": "112"},
    "speaks_of": {"word": "caffeine"},
    **dict.fromkeys(("greeting", "thanks", "goodbye", "help", "bot_identity"), TALK),
    **dict.fromkeys(("distress", "give_feedback", "forget_me_confirm"), TALK),
    "about_me": TALK | {"since": "24 November 2026", "messages": "12", "votes": "3"},
    "forget_me_done": {"receipt": "4711-0815"},
    "terms_of_use": {"days": "30"},
    "article_info": {
        "title": "Hiccups",
        "written_by": "Ada Example",
        "written_on": "24 November 2026",
        "reviewed": "Not yet reviewed by a clinician",
        "checked": "Its statements were not yet held against the sources that it names.",
        "sources": "Hiccups, a leaflet",
        "days": "30",
    },
    "evidence_held": {
        "statements": "40",
        "held": "38",
        "on": "24 November 2026",
        "sources": "5",
        "read": "4 were read whole, 1 was read in part",
        "partly": "2 statements stand in their source only in part. ",
    },
    "evidence_partly": {"count": "2"},
    "source_checked": {
        "version": "Version of 3 May 2025",
        "read": "read whole",
        "on": "24 November 2026",
    },
    "source_version": {"date": "3 May 2025"},
    "text_too_long": {"limit": "2,000"},
    "reply_number": {"number": "1", "title": "What causes hiccups?"},
}
NAME = re.compile(r"\{([^{}]*)\}")


def find_place(name: str) -> str:
    """Where visitors read the text of this name."""
    return next((place for place, names in PLACES.items() if name in names), REST)


def list_texts(data: Mapping[str, Any]) -> Iterator[tuple[Keys, str]]:
    """Each text of the file's data with its keys, in the file's order; what is no text, as one."""
    for name, value in data.items():
        for part, text in value.items() if isinstance(value, dict) else [("", value)]:
            yield (str(name), str(part)) if part else (str(name),), str(text).strip()


def fill_example(name: str, text: str) -> str:
    """The text as visitors might read it."""
    filled = FILLED.get(name, {})
    return NAME.sub(lambda match: filled.get(match[1], match[0]), text)


def read_comments(text: str) -> dict[str, str]:
    """{name: what the file says above it}. Names that follow each other without a blank line have
    their first one's comment; one of their own has its own."""
    found: dict[str, str] = {}
    lines: list[str] = []
    has_ended = True  # whether the comment above is that of a name before
    for line in text.splitlines():
        if line.startswith("#"):
            lines, has_ended = [] if has_ended else lines, False
            lines.append(line.removeprefix("#").strip())
        elif not line.strip():
            lines, has_ended = [], True
        elif match := re.match(r"([a-z_]+):", line):
            found[match[1]], has_ended = " ".join(lines), True
    return found


def find_placeholder_faults(folder: str | Path) -> list[Fault]:
    """Braces in the texts of a folder that nothing is put in the place of: visitors would read
    them."""
    path = Path(folder, FILE)
    if not path.is_file():
        return []
    data, lines, _ = articles.read_yaml(path.read_text(encoding="utf-8"), path)
    at = make_locate(path, lines)
    return [
        Fault(*at(*keys), said, f"in the text {'.'.join(keys)}")
        for keys, text in list_texts(data or {})
        for said in _say_unknown(keys[0], text)
    ]


def _say_unknown(name: str, text: str) -> Iterable[str]:
    """A sentence on each brace of a text that is filled by nothing."""
    known = FILLED.get(name, {})
    may = f"write {' or '.join(f'{{{each}}}' for each in known)}" if known else "write no braces"
    for each in dict.fromkeys(NAME.findall(text)):
        if each not in known:
            yield f"nothing is put in the place of {{{each}}}; {may}"
    if re.search(r"[{}]", NAME.sub("", text)):
        yield f"a brace stands alone; {may}"
