"""What was found for a word is kept, to be found faster the next time; but no longer than until
somebody who may have written it wants to be forgotten."""

import functools
import weakref
from collections.abc import Callable
from typing import Any

_caches: "weakref.WeakSet[functools._lru_cache_wrapper[Any]]" = weakref.WeakSet()


def cache_by_word[Result](function: Callable[[str], Result], most: int) -> Callable[[str], Result]:
    """A function of one word whose last `most` results are kept, until `forget`."""
    kept = functools.lru_cache(maxsize=most)(function)
    _caches.add(kept)
    return kept


def clear_caches() -> None:
    """Empty every cache: no word that a visitor wrote stays in one."""
    for kept in list(_caches):
        kept.cache_clear()
