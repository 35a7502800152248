"""Vectors of texts by the sentence encoder, kept from page to page."""

import functools
import logging
import threading
from collections.abc import Collection
from pathlib import Path

from bot.editor.shared.state import State, Vector, Vectors
from bot.language import encoder, vector_cache

logger = logging.getLogger(__name__)
AT_ONCE = 60  # texts that are encoded while a page waits; more are encoded behind it


def read_vectors(
    desk: State, kept: Vectors, texts: list[str], only: bool = False
) -> dict[str, Vector] | None:
    """{text: vector} of these texts; None while they are being computed: a few are at once, many in
    a thread behind.

    With `only`, nothing is kept of other texts. Raises encoder.EncoderMissing.
    """
    missing = [text for text in dict.fromkeys(texts) if text not in kept.found]
    if missing:
        folder = desk.config.path("models") / "encoder"
        with kept.lock:
            if kept.busy:
                return None
            encoder.find_encoder(folder)
            kept.busy = True
        if not kept.found or len(missing) > AT_ONCE:
            threading.Thread(target=_encode, args=(kept, folder, missing), daemon=True).start()
            return None
        _encode(kept, folder, missing)
    held = kept.found
    found = {text: held[text] for text in texts if text in held}
    if len(found) < len(set(texts)):
        return None  # another page has dropped some meanwhile
    if only:
        kept.found = dict(found)
    return found


def drop_others(kept: Vectors, texts: Collection[str]) -> None:
    """Keep the vectors of these texts alone, unless some are just being computed."""
    with kept.lock:
        if not kept.busy:
            kept.found = {text: found for text, found in kept.found.items() if text in texts}


def encode_text(desk: State, text: str) -> Vector:
    """The vector of a text that is not kept. Raises encoder.EncoderMissing."""
    folder = desk.config.path("models") / "encoder"
    encoder.find_encoder(folder)
    vector: Vector = _load(folder).encode([text])[0]
    return vector


def _encode(kept: Vectors, folder: Path, missing: list[str]) -> None:
    try:
        if kept.on_disk and len(missing) > AT_ONCE:
            kept.found = {**kept.found, **vector_cache.read_kept(folder, missing)}
            missing = [text for text in missing if text not in kept.found]
        model = _load(folder)
        for text in missing:
            kept.found[text] = model.encode([text])[0]
    except Exception as error:
        logger.error("texts could not be compared by meaning: %s", type(error).__name__)
        raise
    finally:
        kept.busy = False


@functools.lru_cache(maxsize=1)
def _load(folder: Path) -> encoder.Encoder:
    return encoder.load_encoder(folder)
