"""A story or test conversation as its form sends it."""

import dataclasses
from collections.abc import Sequence

from starlette.datastructures import FormData

from bot.content import replies, site_content, stories
from bot.content.stories import Story
from bot.editor.shared import content_cache, form_texts
from bot.editor.shared.state import State
from bot.editor.stories import story_files

LONGEST_NAME, LONGEST_SAID = 120, 500
OTHERS = (*replies.TALK, *site_content.OUTCOMES)  # what else than a question can come
WANTED = {"story": OTHERS, "test_conversation": (*OTHERS, site_content.FALLBACK)}


@dataclasses.dataclass(frozen=True)
class StoryForm:
    """A story or test conversation as its form has it. `base`: what names the file as it was opened
    (empty: as it is)."""

    story: Story
    base: str = ""


def read_form(desk: State, kind: str, form: FormData) -> tuple[Story, list[str]]:
    """(the Story of a form, what is wrong with it)."""
    _, names = list_wordings(desk)
    turns: list[stories.Turn] = []
    faults: list[str] = []
    story = stories.Story(_line(form.get("name")), (), _line(form.get("page")))
    if not story.name:
        faults.append("Give it a name: what it tells, in a few words.")
    if story.page and story.page not in content_cache.read_articles(desk):
        faults.append("The page is none of the articles; choose one, or none.")
        story = dataclasses.replace(story, page="")
    for number, place in enumerate(form.getlist("turn")[: story_files.MOST_TURNS], 1):
        said, gets = _line(form.get(f"says.{place}")), _line(form.get(f"gets.{place}"))
        offers = [
            _line(offer)
            for offer in form.getlist(f"offer.{place}")[: story_files.MOST_OFFERS]
            if _line(offer)
        ]
        unknown = [wording for wording in (gets, *offers) if wording and wording not in names]
        faults += [
            f"Message {number}: no question is worded “{wording[:200]}”. Choose one of the list."
            for wording in unknown
        ]
        if not gets:
            faults.append(f"Message {number}: choose what the bot answers.")
        elif gets in names and "." not in names[gets] and names[gets] not in WANTED[kind]:
            faults.append(f"Message {number}: “{gets}” can’t come in a story.")
        if kind == "test_conversation" and not said and "." not in names.get(gets, "."):
            faults.append(f"Message {number}: write what the visitor says.")
        faults += [
            f"Message {number}: “{offer}” can’t be offered, it is no question."
            for offer in offers
            if "." not in names.get(offer, ".")
        ]
        turns.append(
            stories.Turn(
                said,
                names.get(gets, gets),
                tuple(dict.fromkeys(names.get(offer, offer) for offer in offers)),
                f"back.{place}" in form and "." in names.get(gets, ""),
            )
        )
    if not turns:
        faults.append("Add a message: what the visitor says, and what the bot answers.")
    faults += _length_faults(story.name, turns)
    return dataclasses.replace(story, turns=tuple(turns)), faults


def _length_faults(name: str, turns: Sequence[stories.Turn]) -> list[str]:
    texts = [(name, LONGEST_NAME), *((turn.says, LONGEST_SAID) for turn in turns)]
    return [
        form_texts.say_too_long(text, longest) for text, longest in texts if len(text) > longest
    ]


def arrange_turns(story: Story, then: str, place: int) -> Story:
    """The story after a turn was moved, added below another, or taken out."""
    turns = list(story.turns or ())
    if then in ("up", "down", "out") and not 0 <= place < len(turns):
        return story
    if then == "up" and place:
        turns.insert(place - 1, turns.pop(place))
    elif then == "down":
        turns.insert(place + 1, turns.pop(place))
    elif then == "out":
        turns.pop(place)
    elif then == "add" and len(turns) < story_files.MOST_TURNS:
        turns.insert(place + 1, stories.Turn("", ""))
    return dataclasses.replace(story, turns=tuple(turns))


def list_wordings(desk: State) -> tuple[dict[str, str], dict[str, str]]:
    """({name: its wording}, {wording: name}) of questions and of what else can come; a wording of
    two questions is told apart."""
    known = content_cache.read_questions(desk)
    names: dict[str, str] = {}
    asked = [question.ask for question in known.values()]
    for name, question in known.items():
        other = (
            f" ({name.partition('.')[0].replace('_', ' ')})"
            if asked.count(question.ask) > 1
            else ""
        )
        names[question.ask + other] = name
    names |= {wording: name for name, wording in content_cache.OUTCOMES.items()}
    return {name: wording for wording, name in names.items()}, names


def _line(value: object) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""
