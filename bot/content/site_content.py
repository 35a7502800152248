"""All that editors write, read and checked as a whole: articles, terms, talk, texts, stories, red
flags."""

import dataclasses
import functools
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from bot.content import (
    articles,
    asked_messages,
    evidence,
    facets,
    fixed_texts,
    phrases,
    replies,
    reply_checks,
    sign_offs,
    terms,
    wording,
)
from bot.content.articles import Article, Question
from bot.domain.faults import Fault, make_locate
from bot.domain.reply_kinds import REFUSALS, ReplyKind
from bot.safety import danger_screen

# intents that are no talk, no question
OUTCOMES = (*(kind.value for kind in REFUSALS), replies.ARTICLE_INFO)
FALLBACK = "nlu_fallback"  # asked back, as Rasa calls it
CLARIFY = ReplyKind.CLARIFY.value  # the same, as a reply's kind
PASSAGE = ReplyKind.PASSAGE.value  # comes where no intent is answered
MIN_TALK_TRAIN, MIN_TALK_TEST = 10, 4
# ways of asking a question that are enough with its facet's; and those of its facet that it gets
# however many are its own
ENOUGH, FEWEST = 20, 4


type Said = tuple[str, str]  # the sentence of a Fault, and what is written in the file


@dataclass(frozen=True)
class Talk:
    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class SiteContent:
    """Everything of one content folder. `mentions`: {question: the terms that its section
    names}; `ledgers`: {article: what its sources say}; `signed`: {article: the
    sign-offs of its answers}."""

    folder: str
    articles: dict[str, Article]
    questions: dict[str, Question]
    kinds: dict[str, str]
    names: dict[str, str]
    mentions: dict[str, tuple[str, ...]]
    talk: dict[str, Talk]
    texts: dict[str, Any]  # a text of each name; of those in replies.SEVERAL, {name: text}
    ledgers: dict[str, evidence.Ledger] = field(default_factory=dict)
    signed: dict[str, tuple[sign_offs.SignOff, ...]] = field(default_factory=dict)

    def article_of(self, question: str) -> Article:
        return self.articles[question.partition(".")[0]]

    def review_of(self, question: str) -> sign_offs.Review:
        """What holds of a question's answer: signed, changed since, or not."""
        article = self.article_of(question)
        signed = self.signed.get(article.id, ())
        return sign_offs.review_answer(article, self.questions[question], signed)

    def reviews_of(self, article_id: str) -> list[sign_offs.Review]:
        """What holds of each of an article's answers."""
        return [self.review_of(question.name) for question in self.articles[article_id].questions]


def load_content(folder: str | Path) -> SiteContent:
    """The Content of a folder; raises articles.ContentError with every fault."""
    found, faults = _read(folder)
    if found is None:
        raise articles.ContentError(faults)
    return found


def dump_content(content: SiteContent) -> bytes:
    """The Content as JSON, for `parse`."""
    return TypeAdapter(SiteContent).dump_json(content, warnings="error")


def parse_content(text: str | bytes, folder: str | Path) -> SiteContent:
    """The Content of a folder that was checked before, from what `dump` gave: 0.05 s in place of
    2.2 (2026-11-28)."""
    return dataclasses.replace(TypeAdapter(SiteContent).validate_json(text), folder=str(folder))


def check_content(folder: str | Path, secret: str | None = None) -> list[Fault]:
    """Every fault of a content folder; [] when all is well. Without the site's `secret`, reviews
    are not held against their seals."""
    found, faults = _read(folder)
    return (
        faults
        + (sign_offs.find_unsealed(folder, found.signed, secret) if found and secret else [])
        + _later_text_faults(folder)
        + fixed_texts.find_placeholder_faults(folder)
        + (_trial_faults(found) if found else [])
        + danger_screen.check_rules(Path(folder))
        + _safety_text_faults(folder)
    )


def _trial_faults(found: SiteContent) -> list[Fault]:
    """What a release could not keep of a Content, and replies that it could not give."""
    try:
        kept = parse_content(dump_content(found), found.folder)
    except ValueError as error:  # pydantic's own
        said = "a value of the content can't be kept in a release"
        return [Fault(found.folder, 1, (), said, str(error))]
    return [failure.fault for failure in reply_checks.find_failures(kept)]


def _read(folder: str | Path) -> tuple[SiteContent | None, list[Fault]]:
    listed, faults = articles.read_articles(folder)
    ledgers, found = evidence.read_all(folder, listed)
    signed, unread = sign_offs.read_all(folder, listed)
    faults += found + unread
    kinds, names, found = terms.read_terms(folder)
    faults += found
    talk, found = read_talk(folder)
    faults += found
    listed, found = phrases.read_all(folder, listed)
    faults += found
    texts, found = read_texts(folder)
    faults += found
    faults += unknown_terms(listed, kinds) if kinds else []
    faults += title_faults(listed)
    faults += _repeated_talk(folder, listed, talk)
    asked = {question.name for article in listed for question in article.questions}
    faults += asked_messages.read_asked_messages(folder, asked)[1]
    faults += facets.read_facet_phrases(folder, listed)[1]
    faults += _stories_faults(folder, listed, talk)
    if faults:
        return None, faults
    find = terms.keep_finder(kinds, names)
    questions = {question.name: question for article in listed for question in article.questions}
    mentions = {question.name: _keep_named_terms(question, find) for question in questions.values()}
    return SiteContent(
        folder=str(folder),
        articles={article.id: article for article in listed},
        questions=questions,
        kinds=kinds,
        names=names,
        mentions=mentions,
        talk=talk,
        texts=texts,
        ledgers=ledgers,
        signed=signed,
    ), []


@functools.lru_cache(maxsize=4096)  # some 300 questions in fifteen articles
def _keep_named_terms(question: Question, find: terms.Finder) -> tuple[str, ...]:
    """As named_terms, in order; for the finder that is kept."""
    return tuple(sorted(named_terms(question, find)))


def named_terms(question: Question, find: terms.Finder) -> set[str]:
    """The terms that a question's wording and section name, and what it is about."""
    text = f"{question.ask} {question.title} {question.lead} {question.more}"
    return {mention.term for mention in find(text)} | set(question.about)


def read_asked(content: SiteContent) -> list[asked_messages.AskedMessage]:
    """What other hands asked, and the phrases of facets in every article, without what a phrase of
    the Content says already. A question that has phrases of its own needs few of its facet's, and
    gets others than the next article's."""
    own = [phrase for each in content.questions.values() for phrase in each.taught + each.test]
    own += [phrase for each in content.talk.values() for phrase in each.train + each.test]
    said = set(map(articles.normalise_phrase, own))
    new = [
        row for row in read_all_asked(content) if articles.normalise_phrase(row.text) not in said
    ]
    shared: dict[str, list[asked_messages.AskedMessage]] = {}
    for row in new:
        if row.asks and not row.hand:
            shared.setdefault(row.asks[0], []).append(row)
    left_out = {
        id(row)
        for place, (name, rows) in enumerate(shared.items())
        for row in _beyond(rows, ENOUGH - len(content.questions[name].train), place)
    }
    return [row for row in new if id(row) not in left_out]


def _beyond[Row](rows: list[Row], wanted: int, place: int) -> list[Row]:
    """The rows but for so many, at least FEWEST, that are spread over them from some `place` on."""
    kept = max(FEWEST, wanted)
    if len(rows) <= kept:
        return []
    spread = {(place + n * len(rows) // kept) % len(rows) for n in range(kept)}
    return [row for n, row in enumerate(rows) if n not in spread]


def read_all_asked(content: SiteContent) -> list[asked_messages.AskedMessage]:
    """As read_asked, with what a phrase says too: it stays the same where a phrase changes."""
    return [
        *asked_messages.read_asked_messages(content.folder, set(content.questions))[0],
        *facets.read_facet_phrases(content.folder, content.articles.values())[0],
    ]


def read_talk(folder: str | Path) -> tuple[dict[str, Talk], list[Fault]]:
    path = Path(folder, "talk.yml")
    if not path.is_file():
        return {}, [Fault(str(path), 1, (), *articles.MISSING)]
    data, lines, faults = articles.read_yaml(path.read_text(encoding="utf-8"), path)
    if data is None:
        return {}, faults

    at = make_locate(path, lines)
    talk: dict[str, Talk] = {}
    for intent, lists in data.items():
        if not isinstance(lists, dict) or set(lists) != {"train", "test"}:
            said = f"{intent} needs two lists of phrases: some that train, some that test"
            faults.append(Fault(*at(intent), said, "and nothing else"))
            continue
        found = articles.phrase_faults(
            lists["train"],
            partial(at, intent),
            ("train",),
            MIN_TALK_TRAIN,
        ) + articles.phrase_faults(lists["test"], partial(at, intent), ("test",), MIN_TALK_TEST)
        faults += found
        if not found:
            talk[intent] = Talk(tuple(lists["train"]), tuple(lists["test"]))
    faults += [
        Fault(str(path), 1, (outcome,), f"{outcome} has no phrases; add it with train and test")
        for outcome in (*OUTCOMES, *replies.TALK)
        if outcome not in data
    ]
    return talk, faults


def read_texts(folder: str | Path) -> tuple[dict[str, Any], list[Fault]]:
    path = Path(folder, "texts.yml")
    if not path.is_file():
        return {}, [Fault(str(path), 1, (), *articles.MISSING)]
    data, lines, faults = articles.read_yaml(path.read_text(encoding="utf-8"), path)
    if data is None:
        return {}, faults
    faults += [
        Fault(
            str(path),
            lines[(key,)],
            (key,),
            *(
                (f"{key} must be several texts", f"`name: text` lines below `{key}:`")
                if key in replies.SEVERAL
                else (f"{key} must be one text",)
            ),
        )
        for key, text in data.items()
        if isinstance(text, dict) != (key in replies.SEVERAL) or text == {}
    ]
    for key, text in data.items():
        for name, part in text.items() if isinstance(text, dict) else [(None, text)]:
            line = lines.get((key, name), lines[(key,)])
            place = str(path), line, (key,) if name is None else (key, name)
            if not isinstance(part, str) or not part.strip():
                faults.append(Fault(*place, f"{key} needs a text"))
            else:
                plain = re.sub(r"[{}<>]", "", part)  # what is filled in is named like a word
                faults += [
                    Fault(*place, said, f"in the text {key}")
                    for said in wording.wording_faults(plain)
                ]
    faults += _missing_texts(path, data, replies.TEXTS)
    read_as = data.get("read_as", {})
    faults += [
        Fault(
            str(path),
            lines.get(("read_as",), 1),
            ("read_as", str(kind)),
            f"read_as has no text for {kind}",
            f"write `{kind}: ...` below it",
        )
        for kind in evidence.Read
        if "read_as" in data and (not isinstance(read_as, dict) or kind not in read_as)
    ]
    return data, faults


def _missing_texts(path: Path, data: Container[str], wanted: Iterable[str]) -> list[Fault]:
    return [
        Fault(str(path), 1, (key,), f"the text {key} is missing; write it", f"as `{key}: ...`")
        for key in wanted
        if key not in data
    ]


def _later_text_faults(folder: str | Path) -> list[Fault]:
    """Texts that are missing of those that came later: of the messaging channels, of
    conversations, and below what a source says; a release from before there were any still
    loads."""
    path = Path(folder, "texts.yml")
    data = articles.read_yaml(path.read_text(encoding="utf-8"), path)[0] if path.is_file() else None
    later = (*replies.CHANNEL_TEXTS, *replies.CONVERSATION_TEXTS, *replies.SOURCE_TEXTS)
    return _missing_texts(path, data, later) if data else []


def title_faults(listed: Iterable[Article]) -> list[Fault]:
    """Wordings in titles, which stand above answers and on buttons."""
    listed = list(listed)
    faults = [
        Fault(article.path, 1, ("title",), f'"{article.title}": {said}')
        for article in listed
        for said in wording.wording_faults(article.title)
    ]
    return faults + [
        Fault(
            article.path,
            question.line,
            ("questions", question.name.partition(".")[2], field),
            f'"{text}": {said}',
        )
        for article in listed
        for question in article.questions
        for field, text in (("ask", question.ask), ("heading", question.title))
        for said in wording.wording_faults(text)
    ]


SAFETY_TEXTS = {"texts": ("text", "more", "open", "no_line"), "kinds": ("warning",)}
FILLED_LATER = re.compile(r"\{(emergency|crisis|open)\}")


def _safety_text_faults(folder: str | Path) -> list[Fault]:
    """Wordings in the answers to a danger that must not reach anybody."""
    path = Path(folder, "safety.yml")
    data, lines, faults = (
        articles.read_yaml(path.read_text(encoding="utf-8"), path)
        if path.is_file()
        else (None, {}, [])
    )
    if data is None or not isinstance(data.get("texts"), dict):
        return []  # danger_screen.check_rules names it
    kinds = data.get("kinds")
    return [
        Fault(str(path), lines[(section, name)], (section, name, part), f"{name}, {part}: {said}")
        for section, entries in (("texts", data["texts"]), ("kinds", kinds))
        if isinstance(entries, dict)
        for name, entry in entries.items()
        if isinstance(entry, dict)
        for part in SAFETY_TEXTS[section]
        for said in wording.wording_faults(FILLED_LATER.sub("112", str(entry.get(part) or "")))
    ]


def unknown_terms(listed: Iterable[Article], kinds: Container[str]) -> list[Fault]:
    faults = []
    for article in listed:
        if article.about not in kinds:
            said = f"“{article.about}” is not a term of the terms list; add it there"
            faults.append(Fault(article.path, 1, ("about",), said, "the list is data/terms.yml"))
        faults += [
            Fault(
                article.path,
                question.line,
                ("questions", question.name.partition(".")[2], "about"),
                f"{question.name} is about {term}, which is not a term of the terms list; add it "
                f"there",
                "the list is data/terms.yml",
            )
            for question in article.questions
            for term in question.about
            if term not in kinds and term != article.about
        ]
    return faults


def talk_places(talk: Mapping[str, Talk]) -> dict[str, phrases.Place]:
    """{normalised phrase: where it stands} of what is said outside the articles."""
    return {
        articles.normalise_phrase(phrase): phrases.Place(f"{intent} of the talk", "talk.yml")
        for intent, both in talk.items()
        for phrase in both.train + both.test
    }


def _repeated_talk(
    folder: str | Path, listed: Iterable[Article], talk: Mapping[str, Talk]
) -> list[Fault]:
    """Phrases of talk.yml that stand twice, or among those of a question as well."""
    places = {
        articles.normalise_phrase(phrase): question.name
        for article in listed
        for question in article.questions
        for phrase in question.train + question.test
    }
    faults = list[Fault]()
    path = str(Path(folder, "talk.yml"))
    for intent, both in talk.items():
        here = f"{intent} of the talk"
        for use, listed_there in (("train", both.train), ("test", both.test)):
            for i, phrase in enumerate(listed_there):
                other = places.setdefault(articles.normalise_phrase(phrase), here)
                if other != here or (both.train + both.test).count(phrase) > 1:
                    said = f'"{phrase}" stands in {other} too; keep it in one place'
                    faults.append(Fault(path, 1, (intent, use, i), said, f"it is in {intent}"))
    return faults


def _stories_faults(
    folder: str | Path, listed: Iterable[Article], talk: Mapping[str, Talk]
) -> list[Fault]:
    """Rules, stories and test conversations that name what nothing teaches."""
    known = (
        {question.name for article in listed for question in article.questions}
        | set(talk)
        | {FALLBACK}
    )
    faults = []
    for name in ("rules.yml", "stories.yml"):
        path = Path(folder, name)
        if path.is_file():
            faults += story_faults(path.read_text(encoding="utf-8"), path, known)
        else:
            faults.append(Fault(str(path), 1, (), *articles.MISSING))
    path = Path(folder, "conversations.yml")
    return faults + (
        conversation_faults(path.read_text(encoding="utf-8"), path, known) if path.is_file() else []
    )


def story_faults(text: str, path: str | Path, known: Set[str]) -> list[Fault]:
    """What is wrong with the text of rules.yml or stories.yml; `known`: the intents that there
    are."""
    data, lines, faults = articles.read_yaml(text, path)
    for group in ("rules", "stories"):
        for i, story in enumerate(_items(data, group)):
            steps = _items(story, "steps")
            if not steps:
                one = group.replace("ies", "y").removesuffix("s")
                write = f"write `{one}: its name` and `steps`"
                said = "a story needs a name and steps"
                faults.append(Fault(str(path), lines[(group, i)], (group, i), said, write))
            for j, step in enumerate(steps):
                after = steps[j + 1] if j + 1 < len(steps) else None
                faults += [
                    Fault(
                        str(path),
                        lines[(group, i, "steps", j)],
                        (group, story.get(group.replace("ies", "y").removesuffix("s")), "steps", j),
                        *said,
                    )
                    for said in _step_faults(group, step, after, known)
                ]
    return faults


def _step_faults(
    group: str, step: Mapping[Any, Any], after: Mapping[Any, Any] | None, known: Set[str]
) -> Iterator[Said]:
    """What is wrong with one step of a rule or story; `after`: the next one."""
    intent, offer = step.get("intent"), step.get("offer", [])
    unknown = [name for name in _intents(step) if name not in known]
    for name in unknown:
        yield (
            f"the intent {name} is not known; choose a question that there is",
            "name one as article.question, or an intent of talk.yml",
        )
    if (
        not unknown
        and "." in str(intent)
        and after is not None
        and after.get("action") != "action_answer"
    ):
        yield "a question must be answered", "write `- action: action_answer` below it"
    if "says" in step and (
        group != "stories" or intent is None or not isinstance(step["says"], str)
    ):
        yield (
            "what the visitor says must stand beside its question",
            'says belongs beside an `intent` of a story, as `says: "how somebody would ask it"`',
        )
    if "offer" in step and (
        group != "stories"
        or step.get("action") != "action_answer"
        or not isinstance(offer, list)
        or not offer
    ):
        yield (
            "what is offered must stand beside an answer",
            "offer belongs beside `action: action_answer` of a story, as `offer: "
            "[article.question, ...]`",
        )
    else:
        yield from _offer_faults(offer, known)


def _intents(step: Mapping[Any, Any]) -> list[object]:
    """What the visitor may say in a step: one thing, or any of several."""
    either = step["or"] if isinstance(step.get("or"), list) else [step]
    return [each["intent"] for each in either if isinstance(each, dict) and "intent" in each]


def _offer_faults(offered: Iterable[object], known: Set[str]) -> Iterator[Said]:
    for name in offered:
        if "." not in str(name) or name not in known:
            yield f"{name} can't be offered, it is no question", "name one as article.question"


def conversation_faults(text: str, path: str | Path, known: Set[str]) -> list[Fault]:
    """What is wrong with the text of conversations.yml."""
    data, lines, faults = articles.read_yaml(text, path)
    for i, conversation in enumerate(_items(data, "conversations")):
        turns = _items(conversation, "turns")
        if not turns or not conversation.get("conversation"):
            said = "a test conversation needs a name and messages"
            write = "write `conversation: its name` and `turns`"
            place = ("conversations", i)
            faults.append(Fault(str(path), lines[place], place, said, write))
        for j, turn in enumerate(turns):
            faults += [
                Fault(
                    str(path),
                    lines[("conversations", i, "turns", j)],
                    ("conversations", conversation.get("conversation"), "turns", j),
                    *said,
                )
                for said in _turn_faults(turn, known)
            ]
    return faults


def _turn_faults(turn: Mapping[Any, Any], known: Set[str]) -> Iterator[Said]:
    """What is wrong with one turn of a test conversation."""
    gets, offers = turn.get("question", turn.get("kind")), turn.get("offers", [])
    if (
        not isinstance(turn.get("ask", ""), str)
        or not turn.get("ask", "").strip()
        and "question" not in turn
    ):
        yield "say what the visitor writes", 'as `ask: "and the side effects?"`'
    if (
        gets not in known - {FALLBACK} | {CLARIFY, PASSAGE}
        or ("question" in turn) != ("." in str(gets))
        or "question" in turn
        and "kind" in turn
    ):
        yield (
            "say what must come",
            "`question: article.question`, or `kind:` with an intent of talk.yml, "
            f"{CLARIFY} or {PASSAGE}",
        )
    yield from _offer_faults(offers if isinstance(offers, list) else [offers], known)


def _items(data: object, key: str) -> list[dict[Any, Any]]:
    """The mappings of a list below `key`."""
    found = data.get(key) if isinstance(data, dict) else None
    return (
        [item if isinstance(item, dict) else {} for item in found]
        if isinstance(found, list)
        else []
    )
