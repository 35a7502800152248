"""A reply as one message: answer, page, sources, review, disclaimer and feedback together, inside a
platform's limits."""

import datetime
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.content import replies
from bot.content.reply_model import ReplyBody
from bot.domain.reply_kinds import ReplyKind

MARK = re.compile(r"\[(\d+)\]")
# of a sentence, with its source marks
END = re.compile(r"[.!?…](?:[\"')”’\]]|\s?\[\d+\])*(?=\s+[\"'(“A-Z0-9-]|\s*$)")
MOST_SOURCES = 5  # of a whole article, that are listed; the page has them all
# as CommonMark has it: a star between letters or digits, or beside a blank, is a star
EMPHASIS = re.compile(
    r"(?<![\w*\\])\*\*(?=[^\s*])(.+?)(?<=[^\s*])\*\*(?![\w*])"
    r"|(?<![\w*\\])\*(?=[^\s*])((?:[^*]|\n)+?)(?<=[^\s*])\*(?![\w*])",
    re.DOTALL,
)
BULLET = re.compile(r"^( *)[-*] +", re.MULTILINE)
# of a button's code, behind the id of the reply; a choice is its place
YES, NO, MORE, REASON = "y", "n", "m", "r"


Texts = Mapping[str, Any]  # the fixed texts of a release


@dataclass(frozen=True)
class Button:
    """What can be pressed: its title, and `<reply>.<what>` as its code."""

    title: str
    code: str


@dataclass(frozen=True)
class Unit:
    """A reply to be shown, whose parts belong together. `text` is in the articles' Markdown, the
    rest is plain."""

    text: str
    title: str | None = None
    note: str = ""  # above the text, as that it was shown before
    unsure: str = ""  # below it, where other questions are offered in its place
    warning: tuple[str, ...] = ()  # a sentence above a usual answer, and its numbers
    numbers: tuple[str, ...] = ()
    after: str | None = None  # after the numbers of a danger
    urgent: str = ""  # whom to call in an emergency, below what is no answer
    page: tuple[str, str] | None = None  # (label, address) of the whole article
    sources: tuple[tuple[str, str], ...] = ()
    says: tuple[str, ...] = ()  # what each source says about the text, where there is room
    small: tuple[str, ...] = ()  # review and disclaimer
    ask: str | None = None
    votes: tuple[Button, ...] = ()
    choices: tuple[Button, ...] = ()
    choose: str = ""  # label of a list
    number: str = ""  # how a numbered choice is offered
    first: int = 1  # the number of its first button

    def buttons(self) -> tuple[Button, ...]:
        return (*self.votes, *self.choices)

    def numbered(self) -> Iterator[tuple[int, Button]]:
        """(number, button) of each."""
        return enumerate(self.buttons(), self.first)


@dataclass(frozen=True)
class Style:
    """How a platform writes: its marks, its escapes, and how much a message holds, measured as it
    measures."""

    limit: int
    measure: Callable[[str], int] = len
    escape: Callable[[str], str] = str
    bold: Callable[[str], str] = str
    italic: Callable[[str], str] = str
    link: Callable[[str, str], str] = lambda label, url: f"{label}: {url}"
    source: Callable[[str, str], str] = lambda label, url: f"{label} {url}"
    says: bool = True  # what sources say is written where it fits; no, where each line costs
    # the longest title of a button; longer ones are numbered in the text, and a number is
    # understood
    titles: int | None = None

    def numbers(self, button: Button) -> bool:
        """Whether this button is numbered in the text."""
        return self.titles is not None and len(button.title) > self.titles


def reply_unit(reply: ReplyBody, texts: Texts, site_url: str, first: int = 1) -> Unit:
    """The Unit of a reply."""
    id, answer = reply["id"], reply["kind"] == ReplyKind.ANSWER
    quotes = reply["kind"] == ReplyKind.PASSAGE
    feedback = reply.get("feedback")
    votes = (
        [Button(texts["feedback_yes"], f"{id}.{YES}"), Button(texts["feedback_no"], f"{id}.{NO}")]
        if feedback
        else []
    )
    more = [Button(texts["more"], f"{id}.{MORE}")] if answer and reply.get("more") else []
    choices = [
        Button(choice["title"], f"{id}.{place}")
        for place, choice in enumerate(replies.offered_choices(reply))
    ]
    made = Unit(
        text=reply["text"],
        title=None if quotes else reply.get("title"),  # its link has it
        note=reply.get("note") or "",
        unsure=texts.get("not_meant", "") if reply.get("instead") else "",
        ask=feedback and feedback["ask"],
        votes=tuple(votes),
        choices=(*more, *choices),
        choose=texts["choose"],
        number=texts["reply_number"],
        first=first,
        warning=_warning_lines(reply.get("warning")),
        numbers=_number_lines(reply),
        after=None if answer else reply.get("more"),
        urgent=_urgent_line(reply.get("emergency")),
    )
    if not answer and not quotes:
        return made
    return replace(made, **_provenance(reply, reply["text"], texts, site_url))


def _number_lines(reply: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        f"{line['label']}: {line.get('url') or line['number']}"
        for line in reply.get("numbers") or ()
    )


def _urgent_line(emergency: Mapping[str, Any] | None) -> str:
    return str(emergency["text"]) if emergency else ""


def _warning_lines(warning: Mapping[str, Any] | None) -> tuple[str, ...]:
    return (warning["text"], *_number_lines(warning)) if warning else ()


def rest_unit(reply: ReplyBody, texts: Texts, site_url: str) -> Unit:
    """The Unit of what an answer says on "More"."""
    shown = {**reply, "text": reply["more"], "more": None, "warning": None, "note": None}
    made = reply_unit(shown, texts, site_url)
    return replace(made, **_provenance(reply, reply["more"], texts, site_url))


def note_unit(
    text: str,
    choices: Sequence[Button] = (),
    texts: Texts | None = None,
    emergency: Mapping[str, Any] | None = None,
) -> Unit:
    """The Unit of a fixed text; `choices` are Buttons, `emergency` the line that tells whom to call
    (turns.urgent_line)."""
    made = Unit(text=text, choices=tuple(choices), urgent=_urgent_line(emergency))
    if not choices or texts is None:
        return made
    return replace(made, choose=texts["choose"], number=texts["reply_number"])


def reasons_unit(reply: ReplyBody, texts: Texts) -> Unit:
    """The Unit that asks what was wrong with a reply, its reasons as choices."""
    return note_unit(
        texts["feedback_why"],
        texts=texts,
        choices=[
            Button(title, f"{reply['id']}.{REASON}{place}")
            for place, title in enumerate(reply["feedback"]["reasons"].values())
        ],
    )


def say_review(article: Mapping[str, Any], texts: Texts) -> str:
    """What an answer says of its review, as its `article` tells it: by whom and when, or what holds
    in place of that."""
    signed = article["reviewed_by"] and replies.fill_placeholders(
        texts["reviewed"],
        reviewed_by=article["reviewed_by"],
        reviewed_on=replies.format_day(datetime.date.fromisoformat(article["reviewed_on"])),
    )
    return ". ".join(filter(None, (signed, article["review"])))


def _provenance(reply: ReplyBody, shown: str, texts: Texts, site_url: str) -> dict[str, Any]:
    article, marks = reply["article"], set(MARK.findall(shown))
    url = article["url"] if "://" in article["url"] else site_url.rstrip("/") + article["url"]
    quoted = reply.get("section")
    section = (quoted or reply["question"]).partition(".")[2]
    is_info = section == replies.ARTICLE_INFO
    url += f"#{'sources' if is_info else section}" if "#" not in url else ""
    cited = [source for source in reply["sources"] if str(source["n"]) in marks] or reply["sources"]
    listed = () if is_info and len(cited) > MOST_SOURCES else cited
    return {
        "page": (reply["title"] if quoted else texts["read_page"], url),
        "small": (say_review(article, texts), reply["disclaimer"]),
        "sources": tuple(
            (f"[{source['n']}] {source['title']}, {source['publisher']}", source["url"])
            for source in listed
        ),
        "says": tuple(_said(source, shown) for source in listed),
    }


def _said(source: Mapping[str, Any], shown: str) -> str:
    """What a source says about the statements of the text that is shown, on one line."""
    plain = " ".join(re.sub(r"\s*\[\d+\]", "", shown).split())
    lines = dict.fromkeys(
        said["states"] for said in source.get("says") or () if said["statement"] in plain
    )
    return re.sub(r"([.!?]); ", r"\1 ", "; ".join(lines))


def write_unit(shown: Unit, style: Style) -> str:
    """A Unit in a platform's writing: what its sources say is left out where there is no room for
    all of it, then as many whole sentences of its text are kept as fit; all else stays whole."""
    text = shown.text
    bare = replace(shown, says=())
    for fitting in (shown, bare) if style.says else (bare,):
        if style.measure(_compose(fitting, text, style)) <= style.limit:
            return _compose(fitting, text, style)
    shown = bare
    ends = (
        [match.end() for match in END.finditer(text)]
        or [match.start() for match in re.finditer(r"\s+", text)]
        or [len(text) // 2]
    )
    low, high = 0, len(ends)
    while low < high:  # the most that fits
        middle = (low + high + 1) // 2
        if style.measure(_compose(shown, text[: ends[middle - 1]] + " …", style)) <= style.limit:
            low = middle
        else:
            high = middle - 1
    return _compose(shown, text[: ends[low - 1]] + " …" if low else "…", style)


def remove_marks(plain: str) -> str:
    """A plain text in which no sign of WhatsApp's or Slack's marks stands; neither has an escape
    for them."""
    return plain.translate(str.maketrans("*_~`", "∗ˍ∼'"))


def cut_title(title: str, limit: int) -> str:
    """A button's title of at most so many signs, cut at a word."""
    if len(title) <= limit:
        return title
    head = title[: limit - 1]
    return (head.rsplit(" ", 1)[0] if " " in head else head).rstrip(",;:") + "…"


def _compose(shown: Unit, text: str, style: Style) -> str:
    escape = style.escape
    offers = [
        (
            button,
            replies.fill_placeholders(shown.number, number=number, title=button.title)
            + ("" if button.title[-1] in ".?!" else "."),
        )
        for number, button in shown.numbered()
        if style.numbers(button)
    ]
    vote, choice = (
        [offer for button, offer in offers if button in buttons]
        for buttons in (shown.votes, shown.choices)
    )
    says = shown.says or ("",) * len(shown.sources)
    lines = [
        style.source(escape(label), url) + (f"\n{escape(said)}" if said else "")
        for (label, url), said in zip(shown.sources, says, strict=True)
    ]
    paragraphs = [
        "\n".join(style.bold(escape(line)) for line in shown.warning),
        style.bold(escape(shown.title)) if shown.title else "",
        style.italic(escape(shown.note)) if shown.note else "",
        _marked(text, style),
        style.italic(escape(shown.unsure)) if shown.unsure else "",
        "\n".join(style.bold(escape(line)) for line in shown.numbers),
        _marked(shown.after, style) if shown.after else "",
        "\n".join(
            ([style.link(escape(shown.page[0]), shown.page[1])] if shown.page else []) + lines
        ),
        "\n".join(style.italic(escape(line)) for line in shown.small),
        " ".join([escape(shown.ask or ""), *map(escape, vote)]).strip(),
        "\n".join(map(escape, choice)),
        style.italic(escape(shown.urgent)) if shown.urgent else "",
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _marked(text: str, style: Style) -> str:
    """The articles' Markdown (emphasis, lists) in a platform's writing."""
    text, at = BULLET.sub(r"\1• ", text.strip()), 0
    done: list[str] = []
    for match in EMPHASIS.finditer(text):
        done += [
            style.escape(text[at : match.start()]),
            style.bold(style.escape(match[1]))
            if match[1]
            else style.italic(style.escape(match[2])),
        ]
        at = match.end()
    return "".join([*done, style.escape(text[at:])])
