"""The picture of which article answers which article's test phrases: where what stands in it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

# in pixels: a cell, a letter at its widest on average, the room around; and how steeply the labels
# of the columns stand
SIZE, LETTER, GAP, LEAN = 34, 8, 8, math.radians(60)


def draw_confusion(
    rows: Sequence[str],
    columns: Sequence[str],
    counts: Sequence[Sequence[int]],
    outcomes: Mapping[str, str],
) -> dict[str, Any]:
    """The confusion as a picture: its `width` and `height`, in which the labels have room; the
    labels of `rows` and `columns` with their places, [(x, y, text)], those of columns at an angle
    (`lean`); `cells`, `size` wide: [(x, y, count, share of its row, right, title)].

    `outcomes`: what the columns are called that are no articles."""
    above = [outcomes.get(column, column.replace("_", " ")) for column in columns]
    beside = [row.replace("_", " ") for row in rows]
    longest = LETTER * max(map(len, above), default=0)
    left = LETTER * max(map(len, beside), default=0) + GAP
    top = longest * math.sin(LEAN) + 2 * GAP
    totals = [sum(row) or 1 for row in counts]
    return {
        "size": SIZE,
        "width": round(left + SIZE * len(columns) + longest * math.cos(LEAN) + GAP),
        "height": round(top + SIZE * len(rows) + GAP),
        "lean": round(math.degrees(LEAN)),
        "rows": [
            (round(left - GAP), round(top + SIZE * (y + 0.65)), text)
            for y, text in enumerate(beside)
        ],
        "columns": [
            (round(left + SIZE * (x + 0.65)), round(top - GAP), text)
            for x, text in enumerate(above)
        ],
        "cells": [
            (
                round(left + SIZE * x),
                round(top + SIZE * y),
                count,
                count / totals[y],
                columns[x] == rows[y],
                f"{beside[y]} → {above[x]}: {count}",
            )
            for y, row in enumerate(counts)
            for x, count in enumerate(row)
            if count
        ],
    }
