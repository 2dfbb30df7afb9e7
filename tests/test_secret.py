import base64
import copy
import json
import pickle
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovh_api_mcp.secret import MASK, Redactor, Secret

CANARY = 'canary 9f/+é"x'


def test_the_search_for_the_canary_finds_a_planted_one() -> None:
    assert CANARY in f"the key is {Secret(CANARY).reveal()}"


@pytest.mark.parametrize(
    "show",
    [str, repr, "{0} {0!r:>40}".format, lambda s: f"{s}", lambda s: f"{s!r}"],
)
def test_a_secret_never_shows_itself(show: Callable[[object], str]) -> None:
    secret = Secret(CANARY)
    for holder in (secret, [secret], {"key": secret}, ValueError(secret)):
        assert CANARY not in show(holder)
    assert MASK in show(secret)
    assert f"{secret:>40}" == MASK


def test_a_secret_is_neither_pickled_nor_copied() -> None:
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leave(Secret(CANARY))


def test_secrets_are_equal_by_value_and_can_be_keys() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


@pytest.mark.parametrize(
    "spell",
    [
        str,
        lambda text: quote(text, safe=""),
        quote_plus,
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
        lambda text: json.dumps(text)[1:-1],
    ],
)
def test_every_usual_spelling_of_a_secret_is_replaced(spell: Callable[[str], str]) -> None:
    redactor = Redactor([Secret("another secret"), Secret(CANARY)])
    assert redactor.redact(f"a {spell(CANARY)} b") == f"a {MASK} b"


@given(st.lists(st.text(min_size=4), max_size=5), st.text())
def test_no_known_secret_is_left_in_a_text(values: list[str], text: str) -> None:
    redactor = Redactor(Secret(value) for value in values)
    redacted = redactor.redact("|".join([text, *values]))
    assert not any(
        value in redacted.replace(MASK, "") for value in values if len(value) > 4 and "*" not in value
    )


def test_short_values_do_not_blot_out_ordinary_words() -> None:
    assert Redactor([Secret("the")]).redact("the end") == "the end"


def test_without_secrets_a_text_stays_as_it_is() -> None:
    assert Redactor().redact("text") == "text"


def test_a_secret_that_comes_up_later_is_replaced_from_then_on() -> None:
    redactor = Redactor()
    assert redactor.redact("token-1") == "token-1"
    redactor.add(Secret("token-1"))
    redactor.add(Secret("token-12"))
    assert redactor.redact("token-12 token-1") == f"{MASK} {MASK}"


def test_of_tokens_that_replace_each_other_the_last_two_are_known() -> None:
    redactor = Redactor([Secret("lasting secret")])
    for number in range(1_000):
        redactor.add_token(Secret(f"token-{number:04}"))
    redactor.add_token(Secret("token-0999"))  # the same again is no newer one
    text = "lasting secret token-0000 token-0997 token-0998 token-0999"
    assert redactor.redact(text) == f"{MASK} token-0000 token-0997 {MASK} {MASK}"
    assert redactor.redact(quote("lasting secret")) == MASK


def test_a_token_that_is_a_lasting_secret_too_is_never_forgotten() -> None:
    redactor = Redactor([Secret("token-a")])
    for token in ("token-a", "token-b", "token-c", "token-d"):
        redactor.add_token(Secret(token))
    assert redactor.redact("token-a token-b token-c token-d") == f"{MASK} token-b {MASK} {MASK}"


def test_a_secret_within_another_one_leaves_nothing_of_the_longer() -> None:
    redactor = Redactor([Secret("middle"), Secret("a middle part")])
    redactor.add_token(Secret("all of a middle part and more"))
    assert (
        redactor.redact("all of a middle part and more, a middle part, middle") == f"{MASK}, {MASK}, {MASK}"
    )
