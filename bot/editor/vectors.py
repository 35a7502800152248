"""Vectors of texts by the sentence encoder, kept from page to page."""

import functools
import logging
import threading
from dataclasses import dataclass, field

from bot import encoder

logger = logging.getLogger(__name__)
AT_ONCE = 60  # texts that are encoded while a page waits; more are encoded behind it


@dataclass
class Vectors:
    """{text: vector} of the texts that a page compares. `busy` while more are being computed."""

    found: dict = field(default_factory=dict)
    busy: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


def read(desk, kept, texts, only=False):
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
            encoder.find(folder)
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


def encode(desk, text):
    """The vector of a text that is not kept. Raises encoder.EncoderMissing."""
    folder = desk.config.path("models") / "encoder"
    encoder.find(folder)
    return _load(folder).encode([text])[0]


def _encode(kept, folder, missing):
    try:
        model = _load(folder)
        for text in missing:
            kept.found[text] = model.encode([text])[0]
    except Exception as error:
        logger.error("texts could not be compared by meaning: %s", type(error).__name__)
        raise
    finally:
        kept.busy = False


@functools.lru_cache(maxsize=1)
def _load(folder):
    return encoder.load(folder)
