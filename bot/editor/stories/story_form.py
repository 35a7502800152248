"""A story or test conversation as its form sends it."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from starlette.datastructures import FormData

from bot.content import replies, site_content, stories
from bot.content.stories import Story
from bot.editor.shared import content_cache, fault_places, form_texts
from bot.editor.shared.fault_places import ShownFault
from bot.editor.shared.state import State

LONGEST_NAME, LONGEST_SAID = 120, 500
NAME = "What it tells"  # the labels of the form's fields
LABELS = {"says": "The visitor", "gets": "The bot answers", "offer": "Then it offers"}
OTHERS = (*replies.TALK, *site_content.OUTCOMES)  # what else than a question can come
UNTAUGHT = (site_content.FALLBACK, site_content.PASSAGE)  # comes, and is no intent to teach
WANTED = {"story": OTHERS, "test_conversation": (*OTHERS, *UNTAUGHT)}


@dataclasses.dataclass(frozen=True)
class StoryForm:
    """A story or test conversation as its form has it. `base`: what names the file as it was opened
    (empty: as it is); `origin`: the story whose messages it begins with, where it is another way
    from one of them."""

    story: Story
    base: str = ""
    origin: Story | None = None


def read_form(desk: State, kind: str, form: FormData) -> tuple[Story, list[ShownFault]]:
    """(the Story of a form, what is wrong with it)."""
    _, names = list_wordings(desk)
    turns: list[stories.Turn] = []
    faults: list[ShownFault] = []
    story = stories.Story(_line(form.get("name")), (), _line(form.get("page")))
    if not story.name:
        said = "Give it a name: what it tells, in a few words."
        faults.append(fault_places.show_here("name", NAME, said))
    if story.page and story.page not in content_cache.read_articles(desk):
        said = "The page is none of the articles; choose one, or none."
        faults.append(fault_places.show_here("page", "Beside the article", said))
        story = dataclasses.replace(story, page="")
    for number, place in enumerate(form.getlist("turn")[: stories.MOST_TURNS], 1):
        said, gets = _line(form.get(f"says.{place}")), _line(form.get(f"gets.{place}"))
        offers = [
            _line(offer)
            for offer in form.getlist(f"offer.{place}")[: stories.MOST_OFFERS]
            if _line(offer)
        ]
        faults += [
            show_turn(number, key, text)
            for key, text in _turn_faults(kind, (said, gets, offers), names)
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
        said = "Add a message: what the visitor says, and what the bot answers."
        faults.append(fault_places.show_here("turns", "Add a message", said))
    if len(story.name) > LONGEST_NAME:
        said = form_texts.say_too_long(story.name, LONGEST_NAME)
        faults.append(fault_places.show_here("name", NAME, said))
    return dataclasses.replace(story, turns=tuple(turns)), list(dict.fromkeys(faults))


def show_turn(number: int, key: str, text: str) -> ShownFault:
    """A fault of a message, the first being 1, in one of its fields: of LABELS."""
    return fault_places.show_here(f"{key}.{number - 1}", f"Message {number}, {LABELS[key]}", text)


def _turn_faults(
    kind: str, turn: tuple[str, str, Sequence[str]], names: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """(field, sentence) of what is wrong with a message: what is said, what it gets, what is
    offered."""
    said, gets, offers = turn
    for key, wording in (("gets", gets), *(("offer", offer) for offer in offers)):
        if wording and wording not in names:
            yield key, f"No question is worded “{wording[:200]}”. Choose one of the list."
    if not gets:
        yield "gets", "Choose what the bot answers."
    elif gets in names and "." not in names[gets] and names[gets] not in WANTED[kind]:
        yield "gets", f"“{gets}” can’t come in a story."
    if kind == "test_conversation" and not said and "." not in names.get(gets, "."):
        yield "says", "Write what the visitor says."
    for offer in offers:
        if "." not in names.get(offer, "."):
            yield "offer", f"“{offer}” can’t be offered, it is no question."
    if len(said) > LONGEST_SAID:
        yield "says", form_texts.say_too_long(said, LONGEST_SAID)


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
    elif then == "add" and len(turns) < stories.MOST_TURNS:
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
