"""Replies: the dicts that bot/content/reply_model.py describes, built from content alone. Whoever
sends one
gives it its id."""

from __future__ import annotations

import datetime
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.content import articles, evidence, passages
from bot.content.sign_offs import Review, State
from bot.domain.reply_kinds import ReplyKind

if TYPE_CHECKING:  # which itself reads the names of the texts here
    from bot.content.articles import Article, Source
    from bot.content.site_content import SiteContent

type Reply = dict[str, Any]  # of what reply_model.Reply has, all but the id; or a part of it
type Choice = dict[str, str]  # {title, value}
type Ranking = Sequence[tuple[str, float]]  # intents with their confidences

# every fixed text that must stand in data/texts.yml
TEXTS = (
    "notice",
    "disclaimer",
    "not_reviewed",
    "reviewed",
    "reviewed_before",
    "reviewed_partly",
    "changed_since_review",
    "review_overdue",
    "under_review",
    "feedback_ask",
    "feedback_yes",
    "feedback_no",
    "feedback_why",
    "feedback_reasons",
    "feedback_thanks",
    "clarify",
    "clarify_which",
    "none_of_these",
    "none_of_these_reply",
    "follow_up_unclear",
    "another_question",
    "more",
    "not_covered",
    "not_covered_term",
    "not_covered_facet",
    "personal_advice",
    "out_of_scope",
    "unavailable",
    "emergency_hint",
    "emergency_line",
    "distress",
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
    "article_info",
    "evidence_held",
    "evidence_partly",
    "evidence_none",
    "read_as",
    "text_empty",
    "text_too_long",
    "text_unreadable",
    "too_many",
    "busy",
    "session_ended",
    "wrong_request",
)
SEVERAL = ("feedback_reasons", "read_as")  # of them, which hold a text for each of several names
# those that only the messaging channels need
CHANNEL_TEXTS = (
    "read_page",
    "choose",
    "reply_number",
    "cant_read",
    "words_only",
    "old_button",
    "stopped",
    "help_sms",
)
# those of conversations, which a release of before 2026-12 has not
CONVERSATION_TEXTS = (
    "clarify_one",
    "which_one",
    "clarify_again",
    "not_covered_again",
    "personal_advice_again",
    "out_of_scope_again",
    "personal_diagnosis",
    "personal_life",
    "personal_general",
    "afraid",
    "not_covered_held",
    "passage",
    "passage_unsure",
    "said_before",
    "speaks_of",
    "no_more",
    "not_meant",
)
# those that tell how sources were read, which a release of before 2026-12 has not
SOURCE_TEXTS = ("source_checked", "source_version", "no_version", "evidence_partly_one")
TALK = (
    "greeting",
    "thanks",
    "goodbye",
    "help",
    "bot_identity",
    "about_me",
    "forget_me",
    "terms_of_use",
    "give_feedback",
    "distress",
)
PERSONAL = ReplyKind.PERSONAL_ADVICE.value  # the text of the usual refusal
DISTRESS = "distress"  # grief, fear and despair without danger
NONE_OF_THESE = "none_of_these"
ARTICLE_INFO = articles.MADE_BY_US
CHOICES = 3
FITTING = 2  # choices that stand below a refusal at least
CONDITIONS = 15  # that a text names before it says "and more"
MOST_CONDITIONS = 20  # that are choices, where any may be meant
NEAR = 0.4  # a question is offered as meant from this share of the likeliest one's confidence


@dataclass(frozen=True)
class AnswerSection:
    """What an answer says: the name of its question, a title, the text, what "More" adds, and the
    sources on which they rest."""

    name: str
    title: str
    text: str
    more: str
    sources: list[Reply]


def answer_question(
    content: SiteContent,
    name: str,
    today: datetime.date,
    confidence: float,
    asked: Sequence[str] = (),
    also: str | None = None,
    offered: Sequence[str] = (),
) -> Reply:
    """The answer to a question, with its sources, review, disclaimer, feedback prompt and the next
    questions; once its article is withdrawn, `not_covered` instead.

    `asked`: names of questions answered in this conversation; `also`: of one that the message asked
    as well; `offered`: of those that a story offers next."""
    question, article = content.questions[name], content.article_of(name)
    review = content.review_of(name)
    if review.timeliness(today) == "withdrawn":
        return {"kind": ReplyKind.NOT_COVERED, "text": content.texts["under_review"]}
    section = AnswerSection(
        name,
        question.ask,
        question.lead,
        question.more,
        sources_of(content, article, f"{question.lead}\n\n{question.more}"),
    )
    choices = next_questions(content, name, asked, also, offered)
    said = _tell_review(content, review, today)
    return _answer(content, article, section, confidence, said, choices)


def offer_instead(
    content: SiteContent, reply: Reply, names: Sequence[str], kept: Container[str | None] = ()
) -> Reply:
    """An answer that may not be meant, with the questions in `names` offered in its place, and of
    those that could come next the `kept` ones alone."""
    if not names or reply["kind"] != ReplyKind.ANSWER:
        return reply
    next = [choice for choice in reply["choices"] if choice["value"] in kept]
    return {**reply, "instead": _choices(content, names), "choices": next}


def offered_choices(reply: Reply) -> list[Choice]:
    """All that may be taken below a reply, in the order in which it stands there."""
    return [*(reply.get("instead") or ()), *(reply.get("choices") or ())]


def quote_passage(
    content: SiteContent,
    name: str,
    place: int,
    today: datetime.date,
    confidence: float,
    is_sure: bool,
    near: Sequence[str] = (),
) -> Reply | None:
    """The sentence at a place of a question's section with those beside it, word for word, with the
    sources of just these, and the question itself as the first choice; None once the section is
    withdrawn, and where the release is from before it had the words.

    `near`: names of other questions that may have been meant."""
    question, article = content.questions[name], content.article_of(name)
    review = content.review_of(name)
    said = content.texts.get("passage" if is_sure else "passage_unsure")
    if said is None or review.timeliness(today) == "withdrawn":
        return None
    quoted = passages.quote_sentence(question, place)
    sources = sources_of(content, article, quoted)
    section = AnswerSection(name, question.title, quoted, "", sources)
    names = list(dict.fromkeys([name, *near, *related_questions(content, name)]))
    choices = _choices(content, names)
    told = _tell_review(content, review, today)
    made = _answer(content, article, section, confidence, told, choices)
    shown = {key: made[key] for key in made if key not in ("question", "more")}
    note = fill_placeholders(said, section=question.title)
    return {**shown, "kind": ReplyKind.PASSAGE, "section": name, "note": note}


def say_again(content: SiteContent, reply: Reply) -> Reply:
    """An answer that this conversation had before, with a sentence that says so."""
    note = content.texts.get("said_before")
    return {**reply, "note": note} if note and reply["kind"] == ReplyKind.ANSWER else reply


def say_where(content: SiteContent, reply: Reply, word: str) -> Reply:
    """An answer, with a sentence that it speaks of this word."""
    note = content.texts.get("speaks_of")
    return (
        {**reply, "note": fill_placeholders(note, word=word)}
        if note and reply["kind"] == ReplyKind.ANSWER
        else reply
    )


def rest_of_answer(
    content: SiteContent, name: str, today: datetime.date, asked: Sequence[str] = ()
) -> Reply:
    """What an answer says on "More", as an answer of its own."""
    reply = answer_question(content, name, today, 1.0, asked)
    if not reply.get("more"):
        return reply
    return {**reply, "text": reply["more"], "more": ""}


def article_info(
    content: SiteContent,
    article_id: str,
    today: datetime.date,
    confidence: float,
    asked: Sequence[str] = (),
) -> Reply:
    """The answer to "who wrote this, from what, and when, and how was it checked", made from the
    article's front matter and its ledger."""
    article = content.articles[article_id]
    text = fill_placeholders(
        content.texts["article_info"],
        title=article.title,
        written_by=article.written_by,
        written_on=format_day(article.written_on),
        reviewed=describe_reviews(content, article_id),
        checked=_checked(content, article),
        sources="; ".join(source.title for source in article.sources),  # a text of before 2026-11
    )
    sources = [_source(content, article, source, {}) for source in article.sources]
    section = AnswerSection(f"{article_id}.{ARTICLE_INFO}", article.title, text, "", sources)
    choices = next_questions(content, section.name, asked)
    late = late_note(content, article_id, today)
    told = _sentences(describe_reviews(content, article_id), late)
    said = {"reviewed_by": None, "reviewed_on": None, "review": told}
    return _answer(content, article, section, confidence, said, choices)


def ask_back(content: SiteContent, ranking: Ranking, named: Iterable[str] = ()) -> Reply:
    """Two or three close questions as choices, in the editor's wording; without any, how to ask
    better."""
    return _ask_back(content, "clarify", near_questions(content, ranking, named))


def clarify_between(content: SiteContent, names: Sequence[str]) -> Reply:
    """The questions in `names`, between which the words don't decide, as choices."""
    return _ask_back(content, "clarify", names[: CHOICES + 1])


def clarify_which(content: SiteContent, names: Sequence[str]) -> Reply:
    """Which condition is meant, as choices: the same question about each."""
    return _ask_back(content, "clarify_which", names[:MOST_CONDITIONS])


def clarify_article(content: SiteContent, facet_name: str) -> Reply:
    """Which article's question is meant, as choices: `facet_name` is the part of the name that they
    share."""
    choices = [
        {"title": article.title, "value": f"{article.id}.{facet_name}"}
        for article in content.articles.values()
    ]
    return {
        "kind": ReplyKind.CLARIFY,
        "text": content.texts["clarify_which"],
        "choices": choices[:MOST_CONDITIONS],
    }


def not_covered(
    content: SiteContent, ranking: Ranking, foreign: str | None = None, named: Iterable[str] = ()
) -> Reply:
    """Nothing here answers it: names the term that isn't covered, and what is nearby."""
    text = (
        fill_placeholders(
            content.texts["not_covered_term"], term=foreign, covered=covered_conditions(content)
        )
        if foreign
        else fill_placeholders(content.texts["not_covered"], covered=covered_conditions(content))
    )
    return {
        "kind": ReplyKind.NOT_COVERED,
        "text": text,
        "choices": _choices(content, near_questions(content, ranking, named)),
    }


def not_covered_facet(
    content: SiteContent, term: str, names: Sequence[str], asked: Container[str] = ()
) -> Reply:
    """No question answers this side of a term; those in `names` answer others."""
    new = [name for name in names if name not in asked]
    return {
        "kind": ReplyKind.NOT_COVERED,
        "text": fill_placeholders(content.texts["not_covered_facet"], term=term),
        "choices": _choices(content, new or names),
    }


def not_covered_held(content: SiteContent, word: str, names: Sequence[str]) -> Reply | None:
    """No question asks this, but the sections of `names`, which are one article's, speak of
    `word`; None where the release is from before it had the words."""
    if "not_covered_held" not in content.texts:
        return None
    title = content.article_of(names[0]).title
    return {
        "kind": ReplyKind.NOT_COVERED,
        "text": fill_placeholders(content.texts["not_covered_held"], article=title, word=word),
        "choices": _choices(content, names),
    }


def personal_advice(
    content: SiteContent,
    ranking: Ranking,
    named: Iterable[str] = (),
    text: str = PERSONAL,
    afraid: bool = False,
) -> Reply:
    """Asks for a decision about one person: declined in the words of `text`, after a kind sentence
    where somebody is afraid, with general questions that are near."""
    words = content.texts.get(text, content.texts[PERSONAL])
    if afraid and "afraid" in content.texts:
        words = f"{content.texts['afraid']} {words}"
    return {
        "kind": ReplyKind.PERSONAL_ADVICE,
        "text": words,
        "choices": _choices(content, near_questions(content, ranking, named)),
    }


def out_of_scope(content: SiteContent) -> Reply:
    return {
        "kind": ReplyKind.OUT_OF_SCOPE,
        "text": fill_placeholders(
            content.texts["out_of_scope"], covered=covered_conditions(content)
        ),
    }


def fill_up(content: SiteContent, reply: Reply, names: Iterable[str]) -> Reply:
    """A refusal with at least FITTING choices: its own, then the questions in `names`."""
    choices = reply.get("choices") or []
    taken = {choice["value"] for choice in choices}
    new = [name for name in dict.fromkeys(names) if name not in taken]
    if len(choices) >= FITTING:
        return reply
    if reply["kind"] == ReplyKind.CLARIFY and choices:  # "none of these" is the last
        return reply
    return {**reply, "choices": [*choices, *_choices(content, new, CHOICES - len(choices))]}


def vary_refusal(content: SiteContent, reply: Reply) -> Reply:
    """A refusal in other words than those that came before it."""
    return {**reply, "text": content.texts.get(f"{reply['kind']}_again", reply["text"])}


def talk_reply(content: SiteContent, topic: str, article_id: str | None = None) -> Reply:
    """The fixed text of a talk intent; `topic` is one of TALK."""
    key = "forget_me_confirm" if topic == "forget_me" else topic
    here = content.articles.get(article_id or "") if topic == "greeting" else None
    about = here.about if here else covered_conditions(content)
    reply: Reply = {
        "kind": ReplyKind.TALK,
        "topic": topic,
        "text": fill_placeholders(content.texts[key], covered=about),
    }
    if topic == "forget_me":
        reply["choices"] = [
            {"title": content.texts["forget_me_yes"], "value": "forget_me_yes"},
            {"title": content.texts["forget_me_no"], "value": "forget_me_no"},
        ]
    if topic in ("greeting", "help", DISTRESS):
        reply["choices"] = starter_choices(content, article_id)
    return reply


def starter_choices(content: SiteContent, article_id: str | None = None) -> list[Choice]:
    """Questions to begin with: the first of the article, or of each article."""
    most = CHOICES + 1
    articles = (
        [content.articles[article_id]]
        if article_id in content.articles
        else list(content.articles.values())[:most]
    )
    names = [
        article.questions[i].name
        for i in range(most)
        for article in articles
        if i < len(article.questions)
    ]
    return _choices(content, names[:most], most=most)


def next_questions(
    content: SiteContent,
    name: str,
    asked: Iterable[str],
    also: str | None = None,
    offered: Iterable[str] = (),
) -> list[Choice]:
    """Up to three next questions as choices: what was asked as well, what a story offers, then what
    is related."""
    done = {name, *asked}
    names = dict.fromkeys(
        other
        for other in (*offered, *related_questions(content, name))
        if other not in done and other != also
    )
    choices = _choices(content, [also, *names] if also else list(names))
    if also:
        choices[0]["title"] = f"{content.texts['another_question']} {choices[0]['title']}"
    return choices


def related_questions(content: SiteContent, name: str) -> list[str]:
    """The other questions of the article, those that people ask next first.

    From a medicine: about the same medicine, then the same side of other medicines. From the
    condition: about the condition. Within each in the article's order, from this question on:
    editors put what comes first first."""
    article = content.article_of(name)
    order = [question.name for question in article.questions]
    here = order.index(name) if name in order else -1
    question = content.questions.get(name)
    about, facets = (
        (set(question.about) - {article.about}, set(question.facets))
        if question
        else (set(), set())
    )
    own = question is None or article.about in question.about

    def distance(other: str) -> tuple[int, int]:
        that = content.questions[other]
        if own:
            group = int(article.about not in that.about)
        else:
            group = (
                0
                if about & set(that.about)
                else 1
                if facets & set(that.facets) and article.about not in that.about
                else 2
            )
        return group, (order.index(other) - here) % len(order)

    return sorted((other for other in order if other != name), key=distance)


def near_questions(content: SiteContent, ranking: Ranking, named: Iterable[str] = ()) -> list[str]:
    """Names of the up to three questions that may have been meant: near the likeliest, and knowing
    a named term."""
    known = [(name, confidence) for name, confidence in ranking if name in content.questions]
    if named:
        known = [
            (name, confidence)
            for name, confidence in known
            if set(named) & set(content.mentions[name])
        ] or known
    least = NEAR * max((confidence for _, confidence in known), default=0)
    return [name for name, confidence in known if confidence >= least][:CHOICES]


def covered_conditions(content: SiteContent) -> str:
    """What the articles are about, in words: "myoclonus, hiccups and tremor"."""
    names = [article.about for article in list(content.articles.values())[: CONDITIONS + 1]]
    if len(names) > CONDITIONS:
        return ", ".join(names[:CONDITIONS]) + " and more"
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def describe_review(content: SiteContent, review: Review) -> str:
    """Who signed an answer, and when, or that it has changed since or was never signed, as a
    text."""
    signed = review.sign_off
    if signed is None:
        unsigned: str = content.texts["not_reviewed"]
        return unsigned
    name = "changed_since_review"
    if review.state == State.SIGNED:
        name = "reviewed_before" if signed.imported else "reviewed"
    return fill_placeholders(
        content.texts[name], reviewed_by=signed.signer, reviewed_on=format_day(signed.on)
    )


def describe_reviews(content: SiteContent, article_id: str) -> str:
    """What holds of an article's answers together, as a text: the same of all, or how many are
    signed."""
    reviews = content.reviews_of(article_id)
    said = list(dict.fromkeys(describe_review(content, review) for review in reviews))
    if len(said) == 1:
        return said[0]
    signed = sum(review.state == State.SIGNED for review in reviews)
    text = str(content.texts["reviewed_partly"])
    return fill_placeholders(text, count=signed, all=len(reviews))


def late_note(content: SiteContent, article_id: str, today: datetime.date) -> str | None:
    """The text that tells since when a review of an article's answers is overdue; None in time."""
    late = [
        review.due
        for review in content.reviews_of(article_id)
        if review.timeliness(today) != "current"
    ]
    return overdue_note(content, min(late)) if late else None


def overdue_note(content: SiteContent, due: datetime.date) -> str:
    """The text that tells since when a review is overdue."""
    return fill_placeholders(content.texts["review_overdue"], date=format_day(due))


def _tell_review(content: SiteContent, review: Review, today: datetime.date) -> Reply:
    """What an answer says of its review: the signer and the day, where its words are signed, and
    what else is to be said, or None."""
    late = overdue_note(content, review.due) if review.timeliness(today) != "current" else None
    signed = review.sign_off
    if signed is None or review.state != State.SIGNED or signed.imported:
        said = _sentences(describe_review(content, review), late)
        return {"reviewed_by": None, "reviewed_on": None, "review": said}
    on = signed.on.isoformat()
    return {"reviewed_by": signed.signer, "reviewed_on": on, "review": late}


def _sentences(text: str, late: str | None) -> str:
    return f"{text}. {late}" if late else text


def fill_placeholders(text: str, **values: object) -> str:
    """`text` with each {name} replaced by its value."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def format_day(date: datetime.date) -> str:
    """A date as visitors read it: 22 November 2026."""
    return f"{date.day} {date:%B %Y}"


def sources_of(content: SiteContent, article: Article, text: str) -> list[Reply]:
    """The sources on which a text of an article rests, each with what it says about the text's
    statements."""
    ledger = content.ledgers.get(article.id)
    says: dict[int, list[Reply]] = {}
    for statement in evidence.of_text(text, ledger) if ledger else ():
        for each in statement.entry.evidence if statement.entry else ():
            said = {"statement": statement.says, "where": each.where, "states": each.states}
            says.setdefault(each.source, []).append({**said, "verdict": each.verdict.value})
    return [_source(content, article, source, says) for source in article.sources_of(text)]


def _source(
    content: SiteContent, article: Article, source: Source, says: Mapping[int, list[Reply]]
) -> Reply:
    ledger = content.ledgers.get(article.id)
    reading = ledger.readings.get(source.n) if ledger else None
    return {
        "n": source.n,
        "title": source.title,
        "publisher": source.publisher,
        "url": source.url,
        "read": content.texts["read_as"][reading.read] if reading else None,
        "version": reading.version.isoformat() if reading and reading.version else None,
        "checked": _dated(content, reading) if reading else None,
        "says": says.get(source.n, []),
    }


def _dated(content: SiteContent, reading: evidence.Reading) -> str | None:
    """The date of the version of a source that was read, how it was read, and when, as a text."""
    texts = content.texts
    if "source_checked" not in texts:  # a release of before 2026-12
        return None
    return fill_placeholders(
        texts["source_checked"],
        version=fill_placeholders(texts["source_version"], date=format_day(reading.version))
        if reading.version
        else texts["no_version"],
        read=texts["read_as"][reading.read],
        on=format_day(reading.on),
    )


def _checked(content: SiteContent, article: Article) -> str:
    """How the article's statements were held against its sources, as a text."""
    ledger = content.ledgers.get(article.id)
    if ledger is None:
        return str(content.texts.get("evidence_none", ""))
    figures = evidence.summarise_evidence(article, ledger)
    partly = figures.verdicts.get(evidence.Verdict.PARTLY, 0)
    return fill_placeholders(
        content.texts["evidence_held"],
        statements=figures.statements,
        held=figures.held,
        on=format_day(figures.last) if figures.last else "",
        sources=len(article.sources),
        read=", ".join(
            f"{count} {'was' if count == 1 else 'were'} {content.texts['read_as'][kind]}"
            for kind, count in figures.reads.items()
        ),
        partly=_partly(content.texts, partly),
    )


def _partly(texts: Mapping[str, Any], count: int) -> str:
    """How many statements stand in their source only in part, as a text; nothing for none."""
    if count == 1 and "evidence_partly_one" in texts:
        return f"{texts['evidence_partly_one'].rstrip()} "
    return f"{fill_placeholders(texts['evidence_partly'], count=count).rstrip()} " if count else ""


def _answer(
    content: SiteContent,
    article: Article,
    section: AnswerSection,
    confidence: float,
    reviewed: Reply,
    choices: list[Choice],
) -> Reply:
    return {
        "kind": ReplyKind.ANSWER,
        "text": section.text,
        "more": section.more,
        "question": section.name,
        "title": section.title,
        "article": {
            "id": article.id,
            "title": article.title,
            "url": article.url or f"/articles/{article.id}",
            "written_by": article.written_by,
            "written_on": article.written_on.isoformat(),
            **reviewed,
            "revision": article.revision,
        },
        "sources": section.sources,
        "disclaimer": content.texts["disclaimer"],
        "feedback": {
            "ask": content.texts["feedback_ask"],
            "reasons": content.texts["feedback_reasons"],
        },
        "choices": choices,
        "confidence": round(confidence, 4),
    }


def _ask_back(content: SiteContent, text: str, names: Sequence[str]) -> Reply:
    if not names:
        return {"kind": ReplyKind.CLARIFY, "text": content.texts["follow_up_unclear"]}
    words = content.texts[text]
    if len(names) == 1 and "clarify_one" in content.texts:
        words = fill_placeholders(
            content.texts["clarify_one"], question=content.questions[names[0]].ask
        )
    return {
        "kind": ReplyKind.CLARIFY,
        "text": words,
        "choices": [
            *_choices(content, names, most=len(names)),
            {"title": content.texts["none_of_these"], "value": NONE_OF_THESE},
        ],
    }


def _choices(content: SiteContent, names: Sequence[str], most: int = CHOICES) -> list[Choice]:
    """Questions as choices, in the editor's wording."""
    return [{"title": content.questions[name].ask, "value": name} for name in names[:most]]
