"""Stories and test conversations as turns of a visitor and the bot: out of their files, and back with no more lines changed
than were meant.

A story (data/stories.yml) is taught: where a conversation goes as it tells, the questions that it offers stand first. A test
conversation (data/conversations.yml) teaches nothing: it says what must come.
"""

import hashlib
import re
from dataclasses import dataclass

import yaml

from bot import articles, content, replies
from bot.editor import manuscripts

FILES = {"told": "stories.yml", "tested": "conversations.yml"}
LISTS = {"told": ("stories", "story", "steps"), "tested": ("conversations", "conversation", "turns")}
MOST_TURNS, MOST_OFFERS = 30, 3
NEW_FILE = """\
# Conversations that must go as they stand here: what the visitor writes (`ask`; without it, the question is chosen), and
# the `question` that is answered, or the `kind` of the reply. `offers`: questions that must stand below it. `asked_back`:
# that the question is among those asked back will do. `page`: the article of the page on which the chat stands. The
# editors' desk shows and tries them.
"""


@dataclass(frozen=True)
class Turn:
    """What a visitor says ("" for a choice), what it gets (a question's name or an intent's), what is offered below it, and
    whether asking back with the question among the choices will do."""

    says: str
    gets: str
    offers: tuple[str, ...] = ()
    back: bool = False


@dataclass(frozen=True)
class Story:
    """`turns` is None for what is written in a way that can't be shown as turns."""

    name: str
    turns: tuple[Turn, ...] | None
    page: str = ""

    @property
    def key(self):
        return hashlib.sha256(self.name.encode()).hexdigest()[:12]


def read(kind, text):
    """The Stories of a file's text, in its order; [] of one that isn't readable."""
    group, name, items = LISTS[kind]
    data = articles.read_yaml(text, FILES[kind])[0] if text.strip() else {}
    listed = (data or {}).get(group)
    return [Story(str(item.get(name) or ""), _turns(kind, item.get(items)), str(item.get("page") or "") if kind == "tested" else "")
            for item in (listed if isinstance(listed, list) else []) if isinstance(item, dict)]


def faults(kind, text, known):
    """What is wrong with a file's text, each with its line; `known`: the names of questions and intents."""
    names = [story.name for story in read(kind, text)]
    twice = [f"“{name}” stands here twice; give one of them another name" for name in dict.fromkeys(names) if names.count(name) > 1]
    check = content.story_faults if kind == "told" else content.conversation_faults
    return check(text, FILES[kind], known | {content.FALLBACK}) + twice


def write(kind, text, key, story):
    """`text` with `story` in place of the one of `key` (None: behind the last); None takes that out.

    Turns that stay keep their lines, with the comments on them. Raises articles.ContentError where the file isn't readable.
    """
    group, name, items = LISTS[kind]
    data, _, found = articles.read_yaml(text, FILES[kind]) if text.strip() else ({}, {}, [])
    if data is None:
        raise articles.ContentError(found)
    if not isinstance(data.get(group), list) or not data[group]:
        kept = re.sub(rf"(?m)^{group}:.*\n?", "", text).rstrip() + "\n"
        start = kept if text.strip() else NEW_FILE if kind == "tested" else 'version: "3.1"\n'
        return f"{start}\n{group}:\n" + "".join(_written(kind, story, 2))
    lines = text.splitlines(keepends=True)
    lines[-1] = lines[-1].rstrip("\n") + "\n"
    nodes = manuscripts.entries_of(yaml.compose(text, Loader=articles.LOADER))[group][1].value
    margin = nodes[0].start_mark.column - 2
    if key is None:
        end = manuscripts.last_line(None, nodes[-1])
        return "".join([*lines[:end], "\n", *_written(kind, story, margin), *lines[end:]])
    place = next(place for place, old in enumerate(read(kind, text)) if old.key == key)
    node, old = nodes[place], read(kind, text)[place]
    first, last = node.start_mark.line, manuscripts.last_line(None, node)
    if story is None:
        while last < len(lines) and not lines[last].strip():
            last += 1
        return "".join(lines[:first] + lines[last:])
    return "".join(lines[:first] + _rewritten(kind, lines, node, old, story, margin) + lines[last:])


def said(story):
    """A story's messages, as rehearsal.rehearse takes them."""
    return [{"text": turn.says} if turn.says else {"choice": turn.gets} for turn in story.turns]


def judge(kind, story, rehearsed):
    """Of each turn: {came: what came (a name as Turn.gets), right, missing: the offers that don't stand where they must}."""
    judged, asked = [], []
    for turn, got in zip(story.turns, rehearsed, strict=True):
        reply = got["replies"][0]
        end, offered = came(reply), [choice["value"] for choice in reply.get("choices") or []]
        right = end == turn.gets or turn.back and end == content.FALLBACK and turn.gets in offered
        asked.append(end)
        wanted = [name for name in turn.offers if name not in asked]
        there = offered[:len(wanted)] if kind == "told" else offered
        judged.append({"came": end, "right": right, "missing": [name for name in wanted if name not in there], "reply": reply})
    return judged


def came(reply):
    """What a reply is, as Turn.gets names it."""
    if reply["kind"] == "answer":
        return replies.ARTICLE_INFO if reply["question"].endswith(f".{replies.ARTICLE_INFO}") else reply["question"]
    return reply["topic"] if reply["kind"] == "talk" else content.FALLBACK if reply["kind"] == content.CLARIFY else reply["kind"]


def _action(intent):
    """The action that answers an intent, as data/rules.yml has it."""
    if "." in intent:
        return "action_answer"
    return {replies.ARTICLE_INFO: "action_article_info", content.FALLBACK: "action_clarify"}.get(
        intent, "action_talk" if intent in replies.TALK else "action_decline")


def _turns(kind, items):
    """The Turns of a story's items; None where they are more than that."""
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return None
    if kind == "tested":
        turns = [Turn(str(item.get("ask") or ""), _gets(item), _names(item.get("offers")), bool(item.get("asked_back"))) for item in items]
        return None if any(set(item) - {"ask", "question", "kind", "offers", "asked_back"} for item in items) else tuple(turns)
    pairs = list(zip(items[::2], items[1::2], strict=False))
    plain = len(items) % 2 == 0 and all(
        isinstance(asked.get("intent"), str) and set(asked) <= {"intent", "says"} and set(done) <= {"action", "offer"}
        and done.get("action") == _action(asked["intent"]) for asked, done in pairs)
    return tuple(Turn(str(asked.get("says") or ""), asked["intent"], _names(done.get("offer"))) for asked, done in pairs) if plain else None


def _gets(item):
    gets = item.get("question") or item.get("kind") or ""
    return content.FALLBACK if gets == content.CLARIFY else str(gets)


def _names(listed):
    return tuple(map(str, listed)) if isinstance(listed, list) else ()


def _rewritten(kind, lines, node, old, story, margin):
    """The lines of a story that was `old`: its head, and each turn that stays as it stood."""
    begin = manuscripts.entries_of(node)[LISTS[kind][2]]
    start, listed = begin[0].start_mark.line + 1, begin[1]
    if listed.flow_style or old.turns is None:
        return _written(kind, story, margin)
    head = lines[node.start_mark.line:start] if (story.name, story.page) == (old.name, old.page) else _head(kind, story, margin)
    size, blocks = 2 if kind == "told" else 1, {}
    for place, turn in enumerate(old.turns):
        end = manuscripts.last_line(None, listed.value[size * (place + 1) - 1])
        blocks.setdefault(turn, []).append(lines[start:end])
        start = end
    return head + [line for turn in story.turns
                   for line in (blocks[turn].pop(0) if blocks.get(turn) else _turn(kind, turn, listed.start_mark.column))]


def _written(kind, story, margin):
    return _head(kind, story, margin) + [line for turn in story.turns for line in _turn(kind, turn, margin + 4)]


def _head(kind, story, margin):
    _, name, items = LISTS[kind]
    head = {name: story.name} | ({"page": story.page} if story.page else {})
    return [*_lines([head], margin), f"{' ' * margin}  {items}:\n"]


def _turn(kind, turn, margin):
    """The lines of a turn."""
    if kind == "tested":
        gets = {"question": turn.gets} if "." in turn.gets else {"kind": content.CLARIFY if turn.gets == content.FALLBACK else turn.gets}
        made = [{"ask": turn.says, **gets, "offers": manuscripts.Few(turn.offers), "asked_back": turn.back}]
    else:
        made = [{"intent": turn.gets, "says": turn.says}, {"action": _action(turn.gets), "offer": manuscripts.Few(turn.offers)}]
    return _lines([{key: value for key, value in item.items() if value} for item in made], margin)


def _lines(items, margin):
    return [f"{' ' * margin}{line}" for line in manuscripts.write_yaml(items).splitlines(keepends=True)]
