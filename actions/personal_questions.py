"""What a message that asks for a decision about one person is about: which text declines it, and
whether its writer is afraid."""

import re
from collections.abc import Container

MEDICINE, DIAGNOSIS, LIFE = "personal_advice", "personal_diagnosis", "personal_life"
OTHER = "personal_general"
# the sides of a condition that fit below each text
FACETS = {
    MEDICINE: ("medicines", "treatments", "side_effects"),
    DIAGNOSIS: ("diagnosis", "symptoms", "when_to_seek_help"),
    LIFE: ("daily_life", "triggers", "self_help"),
    OTHER: ("when_to_seek_help", "outlook", "treatments"),
}
FEARED = ("seriousness", "outlook", "when_to_seek_help")  # by somebody who is afraid
ABOUT_MEDICINE = re.compile(
    r"\b(pills?|tablets?|doses?|dosage|amount|medicines?|meds?|medications?|drugs?|prescri\w+"
    r"|\d* ?mg|capsules?|syrup|injections?|jabs?|vaccine|needles?|op|operation|surgery|too much"
    r"|how much|take (it|them|two|2|one|more|another|half)|another half|come off|wean"
    r"|skip (it|one|a)|(stop|start|quit|double|halve|swap|cut|drop) (my|it|taking|the|her|his))\b",
    re.IGNORECASE,
)
ABOUT_LIFE = re.compile(
    r"\b(driv(e|ing)|car|bike|cycl\w+|work|job|school|nursery|fly|flying|plane|travel\w*|holiday"
    r"|swim\w*|sports?|gym|run|running|exercise|alcohol|drink(ing)?|wine|beers?|coffee|eat|diet"
    r"|baths?|ladder|sex|smok\w+|weed|pregnan\w+|phone|gam(es?|ing))\b",
    re.IGNORECASE,
)
ABOUT_DIAGNOSIS = re.compile(
    r"\b(do i have|have i got|i have it|got it|could (it|this|that|mine|he|she|i) be|could i have"
    r"|(does|has|is) (he|she|my \w+) (have|got|having)|is (it|this|that|mine)|am i|was (it|that)"
    r"|think i have|what do i have|what is wrong|what'?s wrong|wrong with me|diagnos\w+|tumou?r"
    r"|in me|signs? of|sounds? like|my symptoms|results?|report|tests? says?|scan says?)\b",
    re.IGNORECASE,
)
AFRAID = re.compile(
    r"\b(scared|afraid|terrif\w+|frighten\w*|worried|worry\w*|panic\w*|petrified|freak\w*|fear\w*"
    r"|anxious|dread\w*|die|dying|kill (me|him|her|us|you)|crying|can'?t stop thinking)\b",
    re.IGNORECASE,
)


def find_text(text: str, kinds: Container[str | None]) -> str:
    """The name of the text that declines a message; `kinds`: those of the terms that it names."""
    if "medicine" in kinds or ABOUT_MEDICINE.search(text):
        return MEDICINE
    if ABOUT_LIFE.search(text):
        return LIFE
    return DIAGNOSIS if ABOUT_DIAGNOSIS.search(text) else OTHER


def is_afraid(text: str) -> bool:
    """Whether the writer of a message is afraid, by its words."""
    return bool(AFRAID.search(text))


def fitting_facets(text: str, afraid: bool) -> tuple[str, ...]:
    """The sides that fit below the text of this name, the first first."""
    return (FEARED if afraid else ()) + FACETS[text]
