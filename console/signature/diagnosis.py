"""Why a signature is not accepted: trying candidates finds the differences that would make it fit.

Pure: values in, values out; no result holds a secret, a body or a signature. The provider alone verifies a request; this module
only explains a refusal, and an HMAC proves every explanation that names a fit.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from console.signature.body_rewritings import bodies
from console.signature.differences import Fit, causes, differences, options
from console.signature.schemes import Given, families, given_digests, secret_owner, signed_forms, signed_time
from console.signature.secret_mistakes import Cause, Key, keys
from providers.base import Provider, Refused, SignedRequest, Verdict, Verified
from providers.scheme import Scheme, SignatureScheme, Signed, signed_timestamp
from providers.signature import header_bytes, timestamp_refusal
from providers.times import of_unix_seconds

# A body up to this size is tried in 60 rewritings, with 5 to 20 keys and signed texts each, in half a second. For a larger one,
# only the unchanged body is tried with all of them, and its rewritings only with the provider's own way: 25 MB take 10 s.
PATIENT_BYTES = 1 << 20
SHORTEST_SECRET_CHARS = 8  # a shorter one may equal a header by chance: a hook's id, a version
WRONG_SECRET: Mapping[str, str] = {
    "shopify": "shopify signs with the app's client secret, but what was set up in a store's admin (Settings, Notifications)"
    " with that store's own key; for up to an hour after a rotation it may still sign with the old secret",
    "bigcommerce": "bigcommerce signs with the client secret of the app, its text as it is; not with the access token",
    "github": "github has one secret per hook: a repository's, an organization's and an app's are different hooks",
    "stripe": "stripe has one secret per endpoint and mode (test, live), and `stripe listen` signs with its own",
    "standard": "the secret is that of this endpoint at this sender, whsec_ and base64",
    "generic": "expected is an HMAC of the body alone; a sender that signs anything else with it cannot be verified so",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A request to check; `now` is aware UTC."""

    provider: Provider
    request: SignedRequest
    secrets: Sequence[bytes] = field(repr=False)
    now: datetime


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The answer that the ingress would give at that time, and why.

    `is_signature_right` ignores the time. `causes` are proven, `hints` are not.
    """

    verdict: Verdict
    is_signature_right: bool
    signed_at: datetime | None
    causes: tuple[Cause, ...] = ()
    hints: tuple[str, ...] = ()


def diagnose(case: Case) -> Diagnosis:
    """Return whether the request is verified and, if not, the explanation."""
    signed_at = _signed_at(case)
    verdict = case.provider.verify(case.request, case.secrets, case.now)
    if isinstance(verdict, Verified):
        return Diagnosis(verdict, True, signed_at)
    timely = case.provider.verify(case.request, case.secrets, signed_at or case.now)
    if isinstance(timely, Verified):
        return Diagnosis(verdict, True, signed_at, (_untimely(verdict, signed_at),))
    proven, hints = _explained(case)
    if timely.reason != verdict.reason:
        proven = (Cause(timely.reason, f"the signature is wrong as well: {timely.detail}"), *proven)
    return Diagnosis(verdict, False, signed_at, proven, (*hints, *_late(case, verdict)))


def _signed_at(case: Case) -> datetime | None:
    return of_unix_seconds(signed_time(case.request.headers, case.provider.scheme) or "")


def _untimely(refused: Refused, signed_at: datetime | None) -> Cause:
    when = "" if signed_at is None else f"; it was made at {signed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return Cause(
        refused.reason, f"only the time is wrong, the signature itself is right{when}; judge another time with --now"
    )


def _late(case: Case, refused: Refused) -> tuple[str, ...]:
    """Return a hint that the time would be refused too, for providers where the ingress checks the signature first."""
    scheme = case.provider.scheme
    if not isinstance(scheme, SignatureScheme) or scheme.signed == "body":
        return ()
    text = signed_timestamp(scheme, case.request.headers)
    late = None if text is None else timestamp_refusal(text, case.now, scheme.tolerance_s)
    return () if late is None or late.reason == refused.reason else (f"{late.reason} as well: {late.detail}",)


def _explained(case: Case) -> tuple[tuple[Cause, ...], tuple[str, ...]]:
    scheme = case.provider.scheme
    fit = _fit(case, scheme)
    if fit is not None:
        return causes(fit, case.provider.name, scheme), options(fit, scheme)
    sent = _sent_secret(case, scheme)
    return (sent, ()) if sent else (_unexplained(case), _guesses(case, scheme))


def _sent_secret(case: Case, scheme: Scheme) -> tuple[Cause, ...]:
    """Return the causes for a header that holds the secret itself."""
    for secret in case.secrets:
        for name, value in case.request.headers.items():
            owner = secret_owner(name, scheme)
            if owner is None and len(value) < SHORTEST_SECRET_CHARS:
                continue
            for key in keys(secret):
                if key.kind == "text" and hmac.compare_digest(key.value, header_bytes(value)):
                    return (*_misplaced_secret(name, owner, scheme), *key.causes)
    return ()


def _misplaced_secret(header: str, owner: str | None, scheme: Scheme) -> tuple[Cause, ...]:
    if owner is None:
        return (Cause("wrong_header", f"the secret itself stands in the header {header}, and signs nothing"),)
    if owner != scheme.provider:
        text = f"this is a request of {owner}, not of {scheme.provider}: the secret itself is sent"
        return (Cause("wrong_provider", text),)
    return ()


def _fit(case: Case, scheme: Scheme) -> Fit | None:
    """Return the fit with the fewest differences from the provider's own scheme, preferably with the body unchanged."""
    given = given_digests(case.request.headers)
    attempts = [
        (_distance(signed, key, scheme), signed, start, key)
        for signed, start in signed_forms(case.request.headers, scheme).items()
        for secret in case.secrets
        for key in keys(secret)
    ]
    attempts.sort(key=lambda attempt: attempt[0])
    for body in bodies(case.request) if given else ():
        is_patient = body.cause is None or len(body.value) <= PATIENT_BYTES
        for distance, signed, start, key in attempts:
            fits = _matching(given, start + body.value, key) if is_patient or distance == 0 else []
            if fits:
                return min(
                    (Fit(digest, signed, key, body) for digest in fits), key=lambda fit: _strangeness(fit, scheme)
                )
    return None


def _strangeness(fit: Fit, scheme: Scheme) -> tuple[bool, int]:
    """Return the sort key among several fitting signatures; GitHub sends a SHA-1 one beside the real one."""
    return fit.given.algorithm == "sha1", len(differences(fit, scheme))


def _distance(signed: Signed, key: Key, scheme: Scheme) -> int:
    if not isinstance(scheme, SignatureScheme):
        return len(key.causes)
    return (signed != scheme.signed) + (key.kind != scheme.key) + len(key.causes)


def _matching(given: Sequence[Given], signed: bytes, key: Key) -> list[Given]:
    made = {
        algorithm: hmac.digest(key.value, signed, algorithm) for algorithm in {digest.algorithm for digest in given}
    }
    return [digest for digest in given if hmac.compare_digest(made[digest.algorithm], digest.digest)]


def _unexplained(case: Case) -> tuple[Cause, ...]:
    if isinstance(case.provider.scheme, SignatureScheme) and not given_digests(case.request.headers):
        return (Cause("no_signature", "no header holds anything that has the form of a signature"),)
    return (
        Cause("nothing_fits", "no usual mistake explains it: another secret, or a body changed beyond recognition"),
    )


def _guesses(case: Case, scheme: Scheme) -> tuple[str, ...]:
    foreign = [f"{name} is a header of {provider}" for name, provider in families(case.request.headers, scheme)]
    known = WRONG_SECRET.get(case.provider.name)
    return (*foreign, *([] if known is None else [known]))
