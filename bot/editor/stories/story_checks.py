"""What can be known, without asking a release, to be unable to come as a story tells it."""

from collections.abc import Iterator, Sequence

from bot.content import articles, replies, site_content, stories, story_conflicts, story_ways, terms
from bot.content.site_content import SiteContent
from bot.content.stories import Story, Turn
from bot.content.story_ways import Way
from bot.domain.faults import Field
from bot.editor.shared import content_cache, content_files
from bot.editor.shared.fault_places import ShownFault
from bot.editor.shared.state import State
from bot.editor.stories import story_form


def find_faults(desk: State, kind: str, story: Story, key: str | None) -> list[ShownFault]:
    """What a story contradicts, and find_unlikely, as its form shows them; `key`: of the one in the
    file that it is to replace."""
    ways = _list_ways(desk, kind, story, key)
    conflicts = list(_find_conflicts(desk, ways)) if kind == "story" else []
    return conflicts + find_unlikely(desk, kind, story, key)


def find_unlikely(desk: State, kind: str, story: Story, key: str | None) -> list[ShownFault]:
    """Questions of a story that are gone, what no button leads to, and messages that name another
    condition."""
    ways = _list_ways(desk, kind, story, key)
    return [
        *_find_gone(desk, story),
        *_find_unoffered(desk, story, ways),
        *_find_others_named(desk, story),
    ]


def list_contradicting(desk: State, text: str) -> set[str]:
    """The keys of the stories in the text of their file that contradict others, or a rule."""
    ways = story_ways.list_ways("story", text)
    found = story_conflicts.find_conflicts(ways, read_rules(desk))
    return {key for conflict in found for key in conflict.way.keys}


def _list_ways(desk: State, kind: str, story: Story, key: str | None) -> list[Way]:
    """What a release would learn, a story in the place of the one of `key` last."""
    path = content_files.table_path(desk.config, stories.FILES["story"])
    ways = story_ways.list_ways("story", content_files.read_file(path))
    if kind != "story":
        return ways
    return [*(way for way in ways if key not in way.keys), Way(story, (story.name,))]


def _find_conflicts(desk: State, ways: Sequence[Way]) -> Iterator[ShownFault]:
    """What the last of some ways contradicts, with links to the others."""
    for conflict in story_conflicts.find_conflicts(ways, read_rules(desk)):
        if conflict.way is ways[-1]:
            part = "offer" if conflict.other else "gets"
            yield story_form.show_turn(conflict.place + 1, part, conflict.text)
            if other := conflict.other:
                at = f"/editor/stories/story/{other.keys[-1]}"
                said = f"Its message {conflict.other_place + 1} is the other one."
                yield ShownFault(said, f"Story, {other.story.name}", "", at)


def read_rules(desk: State) -> str:
    """The text of the rules, which the desk shows nowhere."""
    return content_files.read_file(desk.config.path("data") / "rules.yml")


def form_fields(kind: str, story: Story) -> dict[Field, tuple[str, str]]:
    """{field of a fault: (name, label)} of the fields of a story's form."""
    group, _, items = stories.LISTS[kind]
    steps = 2 if kind == "story" else 1  # of a message: the second is what is offered
    own: dict[Field, tuple[str, str]] = {}
    for place in range(len(story.turns or ()) * steps):
        part = "offer" if place % steps else "gets"
        shown = story_form.show_turn(place // steps + 1, part, "")
        own[group, story.name, items, place] = shown.name, shown.label
    return own


def _find_gone(desk: State, story: Story) -> Iterator[ShownFault]:
    """What is answered or offered and is no question any more."""
    known = content_cache.read_questions(desk)
    for place, turn in enumerate(story.turns or ()):
        for part, name in (("gets", turn.gets), *(("offer", name) for name in turn.offers)):
            if "." in name and name not in known:
                words = name.replace(".", ": ").replace("_", " ")
                said = f"The question “{words}” isn’t there any more. Choose another."
                yield story_form.show_turn(place + 1, part, said)


def _find_unoffered(desk: State, story: Story, ways: Sequence[Way]) -> list[ShownFault]:
    """Messages that are a question's button, where no reply before offers it; `ways`: what a
    release learns."""
    turns, content = story.turns or (), _read_content(desk)
    told = {turn.gets for way in ways for turn in way.story.turns or ()}
    offers = story_conflicts.learned_offers(turns, story_conflicts.learn_steps(ways), told)
    offered: list[str] = []
    found = []
    for place, turn in enumerate(turns):
        is_button = place and not turn.says and turn.gets in content.questions
        if is_button and turn.gets not in offered:
            found.append(_say_unoffered(content, place, turn, offered))
        asked = [each.gets for each in turns[:place]]
        more = _list_choices(content, story, turn, asked, offers[place])
        if more is None:  # from here on anything may have been offered
            break
        offered += more
    return found


def _list_choices(
    content: SiteContent, story: Story, turn: Turn, asked: Sequence[str], offered: Sequence[str]
) -> list[str] | None:
    """The questions that stand below the reply of a turn; None where that can't be known."""
    if turn.gets in content.questions:
        if turn.says:  # what it may ask besides, or be meant as, is offered, too
            return None
        known = [name for name in offered if name in content.questions]
        choices = replies.next_questions(content, turn.gets, asked, None, known)
        return [choice["value"] for choice in choices]
    if turn.gets in ("greeting", "help", replies.DISTRESS):
        return [each["value"] for each in replies.starter_choices(content, story.page or None)]
    return [] if turn.gets in replies.TALK else None


def _say_unoffered(
    content: SiteContent, place: int, turn: Turn, offered: Sequence[str]
) -> ShownFault:
    last = [content.questions[name].ask for name in list(dict.fromkeys(offered))[-3:]]
    there = f"the last offer is {', '.join(f'“{each}”' for each in last)}" if last else "none is"
    return story_form.show_turn(
        place + 1,
        "says",
        f"No reply before offers “{content.questions[turn.gets].ask}” as a button: {there}. Write "
        f"what the visitor says, or let a message before offer it.",
    )


def _find_others_named(desk: State, story: Story) -> Iterator[ShownFault]:
    """Messages that name a condition of which the answer's article says nothing."""
    known = content_cache.read_questions(desk)
    spoken = [
        (place, turn)
        for place, turn in enumerate(story.turns or ())
        if turn.says and turn.gets in known
    ]
    if not spoken:
        return
    kinds, names, _ = terms.read_terms(desk.config.path("data"))
    find = terms.keep_finder(kinds, names)
    for place, turn in spoken:
        article = content_cache.read_articles(desk)[turn.gets.partition(".")[0]]
        named = {each.term: each.kind for each in find(turn.says)}
        other = next((term for term, kind in named.items() if kind == "condition"), None)
        if other and not set(named) & _list_named(article, find):
            yield story_form.show_turn(
                place + 1,
                "says",
                f"This names {other}, of which “{article.title}” says nothing: it would not be "
                f"answered so. Choose another answer, or other words.",
            )


def _list_named(article: articles.Article, find: terms.Finder) -> set[str]:
    """The terms that an article names. Of 8,864 phrases 9 name a condition, and nothing that their
    question's article names; of those that its own section doesn't name, 119 (2026-12-01)."""
    named = (site_content.named_terms(question, find) for question in article.questions)
    return set[str]().union(*named)


def _read_content(desk: State) -> SiteContent:
    """The articles as the files have them, and no more of their content."""
    return SiteContent(
        folder=str(desk.config.path("data")),
        articles=content_cache.read_articles(desk),
        questions=content_cache.read_questions(desk),
        kinds={},
        names={},
        mentions={},
        talk={},
        texts={},
    )
