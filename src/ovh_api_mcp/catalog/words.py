"""Words of texts, paths and names, and their stems: the same for what is indexed and what is asked.

Stems only have to agree with each other; they need not be words. Text may come from anywhere: every
function takes time in proportion to its length and none raises.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from ovh_api_mcp.limits import STEMS_CACHED

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# Names with digits or odd capitals that are one word, as they stand in paths and texts.
_WHOLE: Final = re.compile(
    r"\b(?:s3|k8s|ipv[46]|vRack|OAuth2?|u2f|2fa|l7|[Cc]lick2[Cc]all|WiFi|OpenStack|OVHcloud|OpenSearch"
    r"|PostgreSQL|MySQL|MongoDB|VMs?|IPs)(?![a-z])|vRack|oauth2|s3(?=[A-Z])|l7(?=[A-Z])"
)
_IRREGULAR: Final = {
    "ips": "ip",
    "used": "use",
    "vms": "vm",
    "oses": "os",
    "https": "https",
    "data": "data",
    "indices": "index",
    "indexes": "index",
}
_SHORT: Final = 3  # letters; shorter words have no endings
# The longest first; all of them are taken off whole.
_ENDINGS: Final = (
    "ations",
    "ation",
    "ators",
    "ator",
    "ating",
    "ates",
    "ated",
    "ate",
    "ings",
    "ing",
    "ions",
    "ion",
    "ed",
)
_STEM_CHARS: Final = 4  # that an ending leaves at least
_SIBILANTS: Final = ("sses", "xes", "ches", "shes")


def split_words(text: str) -> list[str]:
    """Return the words of a text in their order, lower-case and without accents; camelCase is split."""
    plain = fold_accents(text)
    found: list[str] = []
    position = 0
    for match in _WHOLE.finditer(plain):
        found += _WORD.findall(plain, position, match.start())
        found.append(match.group())
        position = match.end()
    found += _WORD.findall(plain, position)
    return [word.lower() for word in found]


def fold_accents(text: str) -> str:
    """Return `text` with its letters' marks taken off: é is e, ﬁ is fi, œ is oe."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "Oe"))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


@lru_cache(STEMS_CACHED)
def stem(word: str) -> str:
    """Return what a lower-case word shares with its plural, its forms as a verb and its noun of action."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= _SHORT:
        return word
    word = _singular(word)
    if word.endswith(_ENDINGS):
        fitting = (each for each in _ENDINGS if word.endswith(each) and len(word) - len(each) >= _STEM_CHARS)
        shorter = word.removesuffix(next(fitting, ""))
        if shorter != word and shorter[-1] == shorter[-2] and shorter[-1] not in "sl":
            shorter = shorter[:-1]
        word = shorter
    return word[:-1] if word.endswith("e") and len(word) > _STEM_CHARS else word


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > _STEM_CHARS:
        return f"{word[:-3]}y"
    if word.endswith(_SIBILANTS):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def stems_of(text: str) -> list[str]:
    """Return the stems of the words of a text, in their order."""
    return [stem(word) for word in split_words(text)]
