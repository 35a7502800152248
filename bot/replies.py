"""Replies: the dicts of docs/design.md ("Replies"), built from content alone. Whoever sends one gives it its id."""

# every fixed text that must stand in data/texts.yml
TEXTS = (
    "notice", "disclaimer", "not_reviewed", "reviewed", "review_overdue", "under_review", "feedback_ask", "feedback_yes",
    "feedback_no", "feedback_why", "feedback_reasons", "feedback_thanks", "clarify", "clarify_which", "none_of_these",
    "none_of_these_reply", "follow_up_unclear", "another_question", "more", "not_covered", "not_covered_term",
    "not_covered_aspect", "personal_advice", "out_of_scope", "unavailable", "emergency_hint", "greeting", "thanks",
    "goodbye", "help", "bot_identity", "about_me", "forget_me_confirm", "forget_me_yes", "forget_me_no", "forget_me_done",
    "forget_me_kept", "terms_of_use", "give_feedback", "article_info", "text_empty", "text_too_long", "text_unreadable",
    "too_many", "busy", "session_ended", "wrong_request",
)
TALK = ("greeting", "thanks", "goodbye", "help", "bot_identity", "about_me", "forget_me", "terms_of_use", "give_feedback")
NONE_OF_THESE = "none_of_these"
ARTICLE_INFO = "article_info"
CHOICES = 3


def answer(content, name, today, confidence, asked=()):
    """The answer to a question, with its sources, review, disclaimer, feedback prompt and the next questions; once its
    article is withdrawn, `not_covered` instead. `asked`: names of questions answered in this conversation."""
    question, article = content.questions[name], content.article_of(name)
    state = article.review_state(today)
    if state == "withdrawn":
        return {"kind": "not_covered", "text": content.texts["under_review"]}
    overdue = fill(content.texts["review_overdue"], date=_day(article.review_due())) if state == "overdue" else None
    return _answer(content, article, name, question.ask, question.lead, question.more, article.sources_of(question.lead + question.more),
                   confidence, overdue, related(content, name, asked))


def article_info(content, article_id, today, confidence, asked=()):
    """The answer to "who wrote this, from what, and when", made from the article's front matter."""
    article = content.articles[article_id]
    reviewed = (fill(content.texts["reviewed"], reviewed_by=article.reviewed_by, reviewed_on=_day(article.reviewed_on))
                if article.reviewed_by else content.texts["not_reviewed"])
    sources = "; ".join(f"{source.title} [{source.n}]" for source in article.sources)
    text = fill(content.texts["article_info"], title=article.title, written_by=article.written_by,
                written_on=_day(article.written_on), reviewed=reviewed, sources=sources)
    name = f"{article_id}.{ARTICLE_INFO}"
    return _answer(content, article, name, article.title, text, "", article.sources, confidence, None,
                   related(content, name, asked))


def clarify(content, ranking, named=()):
    """Two or three close questions as choices, in the editor's wording; without any, what is covered."""
    close = _choices(content, [name for name, _ in ranking], named)
    if not close:
        return {"kind": "clarify", "text": content.texts["follow_up_unclear"]}
    return {"kind": "clarify", "text": content.texts["clarify"],
            "choices": [*close, {"title": content.texts["none_of_these"], "value": NONE_OF_THESE}]}


def clarify_article(content, facet_name):
    """Which article's question is meant, as choices: `facet_name` is the part of the name that they share."""
    choices = [{"title": article.title, "value": f"{article.id}.{facet_name}"} for article in content.articles.values()]
    return {"kind": "clarify", "text": content.texts["clarify_which"], "choices": choices}


def not_covered(content, ranking, foreign=None, named=()):
    """Nothing here answers it: names the term that isn't covered, and what is nearby."""
    text = (fill(content.texts["not_covered_term"], term=foreign, covered=covered(content)) if foreign
            else fill(content.texts["not_covered"], covered=covered(content)))
    return {"kind": "not_covered", "text": text, "choices": _choices(content, [name for name, _ in ranking], named)}


def personal_advice(content, ranking, named=()):
    return {"kind": "personal_advice", "text": content.texts["personal_advice"],
            "choices": _choices(content, [name for name, _ in ranking], named)}


def out_of_scope(content):
    return {"kind": "out_of_scope", "text": fill(content.texts["out_of_scope"], covered=covered(content))}


def talk(content, topic):
    """The fixed text of a talk intent; `topic` is one of TALK."""
    key = "forget_me_confirm" if topic == "forget_me" else topic
    reply = {"kind": "talk", "topic": topic, "text": fill(content.texts[key], covered=covered(content))}
    if topic == "forget_me":
        reply["choices"] = [{"title": content.texts["forget_me_yes"], "value": "forget_me_yes"},
                            {"title": content.texts["forget_me_no"], "value": "forget_me_no"}]
    if topic in ("greeting", "help"):
        reply["choices"] = starters(content)
    return reply


def starters(content, article_id=None):
    """Questions to begin with: the first of the article, or of each article."""
    articles = [content.articles[article_id]] if article_id in content.articles else list(content.articles.values())
    most = CHOICES + 1
    names = [article.questions[i].name for i in range(most) for article in articles if i < len(article.questions)]
    return _choices(content, names[:most], most=most)


def related(content, name, asked):
    """Up to three next questions: of the same article, those about the same first, then the nearest in its order."""
    article = content.article_of(name)
    order = [question.name for question in article.questions]
    here = order.index(name) if name in order else -1
    about = set(content.questions[name].about) - {article.about} if name in content.questions else set()

    def distance(other):
        return (not about & set(content.questions[other].about), (order.index(other) - here) % len(order))

    names = sorted((other for other in order if other != name and other not in asked), key=distance)
    return _choices(content, names)


def covered(content):
    """What the articles are about, in words: "myoclonus, hiccups and tremor"."""
    names = [article.about for article in content.articles.values()]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def fill(text, **values):
    """`text` with each <name> replaced by its value."""
    for name, value in values.items():
        text = text.replace(f"<{name}>", str(value))
    return text


def _answer(content, article, name, title, text, more, sources, confidence, overdue, choices):
    return {
        "kind": "answer", "text": text, "more": more, "question": name, "title": title,
        "article": {"id": article.id, "title": article.title, "url": article.url or f"/articles/{article.id}",
                    "written_by": article.written_by, "written_on": article.written_on.isoformat(),
                    "reviewed_by": article.reviewed_by or None,
                    "reviewed_on": article.reviewed_on.isoformat() if article.reviewed_on else None,
                    "review": overdue or (None if article.reviewed_by else content.texts["not_reviewed"]),
                    "revision": article.revision},
        "sources": [{"n": source.n, "title": source.title, "url": source.url} for source in sources],
        "disclaimer": content.texts["disclaimer"],
        "feedback": {"ask": content.texts["feedback_ask"], "reasons": content.texts["feedback_reasons"]},
        "choices": choices, "confidence": round(confidence, 4),
    }


def _choices(content, names, named=(), most=CHOICES):
    """The questions among `names` as choices; where the message named terms, only questions that know one of them."""
    known = [name for name in names if name in content.questions]
    if named:
        known = [name for name in known if set(named) & set(content.mentions[name])] or known
    return [{"title": content.questions[name].ask, "value": name} for name in known[:most]]


def _day(date):
    return f"{date.day} {date:%B %Y}"
