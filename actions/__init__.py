"""The custom actions that Rasa calls. Each sends one json_message: {"replies": [Reply],
"understood": {...}}.

They run in Rasa's process (endpoints.yml), and answer from the release that the message's metadata
names: {release, turn, number, article, topic, asked}; from the live one where it names none, as
with `bot rasa shell`. What is understood holds what the review list shows, and the `topic` that the
next message may refer to."""

import asyncio
import datetime
import functools
from concurrent.futures import ThreadPoolExecutor

from rasa_sdk import Action

from bot import content, release, replies, settings

# Reading a new release's content takes a second, in which other messages are answered; always the
# same thread, since each would keep the 13 MB that it once held (2026-11-28).
reader = ThreadPoolExecutor(1, "content")


class ActionAnswer(Action):
    """A question of an article: its section's text, as it stands in the release."""

    def name(self):
        return "action_answer"

    async def run(self, dispatcher, tracker, domain):
        said = await read_message(tracker)
        reply = replies.answer(
            said["content"],
            said["intent"],
            today(),
            said["confidence"],
            said["asked"],
            said["context"].get("also"),
            offered(tracker),
        )
        send(dispatcher, said, reply, answered(said))
        return []


class ActionArticleInfo(Action):
    """Who wrote the article, from what, how recent: of the page's article, or the one last answered
    from."""

    def name(self):
        return "action_article_info"

    async def run(self, dispatcher, tracker, domain):
        said = await read_message(tracker)
        library = said["content"]
        named = [
            article.id for article in library.articles.values() if article.about in said["terms"]
        ]
        candidates = [
            *named,
            (said["metadata"].get("topic") or {}).get("article"),
            said["metadata"].get("article"),
        ]
        if len(library.articles) == 1:
            candidates += library.articles
        article = next((id for id in candidates if id in library.articles), None)
        send(
            dispatcher,
            said,
            replies.article_info(library, article, today(), said["confidence"], said["asked"])
            if article
            else replies.clarify_article(library, replies.ARTICLE_INFO),
        )
        return []


class ActionClarify(Action):
    """Several questions are close: they are asked back. Where none of them is an article's, it is
    said what is covered."""

    def name(self):
        return "action_clarify"

    async def run(self, dispatcher, tracker, domain):
        said = await read_message(tracker)
        library, context, foreign = said["content"], said["context"], foreign_term(said)
        best = said["ranking"][0][0] if said["ranking"] else None
        if context.get("case") == "which":
            reply = replies.clarify_which(library, context["choices"])
        elif context.get("case") == "close":
            reply = replies.clarify_between(library, context["choices"])
        elif foreign:
            reply = replies.not_covered(library, said["ranking"], foreign)
        elif best in replies.TALK:
            reply = replies.talk(library, best)
        elif best in content.OUTCOMES:
            reply = decline(said, best)
        else:
            reply = replies.clarify(library, said["ranking"], said["terms"])
        send(dispatcher, said, reply, left_open(said))
        return []


class ActionDecline(Action):
    """What is not covered, is about one person's care, or has nothing to do with health."""

    def name(self):
        return "action_decline"

    async def run(self, dispatcher, tracker, domain):
        said = await read_message(tracker)
        send(dispatcher, said, decline(said, said["intent"]), left_open(said))
        return []


class ActionTalk(Action):
    """Greeting, thanks, goodbye, help, who this is, privacy."""

    def name(self):
        return "action_talk"

    async def run(self, dispatcher, tracker, domain):
        said = await read_message(tracker)
        send(
            dispatcher,
            said,
            replies.talk(said["content"], said["intent"], said["metadata"].get("article")),
        )
        return []


def decline(said, outcome):
    context = said["context"]
    if outcome == "personal_advice":
        return replies.personal_advice(
            said["content"], said["ranking"], said["terms"], said["metadata"].get("article")
        )
    if outcome == "out_of_scope":
        return replies.out_of_scope(said["content"])
    if context.get("case") == "aspect":
        if context["choices"]:
            return replies.not_covered_aspect(
                said["content"], context["term"], context["choices"], said["asked"]
            )
        return replies.not_covered(said["content"], [], context["term"])
    return replies.not_covered(said["content"], said["ranking"], foreign_term(said), said["terms"])


async def read_message(tracker):
    """What an action needs of the message: content, intent, confidence, ranking [(intent,
    confidence)], terms, asked, context (of bot/rasa/coverage.py; {} for a choice), and the id of
    the release."""
    message = tracker.latest_message
    metadata = message.get("metadata") or {}
    id = metadata.get("release") or release.live(settings.read())
    library = await asyncio.get_running_loop().run_in_executor(reader, read_content, id)
    ranking = [
        (intent["name"], intent["confidence"]) for intent in message.get("intent_ranking", [])
    ]
    return {
        "release": id,
        "content": library,
        "metadata": metadata,
        "intent": message["intent"]["name"],
        "confidence": message["intent"]["confidence"],
        "ranking": [(name, confidence) for name, confidence in ranking if name != "nlu_fallback"],
        "terms": list(
            dict.fromkeys(
                entity["value"]
                for entity in message.get("entities", [])
                if entity["entity"] == "term"
            )
        ),
        "context": message.get("context") or {},
        "asked": metadata.get("asked", []),
    }


def answered(said):
    """The topic after an answer: what it was about, the terms that were named before all, and which
    side of them."""
    question = said["content"].questions[said["intent"]]
    context = said["context"]
    about = [term for term in context.get("named", []) if term in question.about] or list(
        question.about
    )
    facets = [facet for facet in context.get("facets", []) if facet in question.facets] or list(
        question.facets
    )
    return _topic(said, said["intent"].partition(".")[0], about, facets, said["intent"])


def left_open(said):
    """The topic after a message that got no answer: what it named and asked; None where it tells
    neither."""
    context, old = said["context"], said["metadata"].get("topic") or {}
    if context.get("case") == "which":
        return _topic(said, None, [], context["facets"])
    if context.get("case"):
        term = context["term"] or (context["named"] or [None])[0]
        return _topic(said, old.get("article"), [term] if term else [], context["facets"])
    if said["terms"]:
        return _topic(
            said, None, context.get("named") or said["terms"], context.get("facets", [])[:1]
        )
    if old and context.get("facets"):
        return {**old, "facets": context["facets"][:1]}
    return None


def _topic(said, article, about, facets, question=None):
    return {
        "number": said["metadata"].get("number"),
        "article": article,
        "about": about,
        "facets": list(facets),
        "question": question,
    }


def offered(tracker):
    """The questions that a story offers after this message."""
    for event in reversed(tracker.events):
        if event["event"] == "user":
            break
        offer = (
            ((event.get("data") or {}).get("custom") or {}).get("offer")
            if event["event"] == "bot"
            else None
        )
        if offer:
            return offer
    return []


def foreign_term(said):
    """The first term of the message that no question is about, or None."""
    covered = covered_terms(said["release"])
    return next((term for term in said["terms"] if term not in covered), None)


def send(dispatcher, said, reply, topic=None):
    understood = {
        "intent": said["intent"],
        "confidence": said["confidence"],
        "ranking": said["ranking"],
        "terms": said["terms"],
        "context": said["context"],
        "topic": topic,
    }
    dispatcher.utter_message(json_message={"replies": [reply], "understood": understood})


@functools.lru_cache(maxsize=4)
def read_content(id):
    """The content of a release; a release never changes, so it is read once."""
    return release.read_content(settings.read(), id)


@functools.lru_cache(maxsize=4)
def covered_terms(id):
    """The terms that a question of release `id` is about."""
    return frozenset(
        term for question in read_content(id).questions.values() for term in question.about
    )


def today():
    return datetime.datetime.now(datetime.UTC).date()
