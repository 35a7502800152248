"""Replies: the dicts of docs/design.md ("Replies"), built from content alone. Whoever sends one
gives it its id."""

from bot import evidence

# every fixed text that must stand in data/texts.yml
TEXTS = (
    "notice",
    "disclaimer",
    "not_reviewed",
    "reviewed",
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
    "not_covered_aspect",
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
    "said_before",
    "speaks_of",
    "no_more",
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
PERSONAL = "personal_advice"
DISTRESS = "distress"  # grief, fear and despair without danger
# kinds that give the visitor no answer: whom to call in an emergency stands below them
EMPTY_HANDED = ("personal_advice", "out_of_scope", "not_covered", "clarify")
NONE_OF_THESE = "none_of_these"
ARTICLE_INFO = "article_info"
CHOICES = 3
FITTING = 2  # choices that stand below a refusal at least
CONDITIONS = 9  # that are listed, in a text or as choices, before it says "and more"
NEAR = 0.4  # a question is offered as meant from this share of the likeliest one's confidence


def answer(content, name, today, confidence, asked=(), also=None, offered=()):
    """The answer to a question, with its sources, review, disclaimer, feedback prompt and the next
    questions; once its article is withdrawn, `not_covered` instead.

    `asked`: names of questions answered in this conversation; `also`: of one that the message asked
    as well; `offered`: of those that a story offers next."""
    question, article = content.questions[name], content.article_of(name)
    state = article.review_state(today)
    if state == "withdrawn":
        return {"kind": "not_covered", "text": content.texts["under_review"]}
    overdue = (
        fill(content.texts["review_overdue"], date=day(article.review_due()))
        if state == "overdue"
        else None
    )
    return _answer(
        content,
        article,
        name,
        question.ask,
        question.lead,
        question.more,
        sources_of(content, article, f"{question.lead}\n\n{question.more}"),
        confidence,
        overdue,
        next_questions(content, name, asked, also, offered),
    )


def say_again(content, reply):
    """An answer that this conversation had before, with a sentence that says so."""
    note = content.texts.get("said_before")
    return {**reply, "note": note} if note and reply["kind"] == "answer" else reply


def say_where(content, reply, word):
    """An answer, with a sentence that it speaks of this word."""
    note = content.texts.get("speaks_of")
    return {**reply, "note": fill(note, word=word)} if note and reply["kind"] == "answer" else reply


def rest_of_answer(content, name, today, asked=()):
    """What an answer says on "More", as an answer of its own."""
    reply = answer(content, name, today, 1.0, asked)
    if not reply.get("more"):
        return reply
    return {**reply, "text": reply["more"], "more": ""}


def article_info(content, article_id, today, confidence, asked=()):
    """The answer to "who wrote this, from what, and when, and how was it checked", made from the
    article's front matter and its ledger."""
    article = content.articles[article_id]
    overdue = (
        fill(content.texts["review_overdue"], date=day(article.review_due()))
        if article.review_state(today) != "current"
        else None
    )
    reviewed = (
        fill(
            content.texts["reviewed"],
            reviewed_by=article.reviewed_by,
            reviewed_on=day(article.reviewed_on),
        )
        if article.reviewed_by
        else content.texts["not_reviewed"]
    )
    text = fill(
        content.texts["article_info"],
        title=article.title,
        written_by=article.written_by,
        written_on=day(article.written_on),
        reviewed=reviewed,
        checked=_checked(content, article),
        sources="; ".join(source.title for source in article.sources),  # a text of before 2026-11
    )
    name = f"{article_id}.{ARTICLE_INFO}"
    return _answer(
        content,
        article,
        name,
        article.title,
        text,
        "",
        [_source(content, article, source, {}) for source in article.sources],
        confidence,
        overdue,
        next_questions(content, name, asked),
    )


def clarify(content, ranking, named=()):
    """Two or three close questions as choices, in the editor's wording; without any, how to ask
    better."""
    return _ask_back(content, "clarify", near(content, ranking, named))


def clarify_between(content, names):
    """The questions in `names`, between which the words don't decide, as choices."""
    return _ask_back(content, "clarify", names[: CHOICES + 1])


def clarify_which(content, names):
    """Which condition is meant, as choices: the same question about each."""
    return _ask_back(content, "clarify_which", names[:CONDITIONS])


def clarify_article(content, facet_name):
    """Which article's question is meant, as choices: `facet_name` is the part of the name that they
    share."""
    choices = [
        {"title": article.title, "value": f"{article.id}.{facet_name}"}
        for article in content.articles.values()
    ]
    return {
        "kind": "clarify",
        "text": content.texts["clarify_which"],
        "choices": choices[:CONDITIONS],
    }


def not_covered(content, ranking, foreign=None, named=()):
    """Nothing here answers it: names the term that isn't covered, and what is nearby."""
    text = (
        fill(content.texts["not_covered_term"], term=foreign, covered=covered(content))
        if foreign
        else fill(content.texts["not_covered"], covered=covered(content))
    )
    return {
        "kind": "not_covered",
        "text": text,
        "choices": _choices(content, near(content, ranking, named)),
    }


def not_covered_aspect(content, term, names, asked=()):
    """No question answers this side of a term; those in `names` answer others."""
    new = [name for name in names if name not in asked]
    return {
        "kind": "not_covered",
        "text": fill(content.texts["not_covered_aspect"], term=term),
        "choices": _choices(content, new or names),
    }


def not_covered_held(content, word, names):
    """No question asks this, but the sections of `names`, which are one article's, speak of
    `word`; None where the release is from before it had the words."""
    if "not_covered_held" not in content.texts:
        return None
    title = content.article_of(names[0]).title
    return {
        "kind": "not_covered",
        "text": fill(content.texts["not_covered_held"], article=title, word=word),
        "choices": _choices(content, names),
    }


def personal_advice(content, ranking, named=(), text=PERSONAL, afraid=False):
    """Asks for a decision about one person: declined in the words of `text`, after a kind sentence
    where somebody is afraid, with general questions that are near."""
    words = content.texts.get(text, content.texts[PERSONAL])
    if afraid and "afraid" in content.texts:
        words = f"{content.texts['afraid']} {words}"
    return {
        "kind": "personal_advice",
        "text": words,
        "choices": _choices(content, near(content, ranking, named)),
    }


def out_of_scope(content):
    return {
        "kind": "out_of_scope",
        "text": fill(content.texts["out_of_scope"], covered=covered(content)),
    }


def fill_up(content, reply, names):
    """A refusal with at least FITTING choices: its own, then the questions in `names`."""
    choices = reply.get("choices") or []
    taken = {choice["value"] for choice in choices}
    new = [name for name in dict.fromkeys(names) if name not in taken]
    if len(choices) >= FITTING:
        return reply
    if reply["kind"] == "clarify" and choices:  # asked back, and "none of these" is the last
        return reply
    return {**reply, "choices": [*choices, *_choices(content, new, CHOICES - len(choices))]}


def vary(content, reply):
    """A refusal in other words than those that came before it."""
    return {**reply, "text": content.texts.get(f"{reply['kind']}_again", reply["text"])}


def talk(content, topic, article_id=None):
    """The fixed text of a talk intent; `topic` is one of TALK."""
    key = "forget_me_confirm" if topic == "forget_me" else topic
    here = topic == "greeting" and article_id in content.articles
    about = content.articles[article_id].about if here else covered(content)
    reply = {"kind": "talk", "topic": topic, "text": fill(content.texts[key], covered=about)}
    if topic == "forget_me":
        reply["choices"] = [
            {"title": content.texts["forget_me_yes"], "value": "forget_me_yes"},
            {"title": content.texts["forget_me_no"], "value": "forget_me_no"},
        ]
    if topic in ("greeting", "help", DISTRESS):
        reply["choices"] = starters(content, article_id)
    return reply


def starters(content, article_id=None):
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


def next_questions(content, name, asked, also=None, offered=()):
    """Up to three next questions as choices: what was asked as well, what a story offers, then what
    is related."""
    done = {name, *asked}
    names = dict.fromkeys(
        other
        for other in (*offered, *related(content, name))
        if other not in done and other != also
    )
    choices = _choices(content, [also, *names] if also else list(names))
    if also:
        choices[0]["title"] = f"{content.texts['another_question']} {choices[0]['title']}"
    return choices


def related(content, name):
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

    def distance(other):
        that = content.questions[other]
        if own:
            group = article.about not in that.about
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


def near(content, ranking, named=()):
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


def covered(content):
    """What the articles are about, in words: "myoclonus, hiccups and tremor"."""
    names = [article.about for article in list(content.articles.values())[: CONDITIONS + 1]]
    if len(names) > CONDITIONS:
        return ", ".join(names[:CONDITIONS]) + " and more"
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def fill(text, **values):
    """`text` with each <name> replaced by its value."""
    for name, value in values.items():
        text = text.replace(f"<{name}>", str(value))
    return text


def day(date):
    """A date as visitors read it: 22 November 2026."""
    return f"{date.day} {date:%B %Y}"


def sources_of(content, article, text):
    """The sources on which a text of an article rests, each with what it says about the text's
    statements."""
    ledger, says = content.ledgers.get(article.id), {}
    for statement in evidence.of_text(text, ledger) if ledger else ():
        for each in statement.entry.evidence if statement.entry else ():
            said = {"statement": statement.says, "where": each.where, "states": each.states}
            says.setdefault(each.source, []).append({**said, "verdict": each.verdict.value})
    return [_source(content, article, source, says) for source in article.sources_of(text)]


def _source(content, article, source, says):
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


def _dated(content, reading):
    """The date of the version of a source that was read, how it was read, and when, as a text."""
    texts = content.texts
    if "source_checked" not in texts:  # a release of before 2026-12
        return None
    return fill(
        texts["source_checked"],
        version=fill(texts["source_version"], date=day(reading.version))
        if reading.version
        else texts["no_version"],
        read=texts["read_as"][reading.read],
        on=day(reading.on),
    )


def _checked(content, article):
    """How the article's statements were held against its sources, as a text."""
    ledger = content.ledgers.get(article.id)
    if ledger is None:
        return content.texts.get("evidence_none", "")
    figures = evidence.summary(article, ledger)
    partly = figures.verdicts.get(evidence.Verdict.PARTLY, 0)
    return fill(
        content.texts["evidence_held"],
        statements=figures.statements,
        held=figures.held,
        on=day(figures.last),
        sources=len(article.sources),
        read=", ".join(
            f"{count} {'was' if count == 1 else 'were'} {content.texts['read_as'][kind]}"
            for kind, count in figures.reads.items()
        ),
        partly=_partly(content.texts, partly),
    )


def _partly(texts, count):
    """How many statements stand in their source only in part, as a text; nothing for none."""
    if count == 1 and "evidence_partly_one" in texts:
        return texts["evidence_partly_one"]
    return fill(texts["evidence_partly"], count=count) if count else ""


def _answer(content, article, name, title, text, more, sources, confidence, overdue, choices):
    return {
        "kind": "answer",
        "text": text,
        "more": more,
        "question": name,
        "title": title,
        "article": {
            "id": article.id,
            "title": article.title,
            "url": article.url or f"/articles/{article.id}",
            "written_by": article.written_by,
            "written_on": article.written_on.isoformat(),
            "reviewed_by": article.reviewed_by or None,
            "reviewed_on": article.reviewed_on.isoformat() if article.reviewed_on else None,
            "review": overdue or (None if article.reviewed_by else content.texts["not_reviewed"]),
            "revision": article.revision,
        },
        "sources": sources,
        "disclaimer": content.texts["disclaimer"],
        "feedback": {
            "ask": content.texts["feedback_ask"],
            "reasons": content.texts["feedback_reasons"],
        },
        "choices": choices,
        "confidence": round(confidence, 4),
    }


def _ask_back(content, text, names):
    if not names:
        return {"kind": "clarify", "text": content.texts["follow_up_unclear"]}
    words = content.texts[text]
    if len(names) == 1 and "clarify_one" in content.texts:
        words = fill(content.texts["clarify_one"], question=content.questions[names[0]].ask)
    return {
        "kind": "clarify",
        "text": words,
        "choices": [
            *_choices(content, names, most=len(names)),
            {"title": content.texts["none_of_these"], "value": NONE_OF_THESE},
        ],
    }


def _choices(content, names, most=CHOICES):
    """Questions as choices, in the editor's wording."""
    return [{"title": content.questions[name].ask, "value": name} for name in names[:most]]
