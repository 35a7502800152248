"""The learned net beside the rules: how much a message is like those that tell of a danger, and
which danger is likely.

Linear over the sentence vector with two middle layers, characters and words in hashed n-grams, and
the concepts of the rules with what takes them back; and likeness to each kind's dangers and
look-alikes. `bot.safety.net_training` makes it; here it is read
and asked, with numpy alone. docs/safety-figures.md has its figures."""

from __future__ import annotations

import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Generator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.safety import danger_screen
from bot.safety.rules_file import Screen

FORM = 2  # of the file; another form is another version of this code
VECTOR, LAYERS = 384, 768  # what a row of the encoder holds
SLOTS = (2**17, 2**16, 2**17, 2**12)  # of characters, words, corrected words, concepts
# How much each part weighs: chosen on left-out rounds (2026-11-28).
VECTOR_WEIGHT, LAYERS_WEIGHT = 3.0, 0.5
SLOTS_WEIGHTS = (3.0, 2.0, 3.0, 2.0)
SILENT = -20.0  # the score of a text without a word or a picture
LONG = 400  # signs: a longer message is judged in pieces
# Signs of one. In long stories of left-out rounds 92 % of the dangers are heard with 220, 82 % with
# 400, at the same false alarms (2026-11-29)
PIECE = 220
CLASSES_WEIGHT = 0.5
ALARM, WARNING = "alarm", "warning"
SIDES = HARMLESS, EMERGENCY, CRISIS = range(3)  # of a class
APOSTROPHES = str.maketrans("’‘ʼ´`", "'''''")


Floats = NDArray[np.float32]
Encode = Callable[[list[str]], Floats]  # `Encoder.encode_layers`
Slots = list[tuple[NDArray[np.int64], NDArray[np.int64]]]  # (places, counts) of each part


class NetFault(RuntimeError):
    """The net's file can't be used; the message says why."""


@dataclass(frozen=True)
class Linear:
    """A linear score: weights of the encoder's row, of the slots, and an offset."""

    dense: Floats
    slots: Floats
    offset: Floats


@dataclass(frozen=True)
class Net:
    """What training learns, float32, never written to.

    `danger` scores dangers against all else, `crisis` crises against emergencies. `classes` are
    the kinds' dangers, their look-alikes, and ordinary phrases, told apart by `by_class` (weights
    of the encoder's row, and offsets in the last row); `side` of each is one of SIDES. `rare` says
    how rare each slot is. `thresholds` are the scores of an alarm and of a warning."""

    danger: Linear
    crisis: Linear
    rare: Floats
    classes: NDArray[np.str_]
    side: NDArray[np.int64]
    by_class: Floats
    thresholds: Floats


@dataclass(frozen=True)
class Judgement:
    """What the net says of a message: ALARM or WARNING, and the likely kind."""

    tier: str
    kind: str


@dataclass(frozen=True)
class Reading:
    """The score of a message, which the thresholds are held against, and what follows from it."""

    score: float
    judgement: Judgement | None


def read_net(path: Path) -> Net:
    """The net in a file. Raises NetFault."""
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            if int(file["form"]) != FORM:
                raise NetFault(f"{path} is of another version of Pamphlet; train again")
            made = _as_net({name: file[name] for name in file.files})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise NetFault(f"{path} can't be read ({type(error).__name__}); train again") from error
    return made


def to_arrays(net: Net) -> dict[str, NDArray[Any]]:
    """A net as arrays with names, for its file."""
    arrays: dict[str, NDArray[Any]] = {"form": np.array(FORM)}
    for field in fields(Net):
        part = getattr(net, field.name)
        if isinstance(part, Linear):
            arrays |= {f"{field.name}_{name}": array for name, array in vars(part).items()}
        else:
            arrays[field.name] = part
    return arrays


def _as_net(arrays: dict[str, NDArray[Any]]) -> Net:
    """The Net of named arrays. Raises KeyError, ValueError."""
    linear = {
        name: Linear(*(arrays[f"{name}_{field.name}"] for field in fields(Linear)))
        for name in ("danger", "crisis")
    }
    rest = {field.name: arrays[field.name] for field in fields(Net) if field.name not in linear}
    width, slots, count = VECTOR + LAYERS, sum(SLOTS), len(rest["classes"])
    expected: dict[str, tuple[int, ...]] = {
        **{f"{name}_dense": (width,) for name in linear},
        **{f"{name}_slots": (slots,) for name in linear},
        **{f"{name}_offset": () for name in linear},
        "rare": (slots,),
        "side": (count,),
        "by_class": (width + 1, count),
        "thresholds": (2,),
    }
    for name, shape in expected.items():
        if arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
            raise ValueError(name)
    for array in arrays.values():
        array.setflags(write=False)
    parts: dict[str, Any] = {**linear, **rest}
    return Net(**parts)


def judge_text(net: Net, screen: Screen, encode: Encode, text: str) -> Judgement | None:
    """What the net says of `text`; None: nothing."""
    return read_text(net, screen, encode, text).judgement


def read_text(net: Net, screen: Screen, encode: Encode, text: str) -> Reading:
    """How much `text` is like a danger, and what the net says of it.

    A long message is judged piece by piece, and its worst piece counts; each of many pieces is as
    much less likely to be the one, which takes the logarithm of their number off. Stops and blanks
    alone say nothing."""
    return next(filter(None, read_in_steps(net, screen, encode, text)))


def read_in_steps(net: Net, screen: Screen, encode: Encode, text: str) -> Generator[Reading | None]:
    """As `read_text`, a piece at each step: None after all but the last."""
    if all(unicodedata.category(sign)[0] in "PZC" for sign in text):
        yield Reading(SILENT, None)
        return
    read: list[tuple[Floats, Slots]] = []
    for piece in cut_text(text):
        if read:
            yield None
        [row] = scale_rows(encode([piece]))
        read.append((row, count_slots(screen, piece)))
    scores = [score_row(net, *piece) for piece in read]
    worst = int(np.argmax(scores))
    scored = scores[worst] - float(np.log(len(read)))
    yield Reading(scored, decide_judgement(net, *read[worst], scored))


def decide_judgement(net: Net, row: Floats, counted: Slots, scored: float) -> Judgement | None:
    """The judgement of a message that was scored so."""
    alarm, warning = net.thresholds
    if scored < warning:
        return None
    side = CRISIS if _score_linear(net.crisis, net.rare, row, counted) > 0 else EMERGENCY
    alike = np.where(net.side == side, row @ net.by_class[:-1] + net.by_class[-1], -np.inf)
    return Judgement(ALARM if scored >= alarm else WARNING, str(net.classes[int(np.argmax(alike))]))


def score_row(net: Net, row: Floats, counted: Slots) -> float:
    """How much a scaled row of the encoder, and what `count_slots` says of its text, are like a
    danger."""
    alike = (row @ net.by_class[:-1] + net.by_class[-1])[None]
    return _score_linear(net.danger, net.rare, row, counted) + float(
        weigh_classes(alike, net.side)[0]
    )


def weigh_classes(alike: Floats, side: NDArray[np.int64]) -> Floats:
    """What the likeness to each class, [texts, classes], adds to the texts' scores."""
    added: Floats = CLASSES_WEIGHT * (
        np.logaddexp.reduce(alike[:, side != HARMLESS], axis=1)
        - np.logaddexp.reduce(alike[:, side == HARMLESS], axis=1)
    )
    return added


def _score_linear(part: Linear, rare: Floats, row: Floats, counted: Slots) -> float:
    total = float(row @ part.dense) + float(part.offset)
    for (places, counts), weight in zip(counted, SLOTS_WEIGHTS, strict=True):
        total += float(part.slots[places] @ weigh_slots(counts * rare[places], weight))
    return total


def weigh_slots(counts: NDArray[Any], weight: float) -> Floats:
    """What one part of a text's slots counts: a vector of length `weight`."""
    return (weight / (float(np.linalg.norm(counts)) or 1.0) * counts).astype(np.float32)


def scale_rows(rows: Floats) -> Floats:
    """Rows of the encoder, weighed for the net."""
    return np.concatenate(
        [rows[:, :VECTOR] * VECTOR_WEIGHT, rows[:, VECTOR:] * LAYERS_WEIGHT], axis=1
    ).astype(np.float32)


def count_slots(screen: Screen, text: str) -> Slots:
    """The slots of a text's characters, words, corrected words and
    concepts."""
    plain = unicodedata.normalize("NFKC", text).lower().translate(APOSTROPHES)
    tokens = re.findall(r"[a-z']+|\d+|[!?.,]", plain)
    concepts, corrected = danger_screen.read_concepts(screen, text)
    found = (
        _character_slots(tokens),
        _hash(_grams(tokens, 2), SLOTS[1]),
        _hash(_grams(corrected, 3), SLOTS[2]),
        _hash(concepts, SLOTS[3]),
    )
    counted: Slots = []
    begin = 0
    for part, size in zip(found, SLOTS, strict=True):
        places, counts = np.unique(np.array(part, dtype=np.int64), return_counts=True)
        counted.append((places + begin, counts))
        begin += size
    return counted


def cut_text(text: str) -> list[str]:
    """The text, or, where it is longer than LONG, its pieces of at most PIECE signs, cut between
    sentences where there are any."""
    if len(text) <= LONG:
        return [text]
    pieces = [""]
    for part in re.findall(rf"[^.!?\n]{{1,{PIECE - 1}}}[.!?\n]*\s*|[.!?\n]{{1,{PIECE}}}", text):
        if len(pieces[-1]) + len(part) > PIECE and pieces[-1]:
            pieces.append("")
        pieces[-1] += part[:PIECE]
    return pieces


def _grams(words: list[str], longest: int) -> list[str]:
    """Runs of one to `longest` words."""
    return [
        " ".join(words[at : at + length])
        for length in range(1, longest + 1)
        for at in range(len(words) - length + 1)
    ]


def _character_slots(tokens: list[str]) -> list[int]:
    known: dict[str, list[int]] = {}
    found: list[int] = []
    for token in tokens:
        if token not in known:
            padded = f" {token} "
            known[token] = _hash(
                [
                    padded[at : at + length]
                    for length in (2, 3, 4)
                    for at in range(len(padded) - length + 1)
                ],
                SLOTS[0],
            )
        found += known[token]
    return found


def _hash(grams: list[str], slots: int) -> list[int]:
    return [zlib.crc32(gram.encode("utf-8", "replace")) % slots for gram in grams]
