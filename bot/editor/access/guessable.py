"""Passwords that are guessed first, however long they are: common ones, rows of keys, and digits
behind them."""

import functools
from pathlib import Path

COMMON = Path(__file__).with_name("common_passwords.txt")
ROWS = (
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "azertyuiop",
    "1234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn",
)
SHORTEST_ROW = 3  # keys beside each other that count once
LONGEST_COUNT = 8  # digits that count once: a year, a birthday
# What a guess costs: a common password, or anything else that counts once. Three common ones in a
# row are 10^11 guesses, which the desk's pauses between tries put out of reach.
WORD, PIECE, LEAST = 2, 1, 6
LETTERS = str.maketrans("0134578@$!|+", "oieastbasiit")  # signs that stand for letters


def is_guessable(password: str) -> bool:
    """Whether a password falls into few pieces that are guessed first: common passwords (a letter
    may be a sign that looks like it), rows of keys, one sign again and again, digits."""
    written = "".join(password.casefold().split())
    letters, words = written.translate(LETTERS), read_common()
    longest = max(map(len, words))
    costs = [0]  # of the first so many signs
    for end in range(1, len(written) + 1):
        ways = [costs[end - 1] + PIECE]
        for start in range(end - 1):
            if end - start <= longest and words & {letters[start:end], written[start:end]}:
                ways.append(costs[start] + WORD)
            elif _counts_once(written[start:end]):
                ways.append(costs[start] + PIECE)
        costs.append(min(ways))
    return costs[-1] < LEAST


def _counts_once(signs: str) -> bool:
    if len(set(signs)) == 1 or signs.isdecimal() and len(signs) <= LONGEST_COUNT:
        return True
    return len(signs) >= SHORTEST_ROW and any(
        each in row for each in (signs, signs[::-1]) for row in ROWS
    )


@functools.cache
def read_common() -> frozenset[str]:
    """The common passwords, in small letters, without the digits and signs around them."""
    return frozenset(COMMON.read_text(encoding="utf-8").split())
