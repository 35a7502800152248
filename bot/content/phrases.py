"""The phrases of questions: `phrases/<article>.yml`, how people ask them beside what facets.yml
holds for every article.

A question that facets.yml teaches (facets.is_common) needs none; docs/articles.md shows the file.
Faults are returned as a list, never raised one by one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bot.content import articles, facets
from bot.content.articles import Article, Lines, Question
from bot.content.asked_messages import AskedMessage
from bot.domain.faults import Fault, make_locate

FEWEST = 4  # that teach a question which facets.yml doesn't
ADVISED = {"train": 14, "test": 6}  # of such a question


@dataclass(frozen=True)
class Phrases:
    """A question's own phrases."""

    train: tuple[str, ...] = ()
    test: tuple[str, ...] = ()


@dataclass(frozen=True)
class PhraseFile:
    """What a file of phrases holds: those of each question by its id, but for one with a fault, and
    the `lines` on which they stand."""

    path: Path
    questions: Mapping[str, Phrases]
    lines: Lines
    faults: tuple[Fault, ...]

    @property
    def name(self) -> str:
        """The file as editors know it, below their folder of content."""
        return f"{self.path.parent.name}/{self.path.name}"


class Place(NamedTuple):
    """Where a phrase stands: `of` what, as a page says it, and `at` which place of a file."""

    of: str
    at: str = ""


@dataclass(frozen=True)
class Elsewhere:
    """What an article's own phrases are held against: the `facets` of facets.yml (None where it
    can't be read), what people `asked` of them, and where other phrases stand, {normalised phrase:
    its Place}."""

    facets: Collection[str] | None
    asked: Sequence[AskedMessage]
    places: dict[str, Place]


def path_of(folder: str | Path, article: str) -> Path:
    """The file of an article's phrases, whether or not it is there."""
    return Path(folder, "phrases", f"{article}.yml")


def read_all(folder: str | Path, listed: Sequence[Article]) -> tuple[list[Article], list[Fault]]:
    """(the articles `listed` with their phrases, faults) of a content folder."""
    asked = facets.read_facet_phrases(folder, listed)[0]
    elsewhere = Elsewhere(facets.read_facets(folder), asked, {})
    taught: list[Article] = []
    faults: list[Fault] = []
    for article in listed:
        read = read_file(path_of(folder, article.id))
        taught.append(add_phrases(article, read))
        faults += find_faults(taught[-1], read, elsewhere)
    names = {article.id for article in listed}
    for path in articles.list_files(folder, "phrases/*.yml"):
        if path.stem in names:
            continue
        if Path(folder, "articles", f"{path.stem}.md").is_file():  # which has faults
            faults += read_file(path).faults
        else:
            said = f"there is no article {path.stem}"
            write = "name the file as its article, or delete it"
            faults.append(Fault(str(path), 1, (), said, write))
    return taught, faults


def read_file(path: Path) -> PhraseFile:
    """The PhraseFile at a path; one without phrases where there is none."""
    text, faults = articles.read_text(path) if path.is_file() else ("", [])
    return PhraseFile(path, {}, {}, tuple(faults)) if text is None else parse(text, path)


@articles.keep_for_the_day
def parse(text: str, path: Path) -> PhraseFile:
    """The PhraseFile of a text; one that holds nothing but comments has no phrases."""
    text = articles.NO_BREAK.sub(" ", text.removeprefix("\ufeff"))
    if is_empty(text):
        return PhraseFile(path, {}, {}, ())
    data, lines, faults = articles.read_yaml(text, path)
    if data is None:
        return PhraseFile(path, {}, {}, tuple(faults))
    faults += articles.cut_faults(text, path)

    at = make_locate(path, lines)
    questions: dict[str, Phrases] = {}
    for id, lists in data.items():
        if not isinstance(id, str):
            said = f"{id!r} names no question"
            faults.append(Fault(*at(id), said, "write its id as its article has it"))
            continue
        if not isinstance(lists, dict) or not lists or set(lists) - set(articles.PHRASE_KEYS):
            said = f"the phrases of {id} can't be read"
            write = f"{id} holds lists of phrases, `train:` and perhaps `test:`, and nothing else"
            faults.append(Fault(*at(id), said, write))
            continue
        found = [
            fault
            for key, listed in lists.items()
            for fault in articles.phrase_faults(listed, partial(at, id), (key,))
        ]
        faults += found
        if not found:
            questions[id] = Phrases(**{key: tuple(lists[key]) for key in lists})
    return PhraseFile(path, questions, lines, tuple(faults))


def is_empty(text: str) -> bool:
    """Whether the text of a file holds no phrases, but perhaps comments."""
    return all(line.lstrip()[:1] in ("", "#") for line in text.splitlines())


def add_phrases(article: Article, read: PhraseFile) -> Article:
    """The article with the phrases of a file in its questions."""
    return replace(
        article,
        questions=tuple(
            replace(question, train=own.train, test=own.test)
            for question in article.questions
            for own in [read.questions.get(_id_of(question), Phrases())]
        ),
    )


def find_faults(article: Article, read: PhraseFile, elsewhere: Elsewhere) -> list[Fault]:
    """What is wrong with the phrases of an article, which has them; Elsewhere's places grow by
    them."""
    ids = {_id_of(question) for question in article.questions}
    return [
        *read.faults,
        *(
            Fault(
                str(read.path),
                read.lines[(id,)],
                (id,),
                f"the article {article.id} has no question {id}; correct the name, or delete it "
                f"with its phrases",
            )
            for id in read.questions
            if id not in ids
        ),
        *_few_faults(article, read, elsewhere.facets),
        *_repeated_faults(article, read, elsewhere),
    ]


def list_common(article: str, asked: Iterable[AskedMessage]) -> dict[str, str]:
    """{normalised phrase: the question that it asks} of what people `asked` of the facets that an
    article answers."""
    return {
        articles.normalise_phrase(row.text): row.asks[0]
        for row in asked
        if row.asks and row.asks[0].partition(".")[0] == article
    }


def _few_faults(
    article: Article, read: PhraseFile, known: Collection[str] | None
) -> Iterable[Fault]:
    """Questions that nothing teaches enough."""
    unreadable = bool(read.faults) and not read.lines
    for question in article.questions:
        id, count = _id_of(question), len(question.train)
        is_wrong = (id,) in read.lines and id not in read.questions  # which another fault tells
        if known is None or unreadable or is_wrong or count >= FEWEST:
            continue
        if facets.is_common(question, article.about, known):
            continue
        why = (
            f"nothing else teaches the side “{question.facet}”"
            if question.about[0] == article.about
            else f"it is about {question.about[0]}, and only what is about {article.about} is "
            f"taught elsewhere"
        )
        said = (
            f"the question {id} has {count} phrases that teach it; write at least {FEWEST}, for "
            f"{why}"
        )
        write = f"below `{id}:` and `train:` in {read.name}; data/facets.yml teaches the others"
        yield Fault(*make_locate(read.path, read.lines)(id, "train"), said, write)


def _repeated_faults(article: Article, read: PhraseFile, elsewhere: Elsewhere) -> Iterable[Fault]:
    """Phrases that stand in two places."""
    common = list_common(article.id, elsewhere.asked)
    for question in article.questions:
        id = _id_of(question)
        for kind in articles.PHRASE_KEYS:
            for i, phrase in enumerate(getattr(question, kind)):
                form, line = articles.normalise_phrase(phrase), read.lines[id, kind, i]
                where = str(read.path), line, (id, kind, i)
                here = Place(question.name, f"{kind}, {read.name}:{line}")
                first = elsewhere.places.setdefault(form, here)
                if first != here:
                    said = f'"{phrase}" stands in {first.of} too; keep it in one place'
                    yield Fault(*where, said, f"there: {first.at}" if first.at else "")
                if form in common:
                    said = (
                        f'"{phrase}" is taught for every article already, and asks {common[form]}; '
                        f"delete it here"
                    )
                    yield Fault(*where, said, "it stands in data/facets.yml")


def _id_of(question: Question) -> str:
    return question.name.partition(".")[2]
