"""Raised and lowered letters as plain text, and the numbers of references among them."""

import re

RAISED = str.maketrans(
    "0123456789+-−–=()abcdefghijklmnoprstuvwxyz", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ"
)
LOWERED = str.maketrans("0123456789+-−–=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
LEVEL = re.compile(r"(?:st|nd|rd|th|[®™©℠*†‡§¶°])*", re.IGNORECASE)  # reads the same on the line
NUMBERS = re.compile(r"\[?\s*(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\s*\]?")
# What a raised number belongs to, and is no reference behind: a number that is no year, or a unit.
POWER = re.compile(
    r"(?:(?<!\b(?:19|20)\d)\d|(?<![\w’'])(?:[mcdkµμn]?m|s|h|k?g|l|L|min|ft|yd|x|y|n|R))\s*$"
)


def raise_text(text: str, before: str, after: str) -> str:
    """A superscript as plain text between what stands `before` and `after` it: the number of a
    reference as `[3]`, else raised letters, or `^(...)` where there are none."""
    text = " ".join(text.split())
    if LEVEL.fullmatch(text):
        return text
    numbers = NUMBERS.fullmatch(text)
    is_isotope = not before[-1:].strip() and after[:1].isalpha()
    if numbers and (text.startswith("[") or not (POWER.search(before) or is_isotope)):
        return f"[{numbers[1]}]"
    raised = text.translate(RAISED)
    return raised if not _has_level(raised, text) else f"^({text})"


def lower_text(text: str) -> str:
    """A subscript as plain text: lowered letters, or the text itself where there are none."""
    text = " ".join(text.split())
    lowered = text.translate(LOWERED)
    return text if _has_level(lowered, text) else lowered


def _has_level(changed: str, text: str) -> bool:
    """Whether a sign of a text has no raised or lowered form."""
    return any(new == old and not old.isspace() for new, old in zip(changed, text, strict=True))
