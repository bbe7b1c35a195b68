"""Every provider verifies and signs by its scheme, and `penstock verify` explains refusals with it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from console.signature.diagnosis import Case, Diagnosis, diagnose
from providers.base import Provider, Sample, SignedRequest, Verified
from providers.generic import Generic, GenericOptions
from providers.registry import PROVIDERS, provider
from providers.scheme import Scheme, SignatureScheme

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
BODY = b'{"id": 7, "name": "Caf\xc3\xa9"}'
SECRET = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNED = tuple(name for name in PROVIDERS if isinstance(provider(name).scheme, SignatureScheme))
TIMED = ("bigcommerce", "standard", "stripe")


def test_every_provider_signs_but_shopery() -> None:
    """A provider without its scheme would make the tests below pass by testing less."""
    assert set(PROVIDERS) - set(SIGNED) == {"shopery"}
    assert all(provider(name).scheme.provider == name for name in PROVIDERS)


@pytest.mark.parametrize("name", SIGNED)
def test_header_that_moved_is_verified_signed_and_explained(name: str) -> None:
    """Only the scheme names it: a signature that was right before is now in the wrong header."""
    moved = planted(name, headers=("x-moved",), usual_header="")
    before, after = signed(provider(name)), signed(moved)

    assert moved.verify(after, [SECRET], NOW) == Verified(0)
    (cause,) = judged(moved, before).causes
    assert (cause.code, cause.text.partition(", ")[2]) == ("wrong_header", "expected in x-moved")


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize(
    ("changes", "code", "expected"),
    [
        ({"prefix": "v9:"}, "wrong_prefix", "v9:"),
        ({"algorithm": "sha512"}, "wrong_algorithm", "SHA512"),
        ({"encoding": "hex"}, "wrong_encoding", "hex"),
        ({"encoding": "base64"}, "wrong_encoding", "base64"),
    ],
)
def test_another_way_of_signing_is_explained(name: str, changes: dict[str, Any], code: str, expected: str) -> None:
    """The diagnosis expects any change in a scheme from then on."""
    changed = planted(name, **changes)
    if changed.scheme == provider(name).scheme:
        return

    assert changed.verify(signed(changed), [SECRET], NOW) == Verified(0)
    (cause,) = judged(changed, signed(provider(name))).causes
    assert cause.code == code
    assert cause.text.endswith(expected)


@pytest.mark.parametrize("name", TIMED)
def test_another_tolerance_is_explained(name: str) -> None:
    """A time that was too old a moment ago is fresh, with the signature right or wrong."""
    lenient, later = planted(name, tolerance_s=3600), NOW + timedelta(minutes=30)

    assert lenient.verify(signed(lenient), [SECRET], later) == Verified(0)
    assert judged(provider(name), signed(lenient), later).causes[0].code == "too_old"
    wrong = SignedRequest(signed(lenient).headers, BODY + b"\n")
    assert not [hint for hint in judged(lenient, wrong, later).hints if "too_old" in hint]


def test_secret_header_that_moved_is_verified_sent_and_explained() -> None:
    """Shopery's scheme is a header, too."""
    moved = planted("shopery", header="x-moved-secret")

    assert moved.verify(signed(moved), [SECRET], NOW) == Verified(0)
    (cause,) = judged(moved, signed(provider("shopery"))).causes
    assert cause.code == "wrong_header"


def test_generic_scheme_follows_the_options() -> None:
    """Other arguments have no influence."""
    options = GenericOptions(signature_header="X-Acme", prefix="", encoding="base64", algorithm="sha512")

    made = Generic(options, scheme=provider("generic").scheme).scheme  # type: ignore[arg-type]  # any scheme will do

    assert made == SignatureScheme("generic", ("x-acme",), "base64", algorithm="sha512")


def planted(name: str, **changes: Any) -> Provider:
    """Return a provider of the same code with another scheme."""
    known = provider(name)
    if isinstance(known, Generic):
        options = known.options
        header = changes.get("headers", (options.signature_header,))[0]
        same = {key: value for key, value in changes.items() if key not in {"headers", "usual_header"}}
        return Generic(msgspec.structs.replace(options, signature_header=header, **same))
    scheme: Scheme = msgspec.structs.replace(known.scheme, **changes)
    kind: Any = type(known)
    changed: Provider = type(kind)("Planted", (kind,), {"scheme": scheme})()
    return changed


def signed(rules: Provider) -> SignedRequest:
    """Return a request as this provider sends it."""
    return SignedRequest(rules.sign(Sample(BODY, "products/update", "msg_1", NOW), SECRET), BODY)


def judged(rules: Provider, request: SignedRequest, now: datetime = NOW) -> Diagnosis:
    """Return the findings of `penstock verify`."""
    return diagnose(replace(Case(rules, request, [SECRET], NOW), now=now))
