"""Official and observed signatures: each accepted or refused exactly as the vector says."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from providers.base import Provider, Refused, SignedRequest, Verified
from providers.generic import GenericOptions
from providers.registry import provider
from tests.support.builders.corpora import read_corpus

VECTORS: list[dict[str, Any]] = read_corpus("signature_vectors.json")
VECTOR_COUNT = 67


def test_all_vectors_are_here() -> None:
    """A corpus that lost vectors would make the test below pass by testing less."""
    assert len(VECTORS) == VECTOR_COUNT


@pytest.mark.parametrize("vector", [pytest.param(vector, id=vector["id"]) for vector in VECTORS])
def test_vector_is_judged_as_documented(vector: dict[str, Any]) -> None:
    """Every valid vector is verified and every invalid one refused, at the vector's clock."""
    now = datetime.fromtimestamp(vector.get("now") or 1_700_000_000, UTC)
    request = SignedRequest(
        {name.lower(): value for name, value in vector["headers"].items()}, base64.b64decode(vector["body_base64"])
    )

    verdict = _provider(vector).verify(request, _secrets(vector), now)

    # Valid by arithmetic, but Penstock accepts SHA-256 only.
    is_legacy = (vector.get("note") or "").startswith("legacy-sha1")
    assert isinstance(verdict, Verified if vector["expect"] == "valid" and not is_legacy else Refused), verdict


def _provider(vector: dict[str, Any]) -> Provider:
    if vector["provider"] != "generic-hmac":
        return provider("standard" if vector["provider"] == "standard-webhooks" else vector["provider"])
    algorithm: Any = "sha512" if "alg=sha512" in vector["why"] else "sha256"
    has_prefix = "=" in next(iter(vector["headers"].values()))
    return provider("generic", GenericOptions(prefix=f"{algorithm}=" if has_prefix else "", algorithm=algorithm))


def _secrets(vector: dict[str, Any]) -> list[bytes]:
    return [secret.encode() for secret in vector.get("secrets") or [vector["secret"]]]
