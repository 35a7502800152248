"""All that editors write, read and checked as a whole: articles, terms, talk, texts, stories, red
flags."""

import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from bot import articles, asked, evidence, replies, safety, terms, trial, wording

# intents that are no talk, no question
OUTCOMES = ("not_covered", "personal_advice", "out_of_scope", "article_info")
FALLBACK, CLARIFY = "nlu_fallback", "clarify"  # asked back: Rasa's name, and the reply's kind
MIN_TALK_TRAIN, MIN_TALK_TEST = 10, 4


@dataclass(frozen=True)
class Talk:
    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class Content:
    """Everything of one content folder. `mentions`: {question: the terms that its section
    names}; `ledgers`: {article: what its sources say}."""

    folder: str
    articles: dict[str, articles.Article]
    questions: dict[str, articles.Question]
    kinds: dict[str, str]
    names: dict[str, str]
    mentions: dict[str, tuple[str, ...]]
    talk: dict[str, Talk]
    texts: dict[str, str | dict[str, str]]
    ledgers: dict[str, evidence.Ledger] = field(default_factory=dict)

    def article_of(self, question):
        return self.articles[question.partition(".")[0]]


def load(folder):
    """The Content of a folder; raises articles.ContentError with every fault."""
    found, faults = _read(folder)
    if faults:
        raise articles.ContentError(faults)
    return found


def dump(content):
    """The Content as JSON, for `parse`."""
    return TypeAdapter(Content).dump_json(content, warnings="error")


def parse(text, folder):
    """The Content of a folder that was checked before, from what `dump` gave: 0.05 s in place of
    2.2 (2026-11-28)."""
    return dataclasses.replace(TypeAdapter(Content).validate_json(text), folder=str(folder))


def check(folder):
    """Every fault of a content folder, as `path:line: what is wrong and what to write instead`; []
    when all is well."""
    found, faults = _read(folder)
    return (
        faults
        + _later_text_faults(folder)
        + (_trial_faults(found) if found else [])
        + safety.check(folder)
        + _safety_text_faults(folder)
    )


def _trial_faults(found):
    """What a release could not keep of a Content, and replies that it could not give."""
    try:
        kept = parse(dump(found), found.folder)
    except ValueError as error:  # pydantic's own
        return [f"{found.folder}:1: a value of it can't be kept in a release: {error}"]
    return [str(failure) for failure in trial.find_failures(kept)]


def _read(folder):
    listed, faults = articles.read_all(folder)
    ledgers, found = evidence.read_all(folder, listed)
    faults += found
    kinds, names, found = terms.read(folder)
    faults += found
    talk, found = _read_talk(folder)
    faults += found
    texts, found = read_texts(folder)
    faults += found
    if kinds:
        faults += unknown_terms(listed, kinds)
    faults += title_faults(listed)
    faults += _stolen_phrases(folder, listed, talk)
    faults += asked.read(folder, *_find_taught(listed, talk))[1]
    faults += _stories_faults(folder, listed, talk)
    if faults:
        return None, faults
    find = terms.make_finder(kinds, names)
    questions = {question.name: question for article in listed for question in article.questions}
    mentions = {
        question.name: tuple(
            sorted(
                {
                    mention.term
                    for mention in find(
                        f"{question.ask} {question.title} {question.lead} {question.more}"
                    )
                }
                | set(question.about)
            )
        )
        for question in questions.values()
    }
    return Content(
        folder=str(folder),
        articles={article.id: article for article in listed},
        questions=questions,
        kinds=kinds,
        names=names,
        mentions=mentions,
        talk=talk,
        texts=texts,
        ledgers=ledgers,
    ), []


def read_asked(content):
    """What other hands asked, [asked.Asked], without what a phrase of the Content says already."""
    return asked.read(content.folder, *_find_taught(content.articles.values(), content.talk))[0]


def _find_taught(listed, talk):
    """(the names of all questions, every phrase in normal form)."""
    questions = [question for article in listed for question in article.questions]
    both = [*questions, *talk.values()]
    return {question.name for question in questions}, {
        articles.normalise(phrase) for each in both for phrase in each.train + each.test
    }


def _read_talk(folder):
    path = Path(folder, "talk.yml")
    if not path.is_file():
        return {}, [f"{path}:1: the file is missing; docs/articles.md shows one"]
    data, lines, faults = articles.read_yaml(path.read_text(encoding="utf-8"), path)
    if data is None:
        return {}, faults

    def at(*keys):
        return f"{path}:{lines.get(keys, lines.get(keys[:1], 1))}:"

    talk = {}
    for intent, lists in data.items():
        if not isinstance(lists, dict) or set(lists) != {"train", "test"}:
            faults.append(
                f"{at(intent)} {intent} needs two lists, train and test, and nothing else"
            )
            continue
        found = articles.phrase_faults(
            lists["train"],
            lambda *keys, intent=intent: at(intent, *keys),
            ("train",),
            MIN_TALK_TRAIN,
        ) + articles.phrase_faults(
            lists["test"], lambda *keys, intent=intent: at(intent, *keys), ("test",), MIN_TALK_TEST
        )
        faults += found
        if not found:
            talk[intent] = Talk(tuple(lists["train"]), tuple(lists["test"]))
    faults += [
        f"{path}:1: {outcome} has no phrases; add it with train and test"
        for outcome in (*OUTCOMES, *replies.TALK)
        if outcome not in data
    ]
    return talk, faults


def read_texts(folder):
    path = Path(folder, "texts.yml")
    if not path.is_file():
        return {}, [f"{path}:1: the file is missing; docs/articles.md shows one"]
    data, lines, faults = articles.read_yaml(path.read_text(encoding="utf-8"), path)
    if data is None:
        return {}, faults
    faults += [
        f"{path}:{lines[(key,)]}: {key} must be "
        + (f"a list of `name: text` lines below `{key}:`" if key in replies.SEVERAL else "one text")
        for key, text in data.items()
        if isinstance(text, dict) != (key in replies.SEVERAL) or text == {}
    ]
    for key, text in data.items():
        for part in text.values() if isinstance(text, dict) else [text]:
            if not isinstance(part, str) or not part.strip():
                faults.append(f"{path}:{lines[(key,)]}: {key} needs a text")
            else:
                plain = part.replace("<", "").replace(">", "")
                faults += [
                    f"{path}:{lines[(key,)]}: {key}: {fault}" for fault in wording.faults(plain)
                ]
    faults += [
        f"{path}:1: the text {key} is missing; write `{key}: ...`"
        for key in replies.TEXTS
        if key not in data
    ]
    read_as = data.get("read_as", {})
    faults += [
        f"{path}:{lines.get(('read_as',), 1)}: read_as has no text for {kind}; write `{kind}: ...` "
        f"below it"
        for kind in evidence.Read
        if "read_as" in data and (not isinstance(read_as, dict) or kind not in read_as)
    ]
    return data, faults


def _later_text_faults(folder):
    """Texts that are missing of those that came later: of the messaging channels, of
    conversations, and below what a source says; a release from before there were any still
    loads."""
    path = Path(folder, "texts.yml")
    data = articles.read_yaml(path.read_text(encoding="utf-8"), path)[0] if path.is_file() else None
    return [
        f"{path}:1: the text {key} is missing; write `{key}: ...`"
        for key in (*replies.CHANNEL_TEXTS, *replies.CONVERSATION_TEXTS, *replies.SOURCE_TEXTS)
        if data and key not in data
    ]


def title_faults(listed):
    """Wordings in titles, which stand above answers and on buttons."""
    faults = [
        f"{article.path}:1: title: {fault}"
        for article in listed
        for fault in wording.faults(article.title)
    ]
    return faults + [
        f'{article.path}:{question.line}: {question.name}: "{text}": {fault}'
        for article in listed
        for question in article.questions
        for text in (question.ask, question.title)
        for fault in wording.faults(text)
    ]


SAFETY_TEXTS = {"texts": ("text", "more", "open", "no_line"), "kinds": ("warning",)}
FILLED_LATER = re.compile(r"\{(emergency|crisis|open)\}")


def _safety_text_faults(folder):
    """Wordings in the answers to a danger that must not reach anybody."""
    path = Path(folder, "safety.yml")
    data, lines, faults = (
        articles.read_yaml(path.read_text(encoding="utf-8"), path)
        if path.is_file()
        else (None, {}, [])
    )
    if data is None or not isinstance(data.get("texts"), dict):
        return []  # safety.check names it
    kinds = data.get("kinds")
    return [
        f"{path}:{lines[(section, name)]}: {name}: {fault}"
        for section, entries in (("texts", data["texts"]), ("kinds", kinds))
        if isinstance(entries, dict)
        for name, entry in entries.items()
        if isinstance(entry, dict)
        for part in SAFETY_TEXTS[section]
        for fault in wording.faults(FILLED_LATER.sub("112", str(entry.get(part) or "")))
    ]


def unknown_terms(listed, kinds):
    faults = []
    for article in listed:
        if article.about not in kinds:
            faults.append(
                f"{article.path}:1: about: {article.about} is not a term; add it to data/terms.yml"
            )
        faults += [
            f"{article.path}:{question.line}: {question.name} is about {term}, which is not a "
            f"term; add it to data/terms.yml"
            for question in article.questions
            for term in question.about
            if term not in kinds
        ]
    return faults


def _stolen_phrases(folder, listed, talk):
    """Phrases of talk.yml that stand twice, or in an article as well."""
    places = {
        articles.normalise(phrase): question.name
        for article in listed
        for question in article.questions
        for phrase in question.train + question.test
    }
    faults = []
    for intent, both in talk.items():
        for phrase in both.train + both.test:
            other = places.setdefault(articles.normalise(phrase), f"{intent} of talk.yml")
            if other != f"{intent} of talk.yml" or (both.train + both.test).count(phrase) > 1:
                faults.append(
                    f'{Path(folder, "talk.yml")}:1: {intent}: "{phrase}" stands in {other} too; '
                    f"keep it in one place"
                )
    return faults


def _stories_faults(folder, listed, talk):
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
            faults.append(f"{path}:1: the file is missing; docs/articles.md shows one")
    path = Path(folder, "conversations.yml")
    return faults + (
        conversation_faults(path.read_text(encoding="utf-8"), path, known) if path.is_file() else []
    )


def story_faults(text, path, known):
    """What is wrong with the text of rules.yml or stories.yml; `known`: the intents that there
    are."""
    data, lines, faults = articles.read_yaml(text, path)
    for group in ("rules", "stories"):
        for i, story in enumerate(_items(data, group)):
            steps = _items(story, "steps")
            if not steps:
                faults.append(
                    f"{path}:{lines[(group, i)]}: a story needs "
                    f"`{group.replace('ies', 'y').removesuffix('s')}: its name` and `steps`"
                )
            for j, step in enumerate(steps):
                at = f"{path}:{lines[(group, i, 'steps', j)]}:"
                intent, offer = step.get("intent"), step.get("offer", [])
                if intent is not None and intent not in known:
                    faults.append(
                        f"{at} the intent {intent} is not known; name a question as "
                        f"article.question, or an intent of talk.yml"
                    )
                elif (
                    "." in str(intent)
                    and steps[j + 1 : j + 2]
                    and steps[j + 1].get("action") != "action_answer"
                ):
                    faults.append(
                        f"{at} a question must be answered; write `- action: action_answer` "
                        f"below it"
                    )
                if "says" in step and (
                    group != "stories" or intent is None or not isinstance(step["says"], str)
                ):
                    faults.append(
                        f'{at} says belongs beside an `intent` of a story, as `says: "how '
                        f'somebody would ask it"`'
                    )
                if "offer" in step and (
                    group != "stories"
                    or step.get("action") != "action_answer"
                    or not isinstance(offer, list)
                    or not offer
                ):
                    faults.append(
                        f"{at} offer belongs beside `action: action_answer` of a story, as "
                        f"`offer: [article.question, ...]`"
                    )
                else:
                    faults += [
                        f"{at} {name} can't be offered, it is no question; name one as "
                        f"article.question"
                        for name in offer
                        if "." not in str(name) or name not in known
                    ]
    return faults


def conversation_faults(text, path, known):
    """What is wrong with the text of conversations.yml."""
    data, lines, faults = articles.read_yaml(text, path)
    for i, told in enumerate(_items(data, "conversations")):
        turns = _items(told, "turns")
        if not turns or not told.get("conversation"):
            faults.append(
                f"{path}:{lines[('conversations', i)]}: a test conversation needs `conversation: "
                f"its name` and `turns`"
            )
        for j, turn in enumerate(turns):
            at = f"{path}:{lines[('conversations', i, 'turns', j)]}:"
            gets, offers = turn.get("question", turn.get("kind")), turn.get("offers", [])
            if (
                not isinstance(turn.get("ask", ""), str)
                or not turn.get("ask", "").strip()
                and "question" not in turn
            ):
                faults.append(
                    f'{at} say what the visitor writes, as `ask: "and the side effects?"`'
                )
            if (
                gets not in known - {FALLBACK} | {CLARIFY}
                or ("question" in turn) != ("." in str(gets))
                or "question" in turn
                and "kind" in turn
            ):
                faults.append(
                    f"{at} say what must come: `question: article.question`, or `kind:` with an "
                    f"intent of talk.yml or {CLARIFY}"
                )
            faults += [
                f"{at} {name} can't be offered, it is no question; name one as article.question"
                for name in (offers if isinstance(offers, list) else [offers])
                if "." not in str(name) or name not in known
            ]
    return faults


def _items(data, key):
    """The mappings of a list below `key`."""
    found = data.get(key) if isinstance(data, dict) else None
    return (
        [item if isinstance(item, dict) else {} for item in found]
        if isinstance(found, list)
        else []
    )
