"""Vectors of texts by the sentence encoder, kept beside it, so that a text is encoded once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.language import encoder

MOST_KEPT = 60_000  # vectors; 2.3 kB each
# what reading a file raises that is missing, or was not written by this module
BROKEN = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


def encode_all(folder: Path, texts: list[str]) -> NDArray[np.float32]:
    """`Encoder.encode_layers` of the texts, float32 [n, 1152], by the encoder in `folder`.

    What was encoded before is read from a file there, as float16; where the folder can't be
    written to, nothing is kept. Raises encoder.EncoderMissing."""
    path = _path_of(folder)
    keys = [_key(text) for text in texts]
    known = _read(path)
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    if missing:
        opened = encoder.load_encoder(folder)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            rows = pool.map(lambda text: opened.encode_layers([text])[0], missing.values())
            known |= {key: row.astype(np.float16) for key, row in zip(missing, rows, strict=True)}
        if len(known) > MOST_KEPT:
            known = {key: known[key] for key in dict.fromkeys(keys)}
        with contextlib.suppress(OSError):
            save_arrays(path, keys=np.array(list(known)), vectors=np.array(list(known.values())))
    width = encoder.DIMENSIONS * len(encoder.OUTPUTS)
    return np.array([known[key] for key in keys], dtype=np.float32).reshape(len(texts), width)


def read_kept(folder: Path, texts: Iterable[str]) -> dict[str, NDArray[np.float32]]:
    """{text: `Encoder.encode` of it, float32 [384]} of those of the texts whose vectors are kept.

    The file is read row by row: whole it is some 90 MB. Raises encoder.EncoderMissing."""
    wanted = {_key(text): text for text in texts}
    found: dict[str, NDArray[np.float32]] = {}
    with contextlib.suppress(*BROKEN), zipfile.ZipFile(_path_of(folder)) as file:
        with file.open("keys.npy") as opened:
            keys = np.lib.format.read_array(opened).tolist()
        with file.open("vectors.npy") as opened:
            np.lib.format.read_magic(opened)
            (_, width), _, dtype = np.lib.format.read_array_header_1_0(opened)
            for key in keys:
                row = opened.read(width * dtype.itemsize)
                if key in wanted:
                    vector = np.frombuffer(row, dtype)[: encoder.DIMENSIONS]
                    found[wanted[key]] = vector.astype(np.float32)
    return found


def _path_of(folder: Path) -> Path:
    return Path(folder) / f"vectors-{encoder_hash(folder)}.npz"


def encoder_hash(folder: Path) -> str:
    """A hash of the encoder in `folder`. Raises encoder.EncoderMissing."""
    total = hashlib.sha256()
    for name in ("encoder.onnx", "tokenizer.json"):
        total.update((encoder.find_encoder(folder) / name).read_bytes())
    return total.hexdigest()[:16]


def save_arrays(path: Path, **arrays: NDArray[Any]) -> None:
    """Write arrays to a file that appears whole or not at all. Raises OSError."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        try:
            # said outright: else a type checker takes any of the arrays for it
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:20]


def _read(path: Path) -> dict[str, NDArray[np.float16]]:
    """{key: vector} of the file; empty where there is none that can be read."""
    try:
        with path.open("rb") as opened, np.load(opened) as file:
            return dict(zip(file["keys"].tolist(), file["vectors"], strict=True))
    except BROKEN:
        return {}
