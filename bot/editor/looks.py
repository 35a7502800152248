"""What the chat makes of a question as it is being written: its faults by field, how hard it reads,
which phrases come too close to another question's, and how each channel shows it."""

import dataclasses
import datetime
import re

from bot import articles, content, encoder, evidence, replies, terms, wording
from bot.editor import closeness, drafted, library, manuscripts, previews


def look(desk, opened, question, fields):
    """What the chat makes of a question as `fields` have it, in its library.Opened article: {faults
    {field: [(line, said)]}, grade, words, previews [(channel, reply or text)], close, evidence (as
    evidence_of gives it)}."""
    manuscript = {
        **opened.fields,
        "questions": {**opened.fields["questions"], question: fields},
    }
    written = manuscripts.write(opened.text, manuscript)
    wrong = _by_field(written, opened.path, question, faults(desk, opened.path, written))
    article = manuscripts.make_article(manuscript, opened.path)
    (made,) = [each for each in article.questions if each.name == f"{article.id}.{question}"]
    try:
        close = closeness.too_close(desk, fields["train"][:60], made.name)
    except encoder.EncoderMissing:  # takes nothing else away
        close = []
    shown = (
        previews.of(*_answer(desk, article, made, opened.ledger), desk.config)
        if fields["text"].strip() and fields["ask"].strip()
        else []
    )
    cited = evidence.of_text(f"{made.lead}\n\n{made.more}", opened.ledger)
    return {
        "faults": wrong,
        "grade": round(wording.reading_grade(articles.MARK.sub("", fields["text"])), 1),
        "words": len(articles.MARK.sub("", made.lead).split()),
        "previews": shown,
        "close": close,
        "evidence": evidence_of(desk, opened.ledger, cited, article.sources),
        "titles": {name: q.ask for name, q in library.questions(desk).items()},
    }


def _answer(desk, article, question, ledger):
    """(the reply that the chat would give, the fixed texts): the question in its article, beside
    all others as they stand."""
    drafts, today = drafted.read(desk), datetime.datetime.now(datetime.UTC).date()
    held = {} if article.evidence == articles.NOT_HELD else {article.id: ledger}
    shown = dataclasses.replace(
        drafts,
        articles={
            **drafts.articles,
            article.id: dataclasses.replace(article, questions=(question,)),
        },
        questions={**drafts.questions, question.name: question},
        mentions={**drafts.mentions, question.name: question.about},
        ledgers={**drafts.ledgers, **held},
    )
    return {"id": "preview", **replies.answer(shown, question.name, today, 1.0)}, drafts.texts


def evidence_of(desk, ledger, statements, sources):
    """[{statement, is_weak, rows [{n, source, states, where, verdict, read, on, by, version}]}] of
    an article's Statements and Sources; a number that its entry doesn't hold has `states` None."""
    texts = content.read_texts(desk.config.path("data"))[0] or {}
    known = {source.n: source for source in sources}
    return [
        {
            "statement": statement,
            "is_weak": statement.is_held() and evidence.is_weak(statement, ledger),
            "rows": [
                row
                for n in statement.numbers
                for row in _rows(n, statement.entry, ledger, known.get(n), texts)
            ],
        }
        for statement in statements
    ]


def _rows(n, entry, ledger, source, texts):
    """What source `n` says about a statement, a row for each place in it."""
    reading = ledger.readings.get(n)
    common = {
        "n": n,
        "source": source,
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
