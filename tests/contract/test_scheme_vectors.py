"""The scheme that a provider exposes makes every signature of the corpus, exactly as the provider itself."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from providers.base import Provider, Sample, SignedRequest, Verified
from providers.generic import GenericOptions
from providers.registry import provider
from providers.scheme import SignatureScheme, first_header, signed_timestamp
from providers.signature import read_digests, signing_headers
from tests.support.builders.corpora import read_corpus

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
VECTORS: list[dict[str, Any]] = [
    vector for vector in read_corpus("signature_vectors.json") if vector["provider"] != "shopery"
]


@pytest.mark.parametrize("vector", [pytest.param(vector, id=vector["id"]) for vector in VECTORS])
def test_scheme_signs_as_the_provider(vector: dict[str, Any]) -> None:
    """The scheme's headers for a vector's body and secret are the provider's own, and verified."""
    rules, scheme = vector_rules(vector)
    body, secret = base64.b64decode(vector["body_base64"]), secrets_of(vector)[0]

    made = signing_headers(scheme, secret, body, "msg_1", NOW)

    sent = rules.sign(Sample(body, "products/update", "msg_1", NOW), secret)
    assert made.items() <= sent.items()
    assert rules.verify(SignedRequest(made, body), [secret], NOW) == Verified(0)


@pytest.mark.parametrize(
    "vector", [pytest.param(vector, id=vector["id"]) for vector in VECTORS if vector["expect"] == "valid"]
)
def test_scheme_makes_the_signature_of_the_vector(vector: dict[str, Any]) -> None:
    """They are made from its id and time; a legacy SHA-1 signature is in no header of the scheme."""
    _, scheme = vector_rules(vector)
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    given = read_digests(scheme, entries(scheme, headers))
    moment = datetime.fromtimestamp(int(signed_timestamp(scheme, headers) or 0), UTC)
    delivery_id = first_header(headers, scheme.id_headers) or ""

    made = [
        signing_headers(scheme, secret, base64.b64decode(vector["body_base64"]), delivery_id, moment)
        for secret in secrets_of(vector)
    ]

    is_legacy = (vector.get("note") or "").startswith("legacy-sha1")
    matching = [digest for one in made for digest in read_digests(scheme, entries(scheme, one)) if digest in given]
    assert bool(matching) is not is_legacy


def entries(scheme: SignatureScheme, headers: dict[str, str]) -> list[str]:
    """Return the entries of the signature header."""
    header = first_header(headers, scheme.headers) or ""
    return [entry.strip() for entry in header.split(scheme.separator or None)]


def secrets_of(vector: dict[str, Any]) -> list[bytes]:
    """Return the secrets that a vector was signed with."""
    return [secret.encode() for secret in vector.get("secrets") or [vector["secret"]]]


def vector_rules(vector: dict[str, Any]) -> tuple[Provider, SignatureScheme]:
    """Return a vector's provider, and its scheme."""
    name = {"standard-webhooks": "standard", "generic-hmac": "generic"}.get(vector["provider"], vector["provider"])
    options = None
    if name == "generic":
        algorithm: Any = "sha512" if "alg=sha512" in vector["why"] else "sha256"
        has_prefix = "=" in next(iter(vector["headers"].values()))
        options = GenericOptions(prefix=f"{algorithm}=" if has_prefix else "", algorithm=algorithm)
    rules = provider(name, options)
    scheme = rules.scheme
    assert isinstance(scheme, SignatureScheme)
    return rules, scheme
