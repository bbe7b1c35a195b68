"""Every provider's refusals, each with its exact reason and never with an exception."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from providers.base import Refused, SignedRequest, Verdict, Verified
from providers.registry import PROVIDERS
from tests.support.builders.provider_requests import NOW, SENDERS, Sender

every_sender = pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: sender.name)
JUST_TOO_FAR = timedelta(seconds=302)
WITHIN = timedelta(seconds=299)


def test_every_provider_is_covered() -> None:
    """A provider added to the registry must be added to the senders that these tests run over."""
    assert tuple(sender.name for sender in SENDERS) == PROVIDERS


@every_sender
def test_own_signature_is_verified_by_the_secret_that_made_it(sender: Sender) -> None:
    """`sign` acts as the real provider, and `verify` names the matching secret among several."""
    verdict = sender.provider.verify(sender.request(), [sender.wrong_secret, b"", sender.secret], NOW)

    assert verdict == Verified(secret_index=2)


@every_sender
def test_flipped_byte_is_a_wrong_signature(sender: Sender) -> None:
    """A body that differs in one bit is refused, except for Shopery, which signs nothing."""
    request = sender.request()
    flipped = bytes([*request.body[:-1], request.body[-1] ^ 1])

    verdict = sender.provider.verify(replace(request, body=flipped), [sender.secret], NOW)

    assert _reason(verdict) == ("wrong_signature" if sender.signs_body else None)


@every_sender
@pytest.mark.parametrize("secrets", ["wrong", "empty", "none"])
def test_wrong_empty_or_no_secret_is_a_wrong_signature(sender: Sender, secrets: str) -> None:
    """Only the current secrets count; an empty one never matches, not even a signature made with it."""
    given_secrets = {"wrong": [sender.wrong_secret], "empty": [b""], "none": []}[secrets]

    assert _reason(sender.provider.verify(sender.request(), given_secrets, NOW)) == "wrong_signature"


@every_sender
def test_signature_made_with_the_empty_secret_is_wrong(sender: Sender) -> None:
    """A secret left empty by mistake must not open the ingress to every client."""
    forged = replace(sender, secret=b"").request()

    assert isinstance(sender.provider.verify(forged, [b""], NOW), Refused)


@every_sender
@pytest.mark.parametrize("age", [JUST_TOO_FAR, WITHIN, timedelta(0), -WITHIN, -JUST_TOO_FAR])
def test_timestamp_is_fresh_within_five_minutes_both_ways(sender: Sender, age: timedelta) -> None:
    """Schemes that sign a time refuse one more than five minutes old or ahead; the others cannot check."""
    verdict = sender.provider.verify(sender.request(now=NOW - age), [sender.secret], NOW)

    refusal = {JUST_TOO_FAR: "too_old", -JUST_TOO_FAR: "in_future"}.get(age)
    assert _reason(verdict) == (refusal if sender.signs_time else None)


@every_sender
def test_missing_header_is_a_missing_signature(sender: Sender) -> None:
    """Without any signature header the reason says so."""
    request = sender.request()
    headers = {name: value for name, value in request.headers.items() if name not in sender.signature_headers}

    assert (
        _reason(sender.provider.verify(replace(request, headers=headers), [sender.secret], NOW)) == "missing_signature"
    )


@every_sender
def test_malformed_header_is_a_malformed_signature(sender: Sender) -> None:
    """A malformed signature header is distinguished from a wrong signature."""
    request = sender.request()
    headers = {**request.headers, **dict.fromkeys(sender.signature_headers, sender.malformed)}

    verdict = sender.provider.verify(replace(request, headers=headers), [sender.secret], NOW)

    assert _reason(verdict) == "malformed_signature"


@every_sender
def test_no_refusal_tells_a_secret_or_the_body(sender: Sender) -> None:
    """Details are for people and logs: they never contain a secret, a body or a signature."""
    request = sender.request()
    signature = request.headers[sender.signature_headers[0]]

    verdict = sender.provider.verify(request, [sender.wrong_secret], NOW)

    assert isinstance(verdict, Refused)
    for private in (signature, sender.secret.decode(), sender.wrong_secret.decode(), request.body.decode()):
        assert private not in verdict.detail


@given(
    sender=st.sampled_from(SENDERS),
    value=st.text() | st.text("0123456789abcdef=,. v1tsh25-", max_size=80),
    position=st.integers(0, 20),
    body=st.binary(max_size=50),
)
def test_random_header_and_body_is_refused_never_raised(sender: Sender, value: str, position: int, body: bytes) -> None:
    """For any value in any header, the answer is a verdict."""
    request = sender.request()
    name = sorted(request.headers)[position % len(request.headers)]

    changed = SignedRequest({**request.headers, name: value}, body)

    assert isinstance(sender.provider.verify(changed, [sender.secret], NOW), Verified | Refused)


@given(sender=st.sampled_from(SENDERS), headers=st.dictionaries(st.text(), st.text()), body=st.binary(max_size=50))
def test_request_of_a_stranger_is_refused(sender: Sender, headers: dict[str, str], body: bytes) -> None:
    """A request with none of the provider's headers is never verified."""
    assert isinstance(sender.provider.verify(SignedRequest(headers, body), [sender.secret], NOW), Refused)


def _reason(verdict: Verdict) -> str | None:
    return verdict.reason if isinstance(verdict, Refused) else None
