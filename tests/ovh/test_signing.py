import json
from pathlib import Path

from ovh_api_mcp.ovh.credentials import ApplicationCredentials
from ovh_api_mcp.ovh.signing import sign, signed_headers
from ovh_api_mcp.secret import Secret


def test_signatures_are_those_of_the_vectors_that_ovhcloud_publishes(shared_dir: Path) -> None:
    data = json.loads((shared_dir / "vectors" / "signature.json").read_text())
    credentials = ApplicationCredentials(
        data["application_key"], Secret(data["application_secret"]), Secret(data["consumer_key"])
    )
    for vector in data["vectors"]:
        signature = sign(
            credentials,
            method=vector["method"],
            url=vector["url"],
            body=vector["body"].encode() or None,
            timestamp=vector["timestamp"],
        )
        assert signature == vector["expected_signature"]


CREDENTIALS = ApplicationCredentials("key", Secret("secret"), Secret("consumer"))


def test_the_method_is_signed_in_upper_case_and_the_body_byte_for_byte() -> None:
    def signature(method: str, body: bytes | None) -> str:
        return sign(CREDENTIALS, method=method, url="https://a/v1/%2F", body=body, timestamp=1)

    assert signature("put", b"{}") == signature("PUT", b"{}")
    assert signature("PUT", b"") == signature("PUT", None)
    assert len({signature("PUT", body) for body in (b"0", b"\xc3\xa9", b'"\\u00e9"', b" ", None)}) == 5


def test_a_signed_request_carries_four_headers() -> None:
    headers = dict(signed_headers(CREDENTIALS, method="GET", url="https://a/v1", body=None, timestamp=12))
    assert headers == {
        "X-Ovh-Application": "key",
        "X-Ovh-Consumer": "consumer",
        "X-Ovh-Timestamp": "12",
        "X-Ovh-Signature": sign(CREDENTIALS, method="GET", url="https://a/v1", body=None, timestamp=12),
    }
