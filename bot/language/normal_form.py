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
# single signs with a blank, or with one of some other signs, between each two of them
SPACED = re.compile(r"(?<!\w)(?:[\w'] ){3,}[\w'](?!\w)")
LETTERS = re.compile(r"(?<!\w)(?:[\w'] )+[\w'](?!\w)")
HYPHENED = re.compile(r"(?<![\w-])(?:([\w'])([-~*|/+=]))(?:[\w']\2)+[\w'](?!\2?\w)")
FEWEST_LETTERS = 3  # in a run of single signs that is put together; fewer may be numbers
# digits that stand for letters, in a word that holds letters on both sides of one
LEET = str.maketrans("013457$", "oieasts")
SMALL = re.compile(r"(?<![\w$])[a-z0-9$]+")
LETTER_LIKE = re.compile(r"[a-z][013457$]+[a-z]")
DOTTED = re.compile(r"(?<=[^\W\d_]{2})[.·_](?=[^\W\d_]{2})")
MANY_DOTTED = re.compile(r"(?<![^\W\d_])(?:[^\W\d_]{2,}[.·_]){2,}")


def make_normal_form(text: str) -> str:
    """The text with HTML entities, full-width and combined signs, apostrophes, blanks and line
    breaks in their usual form; without invisible signs; look-alike letters of other alphabets
    inside Latin words made Latin; letters that are stretched ("helllp"), spaced ("h e l p"),
    hyphened or dotted put together; digits inside a word in small letters ("br34the") read as the
    letters that they look like."""
    text = unicodedata.normalize("NFKC", html.unescape(text).translate(APOSTROPHES))
    text = "".join(
        " " if sign.isspace() else sign
        for sign in text.translate(APOSTROPHES)
        if sign.isspace() or unicodedata.category(sign) not in ("Cf", "Cc", "Mn", "Me")
    )
    text = WORD.sub(_make_latin, text)
    if any(map(_has_letters, SPACED.findall(text))):
        text = LETTERS.sub(_put_together, text)
    text = HYPHENED.sub(_put_together, text)
    text = SMALL.sub(_read_digits, text)
    if MANY_DOTTED.search(text):
        text = DOTTED.sub(" ", text)
    return STRETCHED.sub(r"\1", text)


def _has_letters(run: str) -> bool:
    return sum(sign.isalpha() for sign in run) >= FEWEST_LETTERS


def _put_together(found: re.Match[str]) -> str:
    """The signs of a run without what stands between them."""
    return found[0][::2] if _has_letters(found[0]) else found[0]


def _read_digits(found: re.Match[str]) -> str:
    """A word with its digits as letters, where one of them stands between letters."""
    word = found[0]
    return word.translate(LEET) if LETTER_LIKE.search(word) else word


def _make_latin(found: re.Match[str]) -> str:
    """A word with its look-alike letters made Latin, where Latin letters stand in it too."""
    word = found[0]
    return word.translate(ALIKE) if LATIN.search(word) else word
