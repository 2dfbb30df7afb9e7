"""What a person asks for, read from words: groups of stems to look for, and what kind of operation.

No I/O but the two look-ups that are given. Words are bounded before anything is done with them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from ovh_api_mcp.catalog.terms import Intent, Meaning, Phrase, Terms, load_terms
from ovh_api_mcp.catalog.words import split_words, stem
from ovh_api_mcp.limits import FIND_CHARS, FIND_SLIPS, FIND_STEMS, FIND_WORDS

# Of these stems, those that the index has, each with the number of operations that have it.
KnownStems = Callable[[Collection[str]], Mapping[str, int]]
# The word nearest to one that nobody knows; "" where none is near.
NearWord = Callable[[str], str]

_THING: Final = 1.0  # weights of groups: what is asked for,
_CONTEXT: Final = 0.7  # share of what stands behind a preposition: "users of a project"
_ACTION: Final = 0.8  # what is to be done with it,
_ASIDE: Final = 0.5  # what is to be done later, or was done: "images for rebuild"
_PLAIN_VERB: Final = 0.25  # and verbs that the method says already
_OTHER_NAME: Final = 0.9  # of an alternative that is not the word itself
_CORRECTED: Final = 0.8
_NOUN_ENDINGS: Final = ("ion", "ions", "ment", "ments")  # installation is no verb, though its stem is one
_PARTED: Final = 7  # words from a verb to its particle
_SLIP_LENGTHS: Final = range(4, 25)  # letters; a shorter word is too near to too many others
_PLAIN_VERBS: Final[Mapping[Intent, Meaning]] = {
    "read": (),
    "create": (("creat", "add", "new", "order"),),
    "change": (("chang", "updat", "edit", "alter", "modify"),),
    "delete": (("delet", "remov", "termin"),),
    "act": (),
    "undo": (),
}


@dataclass(frozen=True, slots=True)
class Group:
    """Stems one of which is enough, each with what it is worth; and what the group is worth."""

    weight: float
    stems: dict[str, float]


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for, in words of the index; `intent` is None where no verb tells.

    `is_of_item` where one of several things is asked for, not their list. `operations` says of each
    stem how many operations have it.
    """

    groups: tuple[Group, ...]
    intent: Intent | None
    is_of_item: bool
    operations: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Word:
    written: str
    stem: str
    worth: float


def read_question(text: str, known: KnownStems, near: NearWord) -> Question:
    """Return what `text` asks for; words that nobody knows are left out."""
    terms = load_terms()
    words = _corrected(split_words(text[:FIND_CHARS])[:FIND_WORDS], terms, known, near)
    _bring_together(words, terms)
    reader = _Reader(terms)
    phrases = list(_phrases(words, terms))
    for phrase, following in zip_longest(phrases, phrases[1:], fillvalue=()):
        reader.read(phrase, following)
    stems = dict.fromkeys(each for group in reader.groups for each in group.stems)
    operations = known([*stems][:FIND_STEMS])
    looked_up = (
        Group(group.weight, {each: worth for each, worth in group.stems.items() if each in operations})
        for group in reader.groups
    )
    return Question(
        tuple(group for group in looked_up if group.stems), reader.intent, reader.is_of_item, operations
    )


class _Reader:
    """Reads phrases from left to right; the first verb tells the intent.

    "Show me how to delete" is about deleting: a verb before a "how" tells nothing.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self.groups: list[Group] = []
        self.intent: Intent | None = None
        self.is_of_item = False
        self._share = 1.0  # that groups count, by where they stand
        self._is_of_list = False
        self._previous = ""  # the stem in front
        self._single: tuple[_Word, Group] | None = None  # the word in front, where it stands for itself

    def read(self, words: Sequence[_Word], following: Sequence[_Word]) -> None:
        phrase = tuple(each.stem for each in words)
        worth = min(each.worth for each in words)
        single = None
        verb = self._verb(words, phrase, following)
        self._read_number(phrase)
        if phrase[0] in self._terms.prepositions and any(each.weight >= _THING for each in self.groups):
            self._share = _CONTEXT
        if phrase[0] in self._terms.ways and len(phrase) == 1 and not self.groups:
            self.intent = None
        elif verb is not None and self._is_aside():
            self.groups += _groups(phrase, self._terms.actions.get(phrase, ()), _ASIDE, worth)
        elif verb is not None:
            self.intent = self.intent or verb
            self.groups += _verb_groups(phrase, verb, self._terms, worth)
        elif meaning := self._terms.meanings.get(phrase):
            self.groups += _groups(phrase, meaning, _THING * self._share, worth)
        elif phrase[0] in self._terms.items and phrase[0] not in self._terms.ignored:
            self.groups.append(Group(_PLAIN_VERB, {phrase[0]: worth}))
        elif phrase[0] not in self._terms.ignored and not phrase[0].isdecimal():
            single = (words[0], Group(_THING * self._share, {phrase[0]: worth}))
            self.groups.append(single[1])
            if self._single is not None:
                _join(self._single, single)
        else:
            single = self._single  # the words on both sides of it may still be one
        self._single = single
        self._previous = phrase[0]

    def _is_aside(self) -> bool:
        is_of_thing = bool(self.groups) and self._previous in self._terms.subjects
        return is_of_thing or self._previous in self._terms.asides

    def _read_number(self, phrase: Phrase) -> None:
        self._is_of_list = self._is_of_list or phrase[0] in self._terms.collections
        self.is_of_item = not self._is_of_list and (self.is_of_item or phrase[0] in self._terms.items)

    def _verb(self, words: Sequence[_Word], phrase: Phrase, following: Sequence[_Word]) -> Intent | None:
        """Return what a verb asks for; None for a noun, also of those that look like a verb."""
        terms = self._terms
        is_behind = self._previous in terms.articles or self._previous in terms.genitives
        is_first = not self.groups and self.intent is None and not is_behind
        is_before_article = bool(following) and following[0].stem in terms.articles
        if phrase in terms.nouns_too and not is_first:
            return None
        if phrase in terms.nouns_mostly and not (is_first and is_before_article):
            return None
        if len(words) == 1 and words[0].written.endswith(_NOUN_ENDINGS):
            return None
        return terms.verbs.get(phrase)


def _corrected(written: Sequence[str], terms: Terms, known: KnownStems, near: NearWord) -> list[_Word]:
    """Return the words; of those that nobody knows, the first few become the nearest that somebody does."""
    stems = {word: stem(word) for word in written}
    in_index = known(set(stems.values()))
    slips = [
        word
        for word, its in stems.items()
        if its not in in_index and its not in terms.words and word.isalpha() and len(word) in _SLIP_LENGTHS
    ]
    nearest = {word: near(word) for word in slips[:FIND_SLIPS]}
    return [
        _Word(right, stem(right), _CORRECTED)
        if (right := nearest.get(word, ""))
        else _Word(word, stems[word], 1.0)
        for word in written
    ]


def _bring_together(words: list[_Word], terms: Terms) -> None:
    """Put the particle of a verb behind it: "roll the zone back" is "roll back the zone"."""
    for place, word in enumerate(words):
        particles = terms.particles.get(word.stem, ())
        for further in range(place + 2, min(place + _PARTED, len(words))) if particles else ():
            if words[further].stem in particles:
                words.insert(place + 1, words.pop(further))
                break


def _phrases(words: Sequence[_Word], terms: Terms) -> Iterator[Sequence[_Word]]:
    """Split the words into the longest phrases that the tables know, and single words."""
    position = 0
    while position < len(words):
        places = _places(words, position, terms)
        yield [words[each] for each in places]
        position = places[-1] + 1


def _places(words: Sequence[_Word], position: int, terms: Terms) -> Sequence[int]:
    """Return the places of the longest phrase at a position, of one word where none is known.

    An article does not part a verb from its object: "cancel my order" is "cancel order".
    """
    further = range(position + 1, min(position + terms.longest + 1, len(words)))
    bare = [position, *(each for each in further if words[each].stem not in terms.articles)]
    close = range(position, min(position + terms.longest, len(words)))
    for length in range(terms.longest, 1, -1):
        if (
            _stems_at(words, close[:length]) in terms.meanings
            or _stems_at(words, close[:length]) in terms.verbs
        ):
            return close[:length]
        if _stems_at(words, bare[:length]) in terms.verbs:
            return bare[:length]
    return [position]


def _stems_at(words: Sequence[_Word], places: Sequence[int]) -> Phrase:
    return tuple(words[each].stem for each in places)


def _verb_groups(phrase: Phrase, verb: Intent, terms: Terms, worth: float) -> Iterator[Group]:
    """Yield what the API calls an action; a verb that the method says already counts little."""
    names = terms.actions.get(phrase)
    if names or verb in ("act", "undo"):
        yield from _groups(phrase, names or (), _ACTION, worth)
    else:
        yield from _groups((), _PLAIN_VERBS[verb], _PLAIN_VERB, worth)


def _groups(phrase: Phrase, meaning: Meaning, weight: float, worth: float) -> Iterator[Group]:
    """Yield the groups of a meaning; a single word that the API may have too is one of the alternatives."""
    for place, alternatives in enumerate(meaning or ((),)):
        stems = dict.fromkeys(alternatives, _OTHER_NAME * worth)
        if place == 0 and len(phrase) == 1 and phrase[0] not in load_terms().false_friends:
            stems[phrase[0]] = worth
        if stems:
            yield Group(weight, stems)


def _join(before: tuple[_Word, Group], after: tuple[_Word, Group]) -> None:
    """Let two words stand for the one they make too: node pool is nodepool."""
    joined = stem(before[0].written + after[0].written)
    for word, group in (before, after):
        group.stems[joined] = word.worth
