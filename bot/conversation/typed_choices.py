"""What a visitor types in answer to the reply before: "yes", a button's own title, "the second",
"no", "more". Buttons aren't always pressed, and some people can't press them."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from bot.content import replies, site_content
from bot.content.reply_model import ReplyBody
from bot.domain.reply_kinds import ReplyKind

FORGET, KEEP = "forget_me_yes", "forget_me_no"
MORE, AGAIN, WHICH_ONE = "more", "again", "which_one"
COMMANDS = (MORE, AGAIN, WHICH_ONE)  # answered from what the reply before held
Last = Mapping[str, Any]  # what `remember` gave, as a conversation's state keeps it
YES = frozenset(
    "yes,yeah,yep,yup,yes please,yes do,please do,do it,go ahead,sure,correct,that one,this one,"
    "thats it,thats the one,exactly,y".split(",")
)
DELETE = frozenset("delete,delete it,yes delete,delete everything".split(","))
NO = frozenset(
    "no,nope,nah,none,none of these,none of them,none of those,neither,neither of them,not that,"
    "not these,not those,no not that,n".split(",")
)
DONT_DELETE = frozenset(
    "keep it,keep,dont,dont delete it,no keep it,no thanks,no thank you".split(",")
)
SAYS_MORE = frozenset(
    "more,read more,tell me more,more please,show more,show me more,say more,go on,continue,"
    "the rest,what else,anything else,and what else,more info,more information,more details".split(
        ","
    )
)
SAYS_AGAIN = frozenset("again,repeat,repeat that,say that again,once more,come again".split(","))
NEXT = frozenset("next,next one,next question,next please,the next one".split(","))
WHY = frozenset("why,why is that,how come,but why,why though,and why".split(","))
CAUSES = "causes"  # the facet that "why?" asks for
PLACES = {
    word: place
    for place, words in enumerate(
        ("first 1st one", "second 2nd two", "third 3rd three", "fourth 4th four", "fifth 5th five")
    )
    for word in words.split()
}
PLACE = re.compile(
    r"(?:the |number |option )?(?:(\d{1,2})|"
    rf"({'|'.join(PLACES)}|last))(?: one| question| option)?(?: please)?"
)


def remember_reply(last: Last | None, number: int, reply: ReplyBody) -> dict[str, Any]:
    """What the next message may answer, for a conversation's state: this reply of turn `number`,
    and the last answer before it, which `last` remembers."""
    answered = reply["kind"] == ReplyKind.ANSWER
    before: Last = last if last and last["number"] == number - 1 else {}
    return {
        "number": number,
        "kind": reply["kind"],
        "question": reply["question"] if answered else before.get("question"),
        "whole": not reply.get("more") if answered else before.get("whole", True),
        "said": fingerprint(reply),
        "choices": replies.offered_choices(reply),
    }


def fingerprint(reply: ReplyBody) -> str:
    """What two replies with the same text have in common."""
    return hashlib.sha256(reply["text"].encode()).hexdigest()[:16]


def read_choice(
    library: site_content.SiteContent, text: str, last: Last | None, number: int
) -> str | None:
    """The choice that a text takes, where it answers the `last` reply (of `remember`): a question's
    name or a command; else None."""
    if not last or last["number"] != number - 1:
        return None
    words = normalise_typed(text)
    titled: dict[str, str] = {
        normalise_typed(choice["title"]): choice["value"]
        for choice in last["choices"]
        if _is_there(library, choice["value"])
    }
    if words in titled:
        return titled[words]
    values = list(titled.values())
    if values == [FORGET, KEEP]:
        return _answer_deletion(words)
    questions = [value for value in values if "." in value]
    if taken := _take_place(words, questions):
        return taken
    if words in NO:
        return replies.NONE_OF_THESE
    if words in NEXT and questions:
        return questions[0]
    if words in SAYS_MORE and questions and last["kind"] == ReplyKind.PASSAGE:
        return questions[0]  # the whole section
    if words in YES and questions and last["kind"] != ReplyKind.ANSWER:
        return questions[0] if len(questions) == 1 else WHICH_ONE
    return _go_on(library, words, last["question"])


def _is_there(library: site_content.SiteContent, value: str) -> bool:
    """Whether a choice still stands for something: a release may have come since."""
    article, _, id = value.partition(".")
    info = id == replies.ARTICLE_INFO and article in library.articles
    return not id or info or value in library.questions


def normalise_typed(text: str) -> str:
    """The words of a text in small letters, without signs."""
    return " ".join(re.findall(r"\w+", text.lower().replace("'", "").replace("’", "")))


def _answer_deletion(words: str) -> str | None:
    if words in YES | DELETE:
        return FORGET
    return KEEP if words in NO | DONT_DELETE else {"1": FORGET, "2": KEEP}.get(words)


def _take_place(words: str, questions: list[str]) -> str | None:
    """The question at the place that the words name: "2", "the second one"."""
    match = PLACE.fullmatch(words)
    if not match or not questions:
        return None
    if words.endswith("last") or match[2] == "last":
        return questions[-1]
    place = int(match[1]) - 1 if match[1] else PLACES[match[2]]
    return questions[place] if 0 <= place < len(questions) else None


def _go_on(library: site_content.SiteContent, words: str, question: str | None) -> str | None:
    """As `read_choice`, of what asks more of the last answer, which was that of `question`."""
    if question is None:
        return None
    if words in SAYS_MORE:
        return MORE
    if words in SAYS_AGAIN:
        return AGAIN
    if words in WHY:
        return _find_cause(library, question) or MORE
    return None


def _find_cause(library: site_content.SiteContent, name: str) -> str | None:
    """The question of the same article that tells the causes, where `name` isn't it."""
    if name not in library.questions or CAUSES in library.questions[name].facets:
        return None
    found = replies.related_questions(library, name)
    return next((other for other in found if library.questions[other].facet == CAUSES), None)


def run_command(
    library: site_content.SiteContent, command: str, last: Last, today: date, asked: Sequence[str]
) -> ReplyBody:
    """The reply to a command, from what `last` remembers."""
    if command == WHICH_ONE:
        kind = (
            {"kind": ReplyKind.CLARIFY}
            if last["kind"] == ReplyKind.CLARIFY
            else {"kind": ReplyKind.TALK, "topic": command}
        )
        words = library.texts.get("which_one", library.texts["clarify"])
        return {**kind, "text": words, "choices": last["choices"]}
    question = last["question"]
    if question not in library.questions:
        return say_no_more(library, last)
    if command == AGAIN:
        return replies.say_again(
            library, replies.answer_question(library, question, today, 1.0, asked)
        )
    if last["whole"]:
        return say_no_more(library, last)
    return replies.rest_of_answer(library, question, today, asked)


def say_no_more(library: site_content.SiteContent, last: Last) -> ReplyBody:
    """That the section has been told whole, with what to ask next."""
    return {
        "kind": ReplyKind.TALK,
        "topic": MORE,
        "text": library.texts.get("no_more", library.texts["none_of_these_reply"]),
        "choices": last["choices"],
    }
