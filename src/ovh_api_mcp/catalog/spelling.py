"""Which of some words a misspelt one was meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_LONG: Final = 8  # letters; from there two slips are believed, below one
_SHORT: Final = 4  # letters; of so few, two may only have changed places: site, size


def nearest_word(word: str, known: Iterable[str]) -> str:
    """Return the word of `known` nearest to `word`, the first of equals; "" if none is near.

    A slip is a letter too many, missing, wrong, or before its neighbour. The first letter is
    believed, unless it changed places with the second.
    """
    allowed = 1 if len(word) < _LONG else 2
    best, fewest = "", allowed + 1
    for other in known:
        if abs(len(other) - len(word)) < fewest and _begins_alike(word, other):
            slips = _slips(word, other)
            if slips < fewest and (len(word) > _SHORT or sorted(word) == sorted(other)):
                best, fewest = other, slips
    return best


def _begins_alike(word: str, other: str) -> bool:
    return word[0] == other[0] or word[:2] == other[1::-1]


def _slips(word: str, other: str) -> int:
    """Return the distance of two words: Damerau and Levenshtein's, no letter moved twice."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(word, start=1):
        now = [row]
        for column, against in enumerate(other, start=1):
            slips = min(now[-1] + 1, last[column] + 1, last[column - 1] + (letter != against))
            if row > 1 and column > 1 and letter == other[column - 2] and word[row - 2] == against:
                slips = min(slips, before[column - 2] + 1)
            now.append(slips)
        before, last = last, now
    return last[-1]
