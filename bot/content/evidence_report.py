"""What `bot evidence` prints: how far each article's statements are held against its sources, and
what deserves a second look."""

import datetime
from collections.abc import Callable, Mapping, Sequence

from bot.content import evidence
from bot.content.articles import Article
from bot.content.evidence import Ledger, Statement
from bot.content.wording import counted

MOST_SAID = 100  # characters of a statement that is listed
READ_AS = {
    evidence.Read.WHOLE: "whole",
    evidence.Read.PART: "in part",
    evidence.Read.ABSTRACT: "as an abstract",
    evidence.Read.COPY: "as a copy",
    evidence.Read.QUOTED: "quoted elsewhere",
    evidence.Read.FACTS: "as reference facts",
}


def write_report(
    article: Article, ledger: Ledger | None, today: datetime.date, older_than: int
) -> list[str]:
    """The lines on one article; `older_than`: days from which a source's version counts as old."""
    if ledger is None:
        return [f"{article.id}: its statements were not held against its sources (evidence: none)"]
    figures, doubtful = (
        evidence.summarise_evidence(article, ledger),
        evidence.doubtful_sources(article, ledger),
    )
    return [
        f"{article.id}: {figures.held} of "
        f"{counted(figures.statements, 'statement has', 'statements have')} evidence; "
        f"{counted(figures.uncited, 'sentence names', 'sentences name')} no source",
        f"  verdicts: {_by_kind(figures.verdicts, lambda kind: kind.replace('_', ' '))}",
        f"  {counted(sum(figures.reads.values()), 'source')}: "
        f"{_by_kind(figures.reads, READ_AS.get)}",
        *_statements(article, ledger),
        *_listed(
            "on a source that changed or was withdrawn:",
            [
                f"{_place(article, each)} [{n}]"
                for each in evidence.of_article(article, ledger, evidence.lines_of(article))
                for n in each.numbers
                if n in doubtful
            ],
        ),
        *_old_sources(article, ledger, today, older_than),
    ]


def _statements(article: Article, ledger: Ledger) -> list[str]:
    """What has no evidence, and what rests on one source that was only quoted or read in part."""
    lines = evidence.lines_of(article)
    cited = [each for each in evidence.of_article(article, ledger, lines) if each.numbers]
    bare = [each for each in cited if not each.is_held()]
    weak = [each for each in cited if each.is_held() and evidence.is_weak(each, ledger)]
    return [
        *_listed("without evidence:", [_place(article, each) for each in bare]),
        *_listed(
            "on one source that was quoted or read in part:",
            [
                f"{_place(article, each)} [{each.numbers[0]}], "
                f"{READ_AS[ledger.readings[each.numbers[0]].read]}"
                for each in weak
            ],
        ),
    ]


def _old_sources(
    article: Article, ledger: Ledger, today: datetime.date, older_than: int
) -> list[str]:
    """Sources whose version is old, the oldest first, and how many tell no date."""
    before = today - datetime.timedelta(days=older_than)
    dated = [
        (reading.version, source)
        for source in article.sources
        if (reading := ledger.readings.get(source.n)) and reading.version
    ]
    old = [
        f"[{source.n}] {version}: {source.title}, {source.publisher}"
        for version, source in sorted(dated, key=lambda each: each[0])
        if version < before
    ]
    unknown = len(ledger.readings) - len(dated)
    return [
        *_listed(f"version older than {counted(older_than, 'day')}:", old),
        *([f"  version of unknown date: {counted(unknown, 'source')}"] if unknown else []),
    ]


def _listed(title: str, lines: Sequence[str]) -> list[str]:
    return [f"  {title} {len(lines)}", *(f"    {line}" for line in lines)] if lines else []


def _place(article: Article, statement: Statement) -> str:
    said = statement.says
    short = said if len(said) <= MOST_SAID else f"{said[: MOST_SAID - 1]}…"
    return f"{article.path}:{statement.line}: {short}"


def _by_kind[Kind](counts: Mapping[Kind, int], name: Callable[[Kind], str | None]) -> str:
    return ", ".join(f"{count} {name(kind)}" for kind, count in counts.items()) or "none"
