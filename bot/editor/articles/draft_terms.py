"""The term that a draft is about: what the terms list has of it, what the text calls it besides,
and what is to be seen to; and its names put into that list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.content import articles, terms
from bot.domain.faults import Fault, Field
from bot.editor.importing import other_names
from bot.editor.shared import content_cache, content_files, term_list
from bot.editor.shared.content_cache import Opened
from bot.editor.shared.state import State

# where a fault of the names is mended on the draft's page: {its field: (name, label)}
FIELDS: Mapping[Field, tuple[str, str]] = {
    ("about",): ("about", "About"),
    ("others",): ("others", "More names that people call it by"),
    ("group",): ("group", "Put it into the terms list"),
}


@dataclass(frozen=True)
class TermProposal:
    """What is proposed for a draft's term. `known`: its other names in the terms list, None where
    that has no such term; `new`: names that the text gives and the list lacks; `taken`: those of
    them that name another term there, (name, term); `article`: the title of another article about
    it, or ""."""

    name: str
    known: tuple[str, ...] | None
    new: tuple[str, ...]
    taken: tuple[tuple[str, str], ...]
    article: str


@dataclass(frozen=True)
class NewNames:
    """A term with other names that are to stand in a group (of terms.KINDS) of the terms list."""

    group: str
    term: str
    others: Sequence[str]


def propose_term(desk: State, opened: Opened) -> TermProposal:
    """The TermProposal of a draft."""
    kinds, names, _ = terms.read_terms(desk.config.path("data"))
    name = opened.article.about
    text = "\n".join(
        articles.MARK.sub("", f"{question.lead}\n{question.more}")
        for question in opened.article.questions
    )
    given = other_names.find_other_names(text, name) if name else []
    own = tuple(other for other, term in names.items() if term == name and other != name.lower())
    return TermProposal(
        name=name,
        known=own if name in kinds else None,
        new=tuple(other for other in given if other.lower() not in names),
        taken=tuple(
            (other, names[other.lower()])
            for other in given
            if names.get(other.lower(), name) != name
        ),
        article=_find_article(desk, opened),
    )


def term_faults(desk: State, opened: Opened) -> list[Fault]:
    """What forbids an article about a term that another article is about."""
    other = _find_article(desk, opened)
    if not other:
        return []
    line = next(
        (n for n, line in enumerate(opened.text.splitlines(), 1) if line.startswith("about:")), 1
    )
    said = (
        f"“{other}” is an article about {opened.article.about} already, and nothing tells apart "
        f"what visitors ask of the two; put these sections into it, or name another term"
    )
    return [Fault(str(opened.path), line, ("about",), said)]


def edit_terms(desk: State, new: NewNames) -> content_files.Edit:
    """The edit that puts names into the terms list; raises articles.ContentError where one is
    another term's."""
    _, names, _ = terms.read_terms(desk.config.path("data"))
    wanted = list(dict.fromkeys(" ".join(name.split()) for name in new.others if name.strip()))
    faults = [
        Fault(
            "",
            None,
            ("about",) if name == new.term else ("others",),
            f"“{name}” names {names[name.lower()]} in the terms list; leave it with one of them",
        )
        for name in (new.term, *wanted)
        if names.get(name.lower(), new.term) != new.term
    ]
    if new.group not in terms.KINDS:
        said = "a term is a condition, a medicine or a treatment; choose which"
        faults.append(Fault("", None, ("group",), said))
    if faults:
        raise articles.ContentError(faults)
    path = content_files.table_path(desk.config, "terms.yml")
    base = content_files.read_file(path)
    added = [
        name for name in wanted if name.lower() not in names and name.lower() != new.term.lower()
    ]
    if new.term.lower() in names and not added:
        return content_files.Edit(path, base, base)
    group = _group_of(desk, new.term) or new.group
    return content_files.Edit(path, term_list.add_term(base, group, new.term, added), base)


def _group_of(desk: State, term: str) -> str | None:
    """The group in which the terms list has a term; None where it has it not."""
    kind = terms.read_terms(desk.config.path("data"))[0].get(term)
    return next((group for group, each in terms.KINDS.items() if each == kind), None)


def _find_article(desk: State, opened: Opened) -> str:
    """The title of another article about the term of a draft, or ""."""
    return next(
        (
            article.title
            for article in content_cache.read_articles(desk).values()
            if article.about == opened.article.about and article.id != opened.article.id
        ),
        "",
    )
