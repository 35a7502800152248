"""Sign-offs: which answers a clinician has signed, for exactly the words that visitors read.

`data/reviews/<article>.yml` holds them, and the desk alone writes there: each is sealed with the
site's secret, so that no hand edit, import or front matter can claim what nobody signed. An answer
whose words have changed since counts as changed, and as signed again once they are brought back."""

import datetime
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from bot.content import articles
from bot.content.articles import Article, Question
from bot.domain.faults import Fault, make_locate

FOLDER = "reviews"
FIELDS = ("question", "text", "name", "profession", "on", "note", "account", "imported", "seal")
SOON = datetime.timedelta(days=30)
LABEL = b"a review of an answer"  # so that no other use of the secret makes the same seals
HEAD = """\
# Which answers of {id}.md clinicians have signed. The desk writes this file, and seals each review:
# one that is changed or written by hand is a fault.
"""


class State(StrEnum):
    """What holds of an answer: signed as it is, changed since it was signed, or never signed."""

    SIGNED = "signed"
    CHANGED = "changed"
    UNSIGNED = "unsigned"


@dataclass(frozen=True)
class SignOff:
    """One clinician's signature under one answer. `question`: its name without the article's;
    `text`: what `text_mark` gave of the words that were signed; `account`: who was signed in;
    `imported`: taken over from records of before this site, in which nobody signed here."""

    question: str
    text: str
    name: str
    on: datetime.date
    profession: str = ""
    note: str = ""
    account: str = ""
    imported: bool = False
    seal: str = ""

    @property
    def signer(self) -> str:
        """Name and profession, as visitors read them."""
        return f"{self.name}, {self.profession}" if self.profession else self.name


@dataclass(frozen=True)
class Review:
    """What holds of one answer: its State, the SignOff that tells (of its words, else the newest),
    and the day on which a new review is `due`, every so many `days`."""

    state: State
    sign_off: SignOff | None
    due: datetime.date
    days: int

    def timeliness(self, today: datetime.date) -> str:
        """`current`, `overdue`, or `withdrawn` (past twice its review period)."""
        if today <= self.due:
            return "current"
        limit = self.due + datetime.timedelta(days=self.days)
        return "overdue" if today <= limit else "withdrawn"


def path_of(folder: str | Path, article_id: str) -> Path:
    """The file of an article's sign-offs in a content folder."""
    return Path(folder, FOLDER, f"{article_id}.yml")


def text_mark(article: Article, question: Question) -> str:
    """What names the words that visitors read of an answer, its question, heading, text and
    sources: 16 hex digits."""
    sources = article.sources_of(f"{question.lead}\n\n{question.more}")
    read = [
        [question.ask, question.title, question.lead, question.more],
        [[source.n, source.title, source.publisher, source.url] for source in sources],
    ]
    return hashlib.sha256(json.dumps(read, ensure_ascii=False).encode()).hexdigest()[:16]


def seal_sign_off(sign_off: SignOff, article_id: str, secret: str) -> SignOff:
    """The SignOff with the seal of this site."""
    return SignOff(**{**asdict(sign_off), "seal": _seal(sign_off, article_id, secret)})


def _seal(sign_off: SignOff, article_id: str, secret: str) -> str:
    key = hmac.digest(secret.encode(), LABEL, "sha256")
    said = {**asdict(sign_off), "on": sign_off.on.isoformat(), "article": article_id}
    del said["seal"]
    text = json.dumps(said, sort_keys=True, ensure_ascii=False)
    return hmac.new(key, text.encode(), "sha256").hexdigest()[:32]


def review_answer(article: Article, question: Question, signed: Sequence[SignOff]) -> Review:
    """What holds of an answer, by an article's sign-offs in the order in which they were made."""
    id, days = question.name.partition(".")[2], datetime.timedelta(days=article.review_every)
    own = [each for each in signed if each.question == id]
    mark = text_mark(article, question) if own else ""
    valid = [each for each in own if each.text == mark]
    if valid:
        newest = max(valid, key=lambda each: each.on)
        return Review(State.SIGNED, newest, newest.on + days, article.review_every)
    last = max(own, key=lambda each: each.on) if own else None
    since = max(article.written_on, last.on) if last else article.written_on
    state = State.CHANGED if last else State.UNSIGNED
    return Review(state, last, since + days, article.review_every)


def review_article(article: Article, signed: Sequence[SignOff]) -> dict[str, Review]:
    """{question: Review} of an article's answers."""
    return {
        question.name: review_answer(article, question, signed) for question in article.questions
    }


def count_reviews(reviews: Iterable[Review], today: datetime.date) -> dict[str, int]:
    """How many answers are `signed`, `changed` since, `unsigned`, and, of the signed ones, `due`
    within 30 days or late."""
    listed = list(reviews)
    states = [review.state for review in listed]
    return {
        **{state.value: states.count(state) for state in State},
        "due": sum(
            review.state == State.SIGNED and review.due - SOON <= today for review in listed
        ),
    }


def add_sign_offs(earlier: Iterable[SignOff], new: Iterable[SignOff]) -> list[SignOff]:
    """The SignOffs with new ones, each in place of an earlier one of the same answer and account;
    of those that were taken over, of the same name."""
    kept = {
        (each.question, each.name if each.imported else each.account, each.imported): each
        for each in (*earlier, *new)
    }
    return list(kept.values())


def read_all(
    folder: str | Path, listed: Iterable[Article]
) -> tuple[dict[str, tuple[SignOff, ...]], list[Fault]]:
    """({article's id: its SignOffs}, faults) of a content folder; seals are `find_unsealed`'s. One
    of a question that is gone says nothing, and holds again if it comes back."""
    found: dict[str, tuple[SignOff, ...]] = {}
    faults: list[Fault] = []
    known = {article.id for article in listed}
    for path in articles.list_files(folder, f"{FOLDER}/*.yml"):
        if not Path(folder, "articles", f"{path.stem}.md").is_file():
            said = f"there is no article {path.stem}; delete this file"
            faults.append(Fault(str(path), 1, (), said))
            continue
        signed, wrong = read_sign_offs(path.read_text(encoding="utf-8", errors="replace"), path)
        faults += wrong
        if path.stem in known:
            found[path.stem] = signed
    return found, faults


def read_sign_offs(text: str, path: str | Path) -> tuple[tuple[SignOff, ...], list[Fault]]:
    """(SignOffs, faults) of a file's text; what has a fault is left out of the first."""
    data, lines, faults = articles.read_yaml(text, path)
    if data is None:
        return (), faults

    at = make_locate(path, lines)
    rows = data.get("reviews")
    if set(data) != {"reviews"} or not isinstance(rows, list):
        said = "this file holds `reviews:` and nothing else, a list that the desk writes"
        return (), [*faults, Fault(str(path), 1, (), said)]
    found: list[SignOff] = []
    for i, row in enumerate(map(_name_on, rows)):
        wrong = _row_fault(row)
        if wrong:
            faults.append(Fault(*at("reviews", i), wrong))
        else:
            found.append(SignOff(**row))
    return tuple(found), faults


def _name_on(row: Any) -> Any:
    """A row with its key `on`, which is true to YAML where it stands without quotes."""
    if not isinstance(row, dict):
        return row
    return {"on" if key is True else key: value for key, value in row.items()}


def _row_fault(row: Any) -> str | None:
    """What is wrong with one review, as a sentence."""
    if not isinstance(row, dict) or set(row) - set(FIELDS):
        return f"a review holds {', '.join(FIELDS)}; sign the answer at the desk instead"
    texts = [row.get(key, "") for key in FIELDS if key not in ("on", "imported")]
    if not all(isinstance(text, str) for text in texts) or not row.get("name"):
        return "a review's fields are texts, and its name is not empty; sign it at the desk"
    if not isinstance(row.get("imported", False), bool):
        return "imported is true, or left out"
    if not articles.ID.match(row.get("question", "")) or not _is_mark(row.get("text", "")):
        return "a review names the question and the mark of its text; sign it at the desk"
    on = row.get("on")
    if type(on) is not datetime.date or on > datetime.date.today():
        return "on must be a day that has been, as 2026-11-22"
    return None


def _is_mark(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-f]{16}", text))


def find_unsealed(
    folder: str | Path, signed: Mapping[str, Iterable[SignOff]], secret: str
) -> list[Fault]:
    """A fault for each review that was not sealed with the site's secret."""
    return [
        Fault(
            str(path_of(folder, id)),
            1,
            (),
            f"the review of {each.question} by {each.name} on {each.on} was not signed at this "
            f"desk, or was changed since; take it out of this file, and have it signed",
        )
        for id, all_signed in signed.items()
        for each in all_signed
        if not is_sealed(each, id, secret)
    ]


def is_sealed(sign_off: SignOff, article_id: str, secret: str) -> bool:
    """Whether a SignOff of an article carries the seal of the site with this secret."""
    made = _seal(sign_off, article_id, secret)
    return hmac.compare_digest(sign_off.seal.encode(), made.encode())


def keep_sealed(signed: Iterable[SignOff], article_id: str, secret: str) -> tuple[SignOff, ...]:
    """Those of an article's SignOffs that carry the seal of the site with this secret."""
    return tuple(each for each in signed if is_sealed(each, article_id, secret))


def make_imported(
    data: Mapping[str, Any], listed: Mapping[str, Article], path: str | Path
) -> tuple[dict[str, list[SignOff]], list[Fault]]:
    """({article's id: SignOffs without a seal}, faults) of reviews that were made before this site
    kept signatures: rows of `{article, question, name, profession, on, note}`."""
    rows, found = data.get("reviews"), dict[str, list[SignOff]]()
    if not isinstance(rows, list):
        return {}, [Fault(str(path), 1, (), "`reviews:` is expected, a list of one review a line")]
    faults: list[Fault] = []
    for n, row in enumerate(map(_name_on, rows), 1):
        article = listed.get(row.get("article", "")) if isinstance(row, dict) else None
        if article is None:
            said = f"review {n} names no article; write `article:` with its id"
            faults.append(Fault(str(path), 1, (), said))
            continue
        rest = {key: value for key, value in row.items() if key not in ("article", "question")}
        asked = row.get("question", "")
        made = [
            {**rest, "question": id, "text": text_mark(article, question), "imported": True}
            for question in article.questions
            if asked in ("", id := question.name.partition(".")[2])
        ]
        wrong = _row_fault(made[0]) if made else f"{article.id} has no question {asked}"
        if wrong:
            faults.append(Fault(str(path), 1, (), f"review {n}: {wrong}"))
        else:
            found.setdefault(article.id, []).extend(SignOff(**each) for each in made)
    return found, faults


def write_sign_offs(article_id: str, signed: Iterable[SignOff]) -> str:
    """The text of an article's file of sign-offs."""
    rows = [
        {key: value for key, value in asdict(each).items() if value not in ("", False)}
        for each in signed
    ]
    body = yaml.safe_dump(
        {"reviews": rows}, sort_keys=False, allow_unicode=True, default_flow_style=False, width=100
    )
    return HEAD.format(id=article_id) + body
