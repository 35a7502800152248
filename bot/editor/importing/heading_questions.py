"""The question that a heading asks: its id, facet, wording, and phrases to begin with."""

import re
from collections.abc import Container
from dataclasses import dataclass

from bot.content import articles

# facet: (what a heading of it says, how people ask for it; {is} is "are" of several)
FACETS = {
    "side_effects": (
        r"side.effects?|adverse",
        ["what are the side effects", "does it have side effects"],
    ),
    "symptoms": (
        r"symptoms?|signs?|feel like|look like",
        ["what are the symptoms of {about}", "signs of {about}", "how do i know if it is {about}"],
    ),
    "triggers": (
        r"triggers?|sets? (?:it|them) off|worse",
        ["what triggers {about}", "what makes {about} worse"],
    ),
    "risk_factors": (
        r"risk factors?|who gets|at risk",
        ["who gets {about}", "what raises the risk of {about}"],
    ),
    "causes": (
        r"causes?|why",
        ["what causes {about}", "why do people get {about}", "cause of {about}"],
    ),
    "diagnosis": (
        r"diagnos\w+|tests?|exams?",
        [
            "how {is} {about} diagnosed",
            "is there a test for {about}",
            "how do doctors find {about}",
        ],
    ),
    "medicines": (
        r"medicines?|medications?|drugs?|tablets?",
        ["which medicines help with {about}", "what tablets are there for {about}"],
    ),
    "treatments": (
        r"treat\w*|therap\w+|manag\w+|surgery",
        ["how {is} {about} treated", "treatment for {about}", "what helps against {about}"],
    ),
    "prevention": (
        r"prevent\w*|avoid\w*",
        ["can {about} be prevented", "how do i stop getting {about}"],
    ),
    "outlook": (
        r"outlook|prognosis|go away|cured?|long.term",
        ["{does} {about} go away", "can {about} be cured"],
    ),
    "seriousness": (
        r"serious|dangerous|complications?|life.threatening",
        ["{is} {about} dangerous", "how serious {is} {about}"],
    ),
    "when_to_seek_help": (
        r"doctor|medical help|seek|emergency|urgent",
        ["when should i see a doctor about {about}", "do i need a doctor for {about}"],
    ),
    "inheritance": (
        r"inherit\w*|genetic\w*|famil\w+|hereditary",
        ["{is} {about} inherited", "{does} {about} run in families"],
    ),
    "types": (r"types?|kinds?|forms?", ["what types of {about} are there", "kinds of {about}"]),
    "pregnancy": (
        r"pregnan\w+|breast.?feed\w*",
        ["{about} and pregnancy", "{is} {about} a problem in pregnancy"],
    ),
    "children": (
        r"child\w*|bab(?:y|ies)|infants?",
        ["{about} in children", "can children have {about}"],
    ),
    "daily_life": (
        r"living|daily|everyday|work|driving|cop\w+",
        ["living with {about}", "how {does} {about} affect everyday life"],
    ),
    "definition": (
        r"what (?:is|are)|overview|about|introduction|definition|summary",
        ["what {is} {about}", "{about} meaning", "tell me about {about}"],
    ),
}
# how people ask about a medicine or treatment of its own, by the facet that a heading names of it
OF_MEDICINES = {
    None: ("use", ["what is {about} for", "does {about} help", "{about}"]),
    "definition": ("use", ["what is {about} for", "what is {about}", "{about}"]),
    "side_effects": (
        "side_effects",
        ["what are the side effects of {about}", "{about} side effects", "is {about} safe"],
    ),
}
LONGEST_ID = 60  # letters; content_files.article_path takes 80, with a number behind
# ends with s and is one thing: after these letters, or as one of these words
ONE = re.compile(
    r"(?:[sui]s|['’]s|\b(?:aids|ascites|caries|diabetes|gas|herpes|lens|measles|mumps|pancreas|rabies|"
    r"rickets|scabies|series|shingles))$",
    re.IGNORECASE,
)
ASKS = re.compile(
    r"(?:what|why|how|when|where|which|who|can|could|does|do|is|are|will|would|should)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class HeadingQuestion:
    """What a heading asks. `about`: a medicine or treatment that it is about, or "" for what the
    article is about; `phrases`: ways of asking it, to begin with."""

    id: str
    ask: str
    about: str
    facet: str
    phrases: list[str]


def ask_heading(heading: str, about: str, taken: Container[str]) -> HeadingQuestion:
    """The question that a heading asks of what its article is about; no id is `taken`."""
    id, facet = name_question(heading, about, taken)
    ask = write_question(heading, facet, about)
    return HeadingQuestion(id, ask, "", facet, write_phrases(heading, facet, about))


def ask_medicine(heading: str, term: str, taken: Container[str]) -> HeadingQuestion | None:
    """The question that a heading asks of a medicine or treatment; None where it asks how the
    condition is treated."""
    facet, asked = OF_MEDICINES.get(find_facet(heading), ("", []))
    if not facet:
        return None
    base = make_id(term) if facet == "use" else make_id(f"{term} {facet}")
    filled = [phrase.replace("{about}", term) for phrase in asked]
    own = heading.rstrip("?:.").lower()
    phrases = {articles.normalise_phrase(phrase): phrase.lower() for phrase in [own, *filled]}
    ask = heading if heading.endswith("?") else f"{filled[0][:1].upper()}{filled[0][1:]}?"
    return HeadingQuestion(_find_free(base, taken), ask, term, facet, list(phrases.values()))


def find_facet(heading: str) -> str | None:
    """The side of its subject that a heading names; None for none."""
    return next(
        (
            facet
            for facet, (words, _) in FACETS.items()
            if re.search(rf"\b(?:{words})\b", heading, re.IGNORECASE)
        ),
        None,
    )


def explain_facet(heading: str, facet: str) -> str:
    """The words of a heading by which it names this side of its subject; "" where it names it
    not."""
    words = FACETS[facet][0] if facet in FACETS else facet.replace("_", " ")
    named = re.search(rf"\b(?:{words})\b", heading, re.IGNORECASE)
    return named[0] if named else ""


def name_question(heading: str, about: str, taken: Container[str]) -> tuple[str, str]:
    """(id, facet) of a section: the side of the subject that its heading names, or its words where
    that is taken."""
    facet = find_facet(heading)
    if facet and facet not in taken:
        return facet, facet
    id = _find_free(make_id(heading.lower().replace(about or "\0", " ")), taken)
    return id, id


def _find_free(base: str, taken: Container[str]) -> str:
    base = base or "section"
    names = (base, *(f"{base}_{n}" for n in range(2, 1_000)))
    return next(name for name in names if name not in taken and name != articles.MADE_BY_US)


def make_id(text: str) -> str:
    words = re.findall(r"[a-z0-9]+", text.lower())
    joined = "_".join(words[:4])[:LONGEST_ID].rstrip("_")
    return joined if re.match("[a-z]", joined) else f"a_{joined}" if joined else ""


def write_question(heading: str, facet: str, about: str) -> str:
    if heading.endswith("?"):
        return heading
    if ASKS.match(heading):
        return f"{heading.rstrip('.:')}?"
    asked = _fill(FACETS[facet][1][0], about) if facet in FACETS else heading
    return asked[:1].upper() + asked[1:].rstrip("?") + "?"


def write_phrases(heading: str, facet: str, about: str) -> list[str]:
    """Phrases to begin with: the heading, and how people ask for what it names."""
    own = heading.rstrip("?:.").lower()
    asked = [_fill(phrase, about).lower() for phrase in FACETS.get(facet, ("", []))[1]]
    if about.lower() not in own and not ASKS.match(own):
        own = f"{own} {about.lower()}"
    return list({articles.normalise_phrase(phrase): phrase for phrase in [own, *asked]}.values())


def _fill(asked: str, about: str) -> str:
    """A way of asking with its subject in it: of one thing, or of several."""
    last = about.rpartition(" ")[2]
    # an abbreviation in capitals is one
    several = last.lower().endswith("s") and not last.isupper() and not ONE.search(last)
    return (
        asked.replace("{is}", "are" if several else "is")
        .replace("{does}", "do" if several else "does")
        .replace("{about}", about)
    )
