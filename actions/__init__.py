"""The custom actions that Rasa calls. Each sends one json_message: {"replies": [Reply], "understood": {...}}.

They answer from the release that the message's metadata names: {release, turn, article, topic, asked}.
"""

import datetime
import functools

from rasa_sdk import Action

from bot import content, release, replies, settings


class ActionAnswer(Action):
    """A question of an article: its section's text, as it stands in the release."""

    def name(self):
        return "action_answer"

    async def run(self, dispatcher, tracker, domain):
        said = read_message(tracker)
        send(dispatcher, said, replies.answer(said["content"], said["intent"], today(), said["confidence"], said["asked"]))
        return []


class ActionArticleInfo(Action):
    """Who wrote the article, from what, how recent: of the page's article, or the one last answered from."""

    def name(self):
        return "action_article_info"

    async def run(self, dispatcher, tracker, domain):
        said = read_message(tracker)
        library = said["content"]
        named = [article.id for article in library.articles.values() if article.about in said["terms"]]
        candidates = [*named, said["metadata"].get("article"), (said["metadata"].get("topic") or {}).get("article")]
        if len(library.articles) == 1:
            candidates += library.articles
        article = next((id for id in candidates if id in library.articles), None)
        send(dispatcher, said, replies.article_info(library, article, today(), said["confidence"], said["asked"]) if article
             else replies.clarify_article(library, replies.ARTICLE_INFO))
        return []


class ActionClarify(Action):
    """Several questions are close: they are asked back. Where none of them is an article's, it is said what is covered."""

    def name(self):
        return "action_clarify"

    async def run(self, dispatcher, tracker, domain):
        said = read_message(tracker)
        foreign = foreign_term(said)
        best = said["ranking"][0][0] if said["ranking"] else None
        if foreign:
            reply = replies.not_covered(said["content"], said["ranking"], foreign)
        elif best in ("not_covered", "out_of_scope") and not said["terms"]:
            reply = decline(said, best)
        else:
            reply = replies.clarify(said["content"], said["ranking"], said["terms"])
        send(dispatcher, said, reply)
        return []


class ActionDecline(Action):
    """What is not covered, is about one person's care, or has nothing to do with health."""

    def name(self):
        return "action_decline"

    async def run(self, dispatcher, tracker, domain):
        said = read_message(tracker)
        send(dispatcher, said, decline(said, said["intent"]))
        return []


class ActionTalk(Action):
    """Greeting, thanks, goodbye, help, who this is, privacy."""

    def name(self):
        return "action_talk"

    async def run(self, dispatcher, tracker, domain):
        said = read_message(tracker)
        send(dispatcher, said, replies.talk(said["content"], said["intent"]))
        return []


def decline(said, outcome):
    if outcome == "personal_advice":
        return replies.personal_advice(said["content"], said["ranking"], said["terms"])
    if outcome == "out_of_scope":
        return replies.out_of_scope(said["content"])
    return replies.not_covered(said["content"], said["ranking"], foreign_term(said), said["terms"])


def read_message(tracker):
    """What an action needs of the message: content, intent, confidence, ranking [(intent, confidence)], terms, asked."""
    message = tracker.latest_message
    metadata = message.get("metadata") or {}
    ranking = [(intent["name"], intent["confidence"]) for intent in message.get("intent_ranking", [])]
    return {
        "content": read_content(metadata["release"]), "metadata": metadata,
        "intent": message["intent"]["name"], "confidence": message["intent"]["confidence"],
        "ranking": [(name, confidence) for name, confidence in ranking if name != "nlu_fallback"],
        "terms": list(dict.fromkeys(entity["value"] for entity in message.get("entities", []) if entity["entity"] == "term")),
        "asked": metadata.get("asked", []),
    }


def foreign_term(said):
    """The first term of the message that no question is about, or None."""
    covered = {term for question in said["content"].questions.values() for term in question.about}
    return next((term for term in said["terms"] if term not in covered), None)


def send(dispatcher, said, reply):
    understood = {"intent": said["intent"], "confidence": said["confidence"], "ranking": said["ranking"], "terms": said["terms"]}
    dispatcher.utter_message(json_message={"replies": [reply], "understood": understood})


@functools.lru_cache(maxsize=4)
def read_content(id):
    """The content of a release; a release never changes, so it is read once."""
    return content.load(release.folder_of(settings.read(), id) / "data")


def today():
    return datetime.datetime.now(datetime.UTC).date()
