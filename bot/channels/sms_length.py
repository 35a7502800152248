"""How long a text message is: GSM 03.38's alphabet, its extension, and what is in neither (3GPP TS
23.038, 23.040)."""

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")  # take two places
PLAIN = str.maketrans(
    {
        "“": '"',
        "”": '"',
        "„": '"',
        "‘": "'",
        "’": "'",
        "–": "-",
        "—": "-",
        "‑": "-",
        "−": "-",
        "…": "...",
        "•": "-",
        "\u00a0": " ",
        "\u202f": " ",
        "×": "x",
        "≥": ">=",
        "≤": "<=",
        "`": "'",
    }
)


def plain_typography(text: str) -> str:
    """A text whose typography is written in signs of the basic alphabet: one sign outside it would
    halve what a segment holds."""
    return text.translate(PLAIN)


def count_segments(text: str) -> int:
    """How many segments a text is sent in: of 160 places, or 153 where it is more than one; of 70
    and 67 outside the alphabet.

    No sign is cut in two: one of two places that doesn't fit opens the next segment.
    """
    if all(sign in BASIC or sign in EXTENDED for sign in text):
        sizes, whole, part = [2 if sign in EXTENDED else 1 for sign in text], 160, 153
    else:
        sizes, whole, part = [2 if ord(sign) > 0xFFFF else 1 for sign in text], 70, 67
    if sum(sizes) <= whole:
        return 1
    count, used = 1, 0
    for size in sizes:
        if used + size > part:
            count, used = count + 1, 0
        used += size
    return count
