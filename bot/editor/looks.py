"""What the chat makes of a question as it is being written: its faults by field, how hard it reads,
which phrases come too close to another question's, and how each channel shows it."""

import dataclasses
import datetime
import re

from bot import articles, content, encoder, evidence, replies, terms, wording
from bot.editor import closeness, drafted, files, library, manuscripts, previews


def look(desk, path, question, fields):
    """What the chat makes of a question: {faults {field: [(line, said)]}, grade, words, previews
    [(channel, reply or text)], close, evidence (statements as evidence_of gives them, or None
    where the article has no ledger)}."""
    id, text = path.stem, files.read(path)
    manuscript = manuscripts.read(text, path.name)
    manuscript["questions"][question] = fields
    written = manuscripts.write(text, manuscript)
    wrong = _by_field(written, path, question, faults(desk, path, written))
    lead = articles.MARK.sub("", fields["text"].strip().split("\n\n")[0])
    try:
        close = closeness.too_close(desk, fields["train"][:60], f"{id}.{question}")
    except encoder.EncoderMissing:  # takes nothing else away
        close = []
    shown = (
        previews.of(*_answer(desk, id, question, fields, manuscript), desk.config)
        if fields["text"].strip() and fields["ask"].strip()
        else []
    )
    return {
        "faults": wrong,
        "grade": round(wording.reading_grade(articles.MARK.sub("", fields["text"])), 1),
        "words": len(lead.split()),
        "previews": shown,
        "close": close,
        "evidence": evidence_of(
            desk,
            library.read_ledgers(desk).get(id),
            "\n\n".join(_blocks(question, fields)),
            manuscript["sources"],
        ),
        "titles": {name: q.ask for name, q in library.questions(desk).items()},
    }


def _answer(desk, id, question, fields, manuscript):
    """(the reply that the chat would give, the fixed texts): the question in its article, beside
    all others as they stand."""
    drafts, blocks = drafted.read(desk), _blocks(question, fields) or [" "]
    made = articles.Question(
        name=f"{id}.{question}",
        ask=fields["ask"],
        about=(fields["about"] or manuscript["about"],),
        facets=(fields["facet"] or "-",),
        train=(),
        test=(),
        title=fields["heading"] or fields["ask"],
        lead=blocks[0],
        more="\n\n".join(blocks[1:]),
        line=1,
    )
    today = datetime.datetime.now(datetime.UTC).date()
    sources = tuple(
        articles.Source(n, source["title"], source["url"], source["publisher"])
        for n, source in manuscript["sources"].items()
    )
    article = articles.Article(
        id=id,
        path=id,
        title=manuscript["title"],
        about=manuscript["about"],
        url=manuscript["url"],
        written_by=manuscript["written_by"],
        written_on=_day(manuscript["written_on"]) or today,
        reviewed_by=manuscript["reviewed_by"],
        reviewed_on=_day(manuscript["reviewed_on"]),
        review_every=36_500,
        sources=sources,
        revision="draft",
        questions=(made,),
    )
    shown = dataclasses.replace(
        drafts,
        articles={**drafts.articles, id: article},
        questions={**drafts.questions, made.name: made},
        mentions={**drafts.mentions, made.name: made.about},
    )
    return {"id": "preview", **replies.answer(shown, made.name, today, 1.0)}, drafts.texts


def _blocks(question, fields):
    """The paragraphs and lists of a question's text, as an article's are read."""
    head = f"## {fields['heading'] or fields['ask']} {{#{question}}}"
    sections = articles.read_sections(f"{head}\n\n{fields['text']}\n", 1, question)[0]
    return [block for _, block in sections[question]["blocks"]]


def evidence_of(desk, ledger, text, sources):
    """[{says, is_held, rows [{n, title, url, states, where, verdict, read, on, by, version}]}] of
    each cited statement of a text whose article has these `sources`; a number that its entry
    doesn't hold has `states` None. None where there is no ledger."""
    if ledger is None:
        return None
    texts = content.read_texts(desk.config.path("data"))[0] or {}
    return [
        {
            "says": statement.says,
            "is_held": statement.is_held(),
            "rows": [
                row
                for n in statement.numbers
                for row in _rows(n, statement.entry, ledger, sources, texts)
            ],
        }
        for statement in evidence.of_text(text, ledger)
    ]


def _rows(n, entry, ledger, sources, texts):
    """What source `n` says about a statement, a row for each place in it."""
    reading, source = ledger.readings.get(n), sources.get(n) or {}
    common = {
        "n": n,
        "title": source.get("title", ""),
        "url": source.get("url", ""),
        "read": texts.get("read_as", {}).get(reading.read, reading.read)
        if reading
        else "never read",
        "version": reading.version if reading else None,
        "on": reading.on if reading else None,
        "by": reading.by if reading else "",
    }
    given = [each for each in entry.evidence if each.source == n] if entry else []
    if not given:
        return [{**common, "states": None, "where": "", "verdict": ""}]
    return [
        {
            **common,
            "states": each.states,
            "where": each.where,
            "verdict": each.verdict.replace("_", " "),
        }
        for each in given
    ]


def _by_field(written, path, question, faults):
    """{field: [(line or None, what is wrong)]} of this question's faults; "" holds those of the
    rest of the article."""
    found = {}
    lines = written.splitlines()
    data_lines = articles.read_yaml(articles.split(written)[0] or "", path, first_line=2)[1]
    section = next(
        (
            number
            for number, line in enumerate(lines, 1)
            if (m := articles.HEADING.match(line)) and m["id"] == question
        ),
        None,
    )
    following = next(
        (
            number
            for number, line in enumerate(lines, 1)
            if section and number > section and line.startswith("## ")
        ),
        len(lines) + 1,
    )
    for fault in faults:
        place = re.match(r".*?\.md:(\d+): (.*)", fault, re.DOTALL)
        if not place:
            found.setdefault("", []).append((None, fault))
            continue
        number, said = int(place[1]), place[2]
        if section and section <= number < following:
            found.setdefault("heading" if number == section else "text", []).append(
                (number - section - 1 if number > section else None, said)
            )
            continue
        keys = [
            keys
            for keys, line in data_lines.items()
            if line == number and keys[:2] == ("questions", question)
        ]
        if keys:
            deepest = max(keys, key=len)
            found.setdefault(deepest[2] if len(deepest) > 2 else "ask", []).append(
                (deepest[3] + 1 if len(deepest) > 3 else None, said)
            )
    return found


def faults(desk, path, text):
    """What forbids an article's text: its own faults, phrases that stand in other articles, terms
    that are none."""
    article, found = articles.read(text, path)
    if article is None:
        return found
    kinds, _, _ = terms.read(desk.config.path("data"))
    others = {
        articles.normalise(phrase): question.name
        for question in library.questions(desk).values()
        if question.name.partition(".")[0] != path.stem
        for phrase in (*question.train, *question.test)
    }
    found += articles.repeated_phrases(
        article, text, {phrase: (name, "another article", "") for phrase, name in others.items()}
    )
    return found + content.unknown_terms([article], kinds) + content.title_faults([article])


def _day(text):
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None
