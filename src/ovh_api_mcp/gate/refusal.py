"""The words of a refusal: fact with values, rule, next step, within what a model is given to read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import Final

from ovh_api_mcp.errors import RefusedCode, RefusedError, cut_foreign

_QUOTED_CHARS: Final = 80  # of a text from the script inside a message
_COMPARED_CHARS: Final = 64  # comparing is quadratic; no name of the API is longer
_RESEMBLES: Final = 0.6
_TIMES_LONGER: Final = 4  # beyond it, a common beginning or end is chance
_CONTAINED: Final = 0.85  # a name that begins or ends with the other; more where less is left over


def refusal(code: RefusedCode, message: str, *, hint: str = "") -> RefusedError:
    """Return the error to raise; its hint is the last sentence of the message where none is given."""
    return RefusedError(message, code=code, hint=hint or message.rpartition(". ")[2])


def quoted(text: str) -> str:
    """Return text of a script in quotes, on one line and cut."""
    return f'"{cut_foreign(text, _QUOTED_CHARS)}"'


def listed(words: Iterable[str], room_chars: int) -> str:
    """Return as many of the words as fit `room_chars`, joined by commas, at least the first."""
    text = ""
    for word in words:
        longer = f"{text}, {word}" if text else word
        if text and len(longer) > room_chars:
            return f"{text}, …"
        text = longer
    return text


def nearest_names(wrong: str, names: Iterable[str], limit: int = 3) -> Sequence[str]:
    """Return the names that `wrong` was probably meant to be, the likeliest first."""
    scored = [(resemblance(wrong, name), name) for name in names]
    likely = sorted((pair for pair in scored if pair[0] >= _RESEMBLES), key=lambda pair: (-pair[0], pair[1]))
    return [name for _, name in likely[:limit]]


def resemblance(wrong: str, name: str) -> float:
    """Tell from 0 to 1 how likely `wrong` means `name`; a name that contains the other one is likely."""
    left, right = _bare(wrong), _bare(name)
    if left == right:
        return 1.0
    shorter, longer = sorted((left, right), key=len)
    if (
        len(shorter) > 1
        and len(longer) <= _TIMES_LONGER * len(shorter)
        and (longer.endswith(shorter) or longer.startswith(shorter))
    ):
        return _CONTAINED + (1.0 - _CONTAINED) * len(shorter) / len(longer)
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    if matcher.real_quick_ratio() < _RESEMBLES or matcher.quick_ratio() < _RESEMBLES:
        return 0.0
    return matcher.ratio()


def _bare(name: str) -> str:
    return "".join(c for c in name[:_COMPARED_CHARS].lower() if c.isalnum())
