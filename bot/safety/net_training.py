"""Training of the learned net, in a process of its own:

`python -m bot.safety.net_training FOLDER ENCODER` reads the ordinary phrases of the site, and what
other hands asked it ([text, hand]), as JSON {phrases, asked} on standard input, the messages in
FOLDER/data/danger, and writes FOLDER/net.npz."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import random
import shutil
import sys
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.domain.reply_kinds import ReplyKind
from bot.language import vector_cache
from bot.safety import danger_messages, danger_screen, net, rules_file
from bot.safety.rules_file import Screen

FOLDS = 4  # in which whole rounds are left out, to compute the thresholds
PENALTY = 3.0  # of a wrong message beside the weights' squares: chosen on left-out rounds
# Of each regression. On left-out rounds 60 find what 120 found, in a third of the time.
STEPS, CLASSES_STEPS = 60, 80
CLASSES_PENALTY = 1.0
FEWEST = 2  # messages that hold a slot, for it to count
LEAST = -2.0  # no threshold lies lower, however few and easy the messages are
# Of each round, messages that are made of AROUND others: harmless ones, and as many dangers.
AROUND, JOINED, JOINED_PHRASES = 3, 15, 200
KEPT = 4  # nets that lie beside the encoder

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Examples:
    """What the net is taught with, each message in the pieces that `net.cut_text` makes of it:
    `rows` of the encoder, weighed; `slots`, a sparse matrix of all slots, weighed by how `rare`
    each is; `of`: which message each piece is of; whether it `teaches`, which of a long danger one
    piece does. Of each message whether it is a danger, its round ("": an ordinary phrase), its kind
    ("":
    ordinary), and whether it is joined of several."""

    rows: net.Floats
    slots: Any  # a scipy.sparse.csr_matrix; SciPy brings no types
    rare: net.Floats
    of: NDArray[np.int64]
    teaches: Mask
    danger: Mask
    round: NDArray[np.str_]
    kind: NDArray[np.str_]
    joined: Mask


def train_net(
    screen: Screen, found: list[danger_messages.Message], phrases: list[str], encode: net.Encode
) -> net.Net:
    """The net that messages (of no kind: what was asked in no danger) and ordinary phrases teach,
    with thresholds for `screen.rates`."""
    examples = _find_telling_pieces(_gather(screen, found, phrases, encode))
    thresholds = find_thresholds(examples, score_left_out(examples), screen.rates)
    everything = np.ones(len(examples.danger), dtype=bool)
    crisis_kinds = [
        name for name, entry in screen.kinds.items() if entry["kind"] == ReplyKind.CRISIS
    ]
    classes, by_class = _solve_classes(examples, everything)
    side = np.array(
        [
            net.HARMLESS if not danger else net.CRISIS if kind in crisis_kinds else net.EMERGENCY
            for danger, kind in classes
        ]
    )
    return net.Net(
        danger=_solve(examples, everything, examples.danger),
        crisis=_solve(examples, examples.danger, np.isin(examples.kind, crisis_kinds)),
        rare=examples.rare,
        classes=np.array([kind for _, kind in classes]),
        side=side,
        by_class=by_class,
        thresholds=thresholds,
    )


def score_left_out(examples: Examples) -> NDArray[np.float64]:
    """The score of every message, that of its worst piece, by a net that was taught without its
    whole round; phrases are left out every fourth."""
    scores = np.zeros(len(examples.danger))
    rounds = sorted(set(examples.round) - {""})
    place = {name: at % FOLDS for at, name in enumerate(rounds)}
    fold = np.array(
        [place.get(name, at % FOLDS) for at, name in enumerate(examples.round)], dtype=int
    )

    def ask(number: int) -> None:
        out = fold == number
        if out.any() and examples.danger[~out].any():
            scores[out] = _take_worst(examples, _score_all(examples, ~out, out), out)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # products, outside of Python's lock
        list(pool.map(ask, range(FOLDS)))
    return scores


def find_thresholds(
    examples: Examples, left_out: NDArray[np.float64], rates: dict[str, float]
) -> net.Floats:
    """[score of an alarm, score of a warning]: the lowest at which neither look-alikes nor
    ordinary phrases get them more often than `rates` say."""
    phrases = left_out[(examples.round == "") & ~examples.joined]
    lookalikes = left_out[(examples.kind != "") & ~examples.danger & ~examples.joined]
    alarm = max(_exceeded_by(lookalikes, rates["alarm"]), _exceeded_by(phrases, rates["phrases"]))
    warning = max(
        _exceeded_by(lookalikes, rates["warning"]),
        _exceeded_by(phrases, rates["phrases_warning"]),
    )
    alarm = max(alarm, LEAST)
    return np.array([alarm, min(alarm, max(warning, LEAST))], dtype=np.float32)


def _exceeded_by(scores: NDArray[np.float64], share: float) -> float:
    """The lowest threshold that at most such a share of the scores reaches."""
    if not len(scores):
        return -np.inf
    at = int(share * len(scores))
    return float(np.nextafter(np.float32(np.sort(scores)[::-1][at]), np.float32(np.inf)))


def _gather(
    screen: Screen, found: list[danger_messages.Message], phrases: list[str], encode: net.Encode
) -> Examples:
    import scipy.sparse

    singles = [*found, *(danger_messages.Message(phrase, False, "", "") for phrase in phrases)]
    joined = _join(singles)
    taught = singles + joined
    cut = [net.cut_text(message.text) for message in taught]
    texts = [piece for pieces in cut for piece in pieces]
    of = np.repeat(np.arange(len(taught)), [len(pieces) for pieces in cut])
    counted = [net.count_slots(screen, text) for text in texts]
    rare = _find_rare(counted[: int(np.searchsorted(of, len(found)))])
    parts = [
        (places, net.weigh_slots(counts * rare[places], weight))
        for row in counted
        for (places, counts), weight in zip(row, net.SLOTS_WEIGHTS, strict=True)
    ]
    sizes = np.array([len(places) for places, _ in parts]).reshape(len(texts), -1).sum(axis=1)
    slots = scipy.sparse.csr_matrix(
        (
            np.concatenate([shares for _, shares in parts]),
            np.concatenate([places for places, _ in parts]),
            np.concatenate([[0], np.cumsum(sizes)]),
        ),
        shape=(len(texts), sum(net.SLOTS)),
    )
    return Examples(
        net.scale_rows(encode(texts)),
        slots,
        rare,
        of,
        np.ones(len(of), dtype=bool),
        np.array([message.danger for message in taught]),
        np.array([message.by for message in taught]),
        np.array([message.kind for message in taught]),
        np.arange(len(taught)) >= len(singles),
    )


def _find_telling_pieces(examples: Examples) -> Examples:
    """Of each long danger the one piece teaches that is most like a danger to a net of the short
    ones: the others tell of buses and the weather."""
    length = np.bincount(examples.of)
    part = _solve(examples, length == 1, examples.danger)
    scores = examples.rows @ part.dense + examples.slots @ part.slots
    teaches = np.ones(len(scores), dtype=bool)
    for message in np.flatnonzero(examples.danger & (length > 1)):
        pieces = np.flatnonzero(examples.of == message)
        teaches[pieces] = pieces == pieces[np.argmax(scores[pieces])]
    return replace(examples, teaches=teaches)


def _take_worst(
    examples: Examples, scores: NDArray[np.float64], asked: Mask
) -> NDArray[np.float64]:
    """The scores of the asked messages, from those of all their pieces, as `net.read_text` says."""
    of = examples.of[asked[examples.of]]
    worst = np.full(len(asked), -np.inf)
    np.maximum.at(worst, of, scores)
    return (worst - np.log(np.maximum(np.bincount(of, minlength=len(asked)), 1)))[asked]


def _join(singles: list[danger_messages.Message]) -> list[danger_messages.Message]:
    """Longer messages, made of those of one round: harmless ones, and dangers with harmless ones
    around them. Without them whatever is long and no question looks like a danger."""
    chance = random.Random(0)
    made: list[danger_messages.Message] = []
    for name in sorted({message.by for message in singles}):
        own = [message for message in singles if message.by == name]
        dangers = [message for message in own if message.danger]
        harmless = [message for message in own if not message.danger]
        if len(harmless) < AROUND:
            continue
        for _ in range(JOINED if name else JOINED_PHRASES):
            made.append(_join_some(chance.sample(harmless, AROUND)))
            if dangers:
                parts = [chance.choice(dangers), *chance.sample(harmless, AROUND - 1)]
                chance.shuffle(parts)
                made.append(_join_some(parts))
    return made


def _join_some(parts: list[danger_messages.Message]) -> danger_messages.Message:
    """The messages as one, a danger where one of them is."""
    first = next((part for part in parts if part.danger), parts[0])
    text = " ".join(part.text.rstrip() + ("" if part.text[-1:] in ".?!" else ".") for part in parts)
    return replace(first, text=text)


def _find_rare(counted: list[net.Slots]) -> net.Floats:
    """For each slot, how rare it is in messages (inverse document frequency); 1 for concepts, which
    are few and chosen."""
    seen = np.bincount(
        np.concatenate([places for row in counted for places, _ in row]), minlength=sum(net.SLOTS)
    )
    rare = np.log((len(counted) + 1) / (seen + 1)).astype(np.float32)
    rare[-net.SLOTS[-1] :] = 1
    return rare


def _solve(examples: Examples, chosen: Mask, wanted: Mask) -> net.Linear:
    """Logistic regression (L2) of `wanted` on the pieces of the chosen messages that teach, as a
    net.Linear; both are given of each message."""
    from scipy.optimize import fmin_l_bfgs_b

    chosen, wanted = chosen[examples.of] & examples.teaches, wanted[examples.of]
    rows, slots = examples.rows[chosen], examples.slots[chosen]
    used = np.flatnonzero(np.bincount(slots.indices, minlength=slots.shape[1]) >= FEWEST)
    slots = slots[:, used]
    back = slots.T.tocsr()
    side = np.where(wanted[chosen], 1, -1).astype(np.float32)
    width = rows.shape[1]

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        exact = weights.astype(np.float32)
        margin = side * (rows @ exact[:width] + slots @ exact[width:-1] + exact[-1])
        total = PENALTY * float(np.logaddexp(0, -margin).sum())
        pull = (-PENALTY * side / (1 + np.exp(np.minimum(margin, 80)))).astype(np.float32)
        slope = np.concatenate([rows.T @ pull, back @ pull, [pull.sum()]])
        slope[:-1] += exact[:-1]
        return total + 0.5 * float(exact[:-1] @ exact[:-1]), slope.astype(np.float64)

    start = np.zeros(width + slots.shape[1] + 1)
    found = fmin_l_bfgs_b(loss, start, maxiter=STEPS)[0].astype(np.float32)
    weights = np.zeros(examples.slots.shape[1], dtype=np.float32)
    weights[used] = found[width:-1]
    return net.Linear(found[:width], weights, found[-1])


def _solve_classes(examples: Examples, chosen: Mask) -> tuple[list[tuple[bool, str]], net.Floats]:
    """Multinomial regression (L2) over the encoder's rows of the chosen messages' pieces: the
    classes (danger, kind), in order, and their weights [1152 + 1, classes]."""
    from scipy.optimize import fmin_l_bfgs_b

    named = list(zip(examples.danger.tolist(), examples.kind.tolist(), strict=True))
    classes = sorted(set(named))
    place = {name: at for at, name in enumerate(classes)}
    chosen = chosen[examples.of] & examples.teaches
    rows = examples.rows[chosen]
    taught = np.array([place[name] for name in named])[examples.of][chosen]
    at = np.arange(len(taught))

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        exact = weights.astype(np.float32).reshape(-1, len(classes))
        alike = rows @ exact[:-1] + exact[-1]
        alike -= alike.max(axis=1, keepdims=True)
        own = alike[at, taught]
        share = np.exp(alike, out=alike)
        whole = share.sum(axis=1, keepdims=True)
        total = CLASSES_PENALTY * float((np.log(whole[:, 0]) - own).sum())
        share /= whole
        share[at, taught] -= 1
        pull = CLASSES_PENALTY * share
        slope = np.concatenate([rows.T @ pull + exact[:-1], pull.sum(axis=0)[None]])
        return total + 0.5 * float((exact[:-1] ** 2).sum()), slope.ravel().astype(np.float64)

    start = np.zeros((rows.shape[1] + 1) * len(classes))
    found = fmin_l_bfgs_b(loss, start, maxiter=CLASSES_STEPS)[0].astype(np.float32)
    return classes, found.reshape(-1, len(classes))


def _score_all(examples: Examples, taught: Mask, asked: Mask) -> NDArray[np.float64]:
    """The scores of all pieces of the asked messages by a net that the taught ones teach."""
    part = _solve(examples, taught, examples.danger)
    classes, by_class = _solve_classes(examples, taught)
    side = np.array([net.EMERGENCY if danger else net.HARMLESS for danger, _ in classes])
    pieces = asked[examples.of]
    rows = examples.rows[pieces]
    scores: NDArray[np.float64] = (
        rows @ part.dense
        + examples.slots[pieces] @ part.slots
        + part.offset
        + net.weigh_classes(rows @ by_class[:-1] + by_class[-1], side)
    )
    return scores


def write_net(path: Path, made: net.Net, **more: NDArray[Any]) -> None:
    """Write a net to a file, which appears whole or not at all."""
    vector_cache.save_arrays(path, **net.to_arrays(made), **more)


def read_all(
    made: net.Net, screen: Screen, texts: list[str], encode: net.Encode
) -> list[net.Reading]:
    """`net.read_text` of each text; they are encoded all at once."""
    pieces = list(dict.fromkeys(piece for text in texts for piece in net.cut_text(text)))
    rows = dict(zip(pieces, encode(pieces), strict=True))
    return [
        net.read_text(made, screen, lambda parts: np.array([rows[part] for part in parts]), text)
        for text in texts
    ]


# A net is taught once for its messages


def provide_net(
    folder: Path,
    encoder_folder: Path,
    phrases: list[str],
    asked: Sequence[tuple[str, str]] = (),
) -> None:
    """Write `folder`/net.npz for the messages in `folder`/data/danger and what was `asked`
    ([(text, hand)]): one that was taught before with the same messages, where it keeps to the
    rates on today's phrases, else a new one. Nothing where a site has no messages of danger."""
    screen = danger_screen.load_screen(folder / "data")
    found, faults = danger_messages.read_danger_messages(folder / "data", screen.kinds)
    if faults:
        raise rules_file.SafetyFileError(faults)
    if not found or not screen.rates:
        return
    found = _unite(found, _read_examples(screen), asked)
    key = _identify(screen, found, encoder_folder)
    path = encoder_folder / f"net-{key}.npz"
    encode = functools.partial(vector_cache.encode_all, encoder_folder)
    if not _fits(path, screen, phrases, encode):
        made = train_net(screen, found, phrases, encode)
        try:
            write_net(path, made, phrases=np.array(_hash_phrases(phrases)))
        except OSError:  # the encoder's folder can't be written to: nothing is kept
            write_net(folder / "net.npz", made)
            return
        _forget_oldest(encoder_folder)
    shutil.copyfile(path, folder / "net.npz")


def _read_examples(screen: Screen) -> list[danger_messages.Message]:
    """The examples of the rules' flags: whoever adds a flag teaches the net with them, too."""
    return [
        danger_messages.Message(text, danger, flag.like or "", "safety.yml")
        for flag in screen.flags
        for texts, danger in ((flag.must, True), (flag.must_not, False))
        for text in texts
    ]


def _unite(
    found: list[danger_messages.Message],
    examples: list[danger_messages.Message],
    asked: Sequence[tuple[str, str]],
) -> list[danger_messages.Message]:
    """All that teaches, each text once, the first that holds it."""
    ordinary = [danger_messages.Message(text, False, "", hand) for text, hand in asked]
    return list({each.text: each for each in (*ordinary, *examples, *found)}.values())


def _identify(screen: Screen, found: list[danger_messages.Message], encoder_folder: Path) -> str:
    parts = [
        vector_cache.encoder_hash(encoder_folder),
        *(Path(file).read_text("utf-8") for file in (net.__file__, __file__)),
        repr((screen.rates, screen.same[0], screen.concepts[0])),
        repr(found),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _hash_phrases(phrases: list[str]) -> str:
    return hashlib.sha256(json.dumps(sorted(phrases)).encode()).hexdigest()


def _fits(path: Path, screen: Screen, phrases: list[str], encode: net.Encode) -> bool:
    """Whether the net in `path` was taught with these phrases, or keeps to the rates on them."""
    try:
        with path.open("rb") as opened, np.load(opened) as file:
            if str(file["phrases"]) == _hash_phrases(phrases):
                return True
        known = net.read_net(path)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, net.NetFault):
        return False
    judged = [each.judgement for each in read_all(known, screen, phrases, encode)]
    tiers = [found and found.tier for found in judged]
    alarms = tiers.count(net.ALARM)
    return alarms <= screen.rates["phrases"] * len(phrases) and (
        alarms + tiers.count(net.WARNING) <= screen.rates["phrases_warning"] * len(phrases)
    )


def _forget_oldest(encoder_folder: Path) -> None:
    nets = sorted(encoder_folder.glob("net-*.npz"), key=lambda path: path.stat().st_mtime)
    for path in nets[:-KEPT]:
        with contextlib.suppress(OSError):
            path.unlink()


if __name__ == "__main__":
    provide_net(Path(sys.argv[1]), Path(sys.argv[2]), **json.load(sys.stdin))
