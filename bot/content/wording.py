"""The wording of what people read: reading grade, words that must not reach visitors, and counts
with their nouns.

The first two are used for articles and for the fixed texts alike.
"""

import functools
import re

MAX_GRADE = 9
MIN_WORDS = 12  # a grade of fewer words says nothing

# (what must not be said, why and what to write instead); small letters
BANNED = (
    (
        r"\byou (?:probably |may |might |could |clearly )?have (?!questions|any questions|a "
        r"question)",
        "tells the reader what he has; write about people in general",
    ),
    (
        r"\byou(?:'re| are) (?:suffering|ill|sick|epileptic|fine|okay|healthy)\b",
        "judges the reader; write about people in general",
    ),
    (
        r"\byou (?:don't|do not|needn't|need not) (?:need|have to see|see)\b.*\bdoctor",
        "keeps the reader from a doctor; say when to see one",
    ),
    (
        r"\b(?:there(?:'s| is) no need|no need) (?:for a|to (?:see|call|ask) (?:a|your|the)) "
        r"(?:doctor|nurse|ambulance)",
        "keeps the reader from a doctor; say when to see one",
    ),
    (
        r"(?:^|[.!?:]\s+|please )(?:stop|keep|start|continue|go on) (?:taking|with the|with "
        r"your|your|the (?:medicine|tablet|pill|drug)s?)\b",
        "decides about a medicine; say whom to ask",
    ),
    (
        r"\b(?:is (?:probably|likely|clearly|certainly)|must be|sounds like|looks like) your\b",
        "diagnoses; write about people in general",
    ),
    (
        r"\b(?:nothing|no need|no reason) to worry\b|\bdon't worry\b",
        "promises too much; say what is known",
    ),
    (
        r"\byou (?:should|must|can|may) (?:stop|start|continue|keep|increase|reduce|take)\b",
        "decides about a medicine; say whom to ask",
    ),
    (
        r"\b\d[\d.,]* ?(?:mg|milligrams?|mcg|micrograms?|ml|g|grams?|tablets?|pills?|drops)\b",
        "names a dose; leave doses out",
    ),
)
SHAPES = (
    (r"[{}]|\$\{", "holds a brace; write round brackets"),
    (r"<[a-zA-Z/!][^>]*>", "holds HTML; write plain text"),
    (
        r"!?\[[^\]]*\]\(",
        "holds a link or a picture in Markdown; write the words alone, and the address as a source",
    ),
    (r"\|[^|\n]*\|", "holds a table; write sentences or a list"),
    (r"&(?:[A-Za-z]+|#\d+|#[xX][0-9A-Fa-f]+);", "holds an HTML entity; write the sign itself"),
    (r"\[\d+ ?[-–,;] ?\d+", "holds several sources in one bracket; write [1][2][3]"),
    (
        "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]",
        "holds a sign that nobody sees; write the words around it anew",
    ),
)


def wording_faults(text: str) -> list[str]:
    """What is wrong with the wording of `text`, as a list of sentences ([] when all is well)."""
    return list(_find_faults(text))


@functools.lru_cache(maxsize=8192)  # paragraphs of articles and fixed texts alone
def _find_faults(text: str) -> tuple[str, ...]:
    low = text.lower().replace("’", "'")
    found = [
        f'"{match[0].strip()}" {why}'
        for pattern, why in BANNED
        for match in re.finditer(pattern, low)
    ]
    found += [why for pattern, why in SHAPES if re.search(pattern, text)]
    grade = reading_grade(text)
    if grade > MAX_GRADE:
        found.append(
            f"the text reads at grade {grade:.1f}; use shorter sentences and words to reach "
            f"{MAX_GRADE}"
        )
    return tuple(found)


def reading_grade(text: str) -> float:
    """The school grade that reads `text` (Flesch-Kincaid: Kincaid et al. 1975); 0 for under 12
    words."""
    sentences = [part for part in re.split(r"[.!?:]+(?=\s|$)|\n+", text) if re.search(r"\w", part)]
    words = re.findall(r"[A-Za-z][A-Za-z'’-]*", text)
    if len(words) < MIN_WORDS:
        return 0.0
    return (
        0.39 * len(words) / len(sentences) + 11.8 * sum(map(_syllables, words)) / len(words) - 15.59
    )


def counted(count: int, one: str, many: str = "") -> str:
    """A count with its noun: "1 statement", "1,169 statements"; `many`: the plural, where it isn't
    `one` with an s."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def duration(seconds: float) -> str:
    """A time that something took: "14 s", "1 min 33 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _syllables(word: str) -> int:
    """Syllables of an English word, by its groups of vowels."""
    word = re.sub(r"[^a-z]", "", word.lower())
    word = re.sub(r"(?:[^laeiouy]es|[^td]ed|[^aeiouyl]e)$", lambda tail: tail[0][0], word)
    return max(1, len(re.findall(r"[aeiouy]+", word)))
