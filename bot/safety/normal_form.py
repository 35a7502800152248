"""What a message says to the eye: the same words, whatever signs a phone, a copy or a worried thumb
made of them. What is stored and shown stays as it was typed; screen and understanding read this
form."""

import html
import re
import unicodedata

APOSTROPHES = dict.fromkeys(map(ord, "´`’‘ʹʼ′＇"), "'") | dict.fromkeys(map(ord, "“”„″"), '"')
# letters of other alphabets that look like Latin ones (Unicode's confusables, the usual ones)
ALIKE = str.maketrans(
    "аеорсухіјѕһԁԛԝАВЕКМНОРСТУХІЈЅαορνικτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijshdqwABEKMHOPCTYXIJSaopviktuxABEZHIKMNOPTYX",
)
WORD = re.compile(r"\w+")
LATIN = re.compile(r"[A-Za-z]")
STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
SPACED = re.compile(r"(?<!\w)(?:[^\W\d_] ){3,}[^\W\d_](?!\w)")
LETTERS = re.compile(r"(?<!\w)(?:[^\W\d_] )+[^\W\d_](?!\w)")
DOTTED = re.compile(r"(?<=[^\W\d_]{2})[.·_](?=[^\W\d_]{2})")
MANY_DOTTED = re.compile(r"(?:[^\W\d_]{2,}[.·_]){2,}")


def make_normal_form(text: str) -> str:
    """The text with HTML entities, full-width and combined signs, apostrophes, blanks and line
    breaks in their usual form; without invisible signs; look-alike letters of other alphabets
    inside Latin words made Latin; letters that are stretched ("helllp"), spaced ("h e l p") or
    dotted put together."""
    text = unicodedata.normalize("NFKC", html.unescape(text).translate(APOSTROPHES))
    text = "".join(
        " " if sign.isspace() else sign
        for sign in text.translate(APOSTROPHES)
        if sign.isspace() or unicodedata.category(sign) not in ("Cf", "Cc", "Mn", "Me")
    )
    text = WORD.sub(_make_latin, text)
    if SPACED.search(text):
        text = LETTERS.sub(lambda found: found[0].replace(" ", ""), text)
    if MANY_DOTTED.search(text):
        text = DOTTED.sub(" ", text)
    return STRETCHED.sub(r"\1", text)


def _make_latin(found):
    """A word with its look-alike letters made Latin, where Latin letters stand in it too."""
    word = found[0]
    return word.translate(ALIKE) if LATIN.search(word) else word
