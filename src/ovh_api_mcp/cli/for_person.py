"""Advice that is worded for a model, reworded for the person who runs a command themselves.

Invariant: only who is spoken to changes, never what is said.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final

_SENTENCE: Final = re.compile(r"[^.;]*(?:[.;](?!\s|$)[^.;]*)*(?:[.;]|$)\s*")
_SPOKEN_TO: Final = re.compile(r"\b(?:ask|tell) the user\b", re.IGNORECASE)
# What stands before a verb, what stands before a thing, and what stands alone.
_REQUESTS: Final = (
    (re.compile(r"\b(?P<first>[AaTt])(?:sk|ell) the user to (?P<verb>\w)"), "verb"),
    (re.compile(r"\b(?P<first>[Aa])sk the user for\b"), "get"),
    (re.compile(r"\b(?P<first>[Aa])sk the user\b"), "check them"),
    (re.compile(r"\b(?P<first>[Tt])ell the user(?= what| that| how| which)"), "note"),
    (re.compile(r"\b(?P<first>[Tt])ell the user\b"), "report it"),
)
_FURTHER: Final = ((re.compile(r"\b(and|or|then) to\b"), r"\1"), (re.compile(r"\b(and|or) for\b"), r"\1 get"))
_HAS_TO: Final = re.compile(r"\bthe user has to (?P<verb>\w+)", re.IGNORECASE)


def for_person(text: str) -> str:
    """Return `text` without a user who is to be asked: whoever reads it is that user."""
    text = _HAS_TO.sub(lambda found: found["verb"], text)
    return _SENTENCE.sub(lambda found: _reworded(found[0]), text)


def _reworded(sentence: str) -> str:
    if not _SPOKEN_TO.search(sentence):
        return sentence
    for pattern, instead in _REQUESTS:
        sentence = pattern.sub(partial(_request, instead), sentence)
    for pattern, words in _FURTHER:
        sentence = pattern.sub(words, sentence)
    return sentence


def _request(instead: str, found: re.Match[str]) -> str:
    word = found["verb"] if instead == "verb" else instead
    return word[0].upper() + word[1:] if found["first"].isupper() else word
