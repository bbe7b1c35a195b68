"""The differences between a fitting signature and the provider's scheme, and the provider whose scheme fits instead."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

from console.signature.body_rewritings import Body
from console.signature.schemes import Given, other_schemes
from console.signature.secret_mistakes import Cause, Key
from providers.scheme import Algorithm, Encoding, Scheme, SecretScheme, SignatureScheme, Signed

MALFORMED = Cause("malformed", "a signature in the headers fits, but together they have not the form said above")


@dataclass(frozen=True, slots=True)
class Fit:
    """A signature that fits: its header, and the parts it is made of."""

    given: Given
    signed: Signed
    key: Key
    body: Body


def causes(fit: Fit, provider: str, scheme: Scheme) -> tuple[Cause, ...]:
    """Return all differences between a fit and the provider's scheme, in the order in which to fix them."""
    found = differences(fit, scheme)
    other = next((known for known in other_schemes(scheme) if not differences(fit, known)), None)
    if found and other is not None:
        found = [Cause("wrong_provider", f"this is signed as {other.provider}, not as {provider}")]
    body = () if fit.body.cause is None else (fit.body.cause,)
    return (*found, *fit.key.causes, *body) or (MALFORMED,)


def differences(fit: Fit, scheme: Scheme) -> list[Cause]:
    """Return the differences between a fit and a scheme, ignoring repairs of the secret and the body."""
    if isinstance(scheme, SecretScheme):
        text = f"this is signed, but {scheme.provider} signs nothing and sends its secret instead"
        return [Cause("wrong_provider", text)]
    return [*_header_differences(fit.given, scheme), *_making_differences(fit, scheme)]


def options(fit: Fit, scheme: Scheme) -> tuple[str, ...]:
    """Return the options with which `generic` would accept a fit that matches no provider."""
    given = fit.given
    is_possible = (
        fit.signed == "body" and given.algorithm in get_args(Algorithm) and given.encoding in get_args(Encoding)
    )
    others = (known for known in other_schemes(scheme) if not differences(fit, known))
    if not is_possible or fit.key.kind != "text" or not differences(fit, scheme) or any(others):
        return ()
    how = (
        f'provider = "generic" with options = {{ signature_header = "{given.header}", prefix = "{given.prefix}", '
        f'encoding = "{given.encoding}", algorithm = "{given.algorithm}" }} would accept how it is signed'
    )
    return (how,)


def _header_differences(given: Given, scheme: SignatureScheme) -> Iterator[Cause]:
    if given.algorithm != scheme.algorithm:
        yield _algorithm_cause(given, scheme)
    elif given.header not in scheme.headers:
        yield Cause(
            "wrong_header", f"the signature stands in {given.header}, expected in {' or '.join(scheme.headers)}"
        )
    if given.prefix != scheme.prefix and given.algorithm == scheme.algorithm:
        found, expected = given.prefix or "nothing", scheme.prefix or "nothing"
        yield Cause("wrong_prefix", f"before the signature stands {found}, expected is {expected}")
    if given.encoding != scheme.encoding:
        yield Cause("wrong_encoding", f"the signature is written as {given.encoding}, expected is {scheme.encoding}")


def _algorithm_cause(given: Given, scheme: SignatureScheme) -> Cause:
    if given.algorithm == "sha1":
        expected = " or ".join(scheme.headers)
        return Cause(
            "sha1_only", f"only the SHA-1 signature in {given.header} fits, which is not accepted; expected {expected}"
        )
    return Cause(
        "wrong_algorithm", f"the signature is an HMAC-{given.algorithm.upper()}, expected {scheme.algorithm.upper()}"
    )


def _making_differences(fit: Fit, scheme: SignatureScheme) -> Iterator[Cause]:
    if fit.signed != scheme.signed:
        yield Cause("wrong_signed_text", f"signed is {fit.signed}, expected {scheme.signed}")
    if fit.key.kind == scheme.key:
        return
    if fit.key.kind == "decoded":
        yield Cause(
            "secret_decoded", f"the key is the secret base64-decoded; {scheme.provider} takes its text as it is"
        )
    else:
        yield Cause("secret_not_decoded", f"the key is the secret's text; {scheme.provider} base64-decodes it")
