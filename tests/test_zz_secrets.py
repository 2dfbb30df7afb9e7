"""Comes last: nothing that the program said in the whole suite holds a credential."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from tests.witness import WITNESS, Witness

_SECRET = "s3cret/with+signs&more%41"


@pytest.mark.parametrize(
    "said",
    [
        _SECRET,
        f"a line with {quote(_SECRET, safe='')} in it",
        *(base64.b64encode(f"{'u' * before}:{_SECRET}:x".encode()) for before in range(6)),
    ],
)
def test_the_witness_hears_a_secret_in_every_form(said: str | bytes) -> None:
    witness = Witness()
    witness.know("the secret", _SECRET)
    witness.where = "a test"
    witness.hear("results", "nothing of it: s3cret")
    assert witness.found == []
    witness.hear("results", said)
    assert set(witness.found) == {"the secret in results of a test"}


@pytest.mark.promise("secrets.never")
def test_no_credential_was_shown_in_results_logs_outputs_and_files_of_the_suite(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    WITNESS.is_listening = True
    WITNESS.hear_files(tmp_path_factory.getbasetemp())
    assert WITNESS.found == []
    is_whole_suite = request.session.testscollected > 3_000
    if is_whole_suite:
        assert {"results", "log", "processes", "output", "http", "files"} <= set(WITNESS.heard)
