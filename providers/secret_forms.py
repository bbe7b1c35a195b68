"""Which secrets can never match, told by their form: what was configured is not what the provider signs with.

No text here repeats a secret: only its well-known beginning is named, which is the same in every secret of its kind.
Sources: Standard Webhooks 1.0.0, "Signature scheme" (24 to 64 bytes in base64, `whsec_`, `whsk_` and `whpk_`); Stripe's "Receive
events" (`whsec_`) and "API keys"; Shopify's developer changelog of 2020 (`shpss_` signs, `shpat_` and others give access).
"""

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from providers.base import Refused, Verified
from providers.scheme import Scheme, SecretScheme
from providers.signature import decoded_secret

MIN_KEY_BYTES = 24  # Standard Webhooks 1.0.0
CHOSEN_BY_USERS: Final = frozenset({"generic", "github"})  # there any text may be the secret
_WITHOUT_SEPARATORS: Final = frozenset({"stripe", "shopify", "bigcommerce"})  # they make the secret: letters and digits
_SEPARATOR = re.compile(rb"[\s,;|]")
_API_KEY = re.compile(rb"(?:sk|rk|pk)_(?:live|test)_")
_SHOPIFY_TOKEN = re.compile(rb"shp(?!ss_)[a-z]{2,3}_")
_STRIPE_PREFIX = b"whsec_"
_NOT_SYMMETRIC: Final = {b"whpk_": "a public key", b"whsk_": "a private key"}  # of ed25519 signatures, `v1a`
_QUOTES = b"\"'`"


class SecretFault(Struct, frozen=True):
    """What is wrong with a secret. `is_certain`: nothing that the provider sends can match it."""

    text: str
    is_certain: bool = True


def secret_fault(scheme: Scheme, secret: bytes) -> SecretFault | None:
    """Return what is wrong with a secret of a provider, None if it has the form of one."""
    bare = secret.strip()
    if not bare:
        return SecretFault("it is empty, or white space alone")
    is_certain = scheme.provider not in CHOSEN_BY_USERS
    if bare != secret:
        return SecretFault("it has white space or a newline around it; take that away", is_certain)
    if len(bare) > 1 and bare[0] in _QUOTES and bare[0] == bare[-1]:
        return SecretFault("it has quotes around it; take them away", is_certain)
    if isinstance(scheme, SecretScheme):
        return None
    if scheme.key == "decoded":
        return _undecodable(secret)
    return _unlike_the_providers(scheme.provider, secret)


def explained(verdict: Verified | Refused, scheme: Scheme, secrets: Sequence[bytes]) -> Verified | Refused:
    """Return a verdict; the refusal of a signature that no current secret can match says so, and why."""
    if isinstance(verdict, Verified) or verdict.reason != "wrong_signature":
        return verdict
    if not secrets:
        return Refused(verdict.reason, "no secret of this source is current; `penstock check` names those that expired")
    faults = [secret_fault(scheme, secret) for secret in secrets]
    texts = [fault.text for fault in faults if fault is not None and fault.is_certain]
    if len(texts) < len(secrets):
        return verdict
    counted = f"{len(secrets)} secret{'s' if len(secrets) > 1 else ''} configured, none usable"
    return Refused(verdict.reason, f"{counted}: {'; '.join(dict.fromkeys(texts))}")


def _unlike_the_providers(provider: str, secret: bytes) -> SecretFault | None:
    """Return why a provider that makes its secrets has not made this one."""
    if provider == "stripe" and (not secret.startswith(_STRIPE_PREFIX) or secret == _STRIPE_PREFIX):
        return SecretFault(f"expected the endpoint's signing secret, which begins with whsec_{_got(secret)}")
    if provider == "shopify" and _SHOPIFY_TOKEN.match(secret):
        return SecretFault("expected the app's client secret (shpss_), got an access token, which signs nothing")
    if provider in _WITHOUT_SEPARATORS and _SEPARATOR.search(secret):
        return SecretFault("it is several secrets in one, or a sentence; list each secret by itself")
    return None


def _undecodable(secret: bytes) -> SecretFault | None:
    """Return why a secret is no key in base64."""
    for prefix, kind in _NOT_SYMMETRIC.items():
        if secret.startswith(prefix):
            return SecretFault(f"expected a secret that begins with whsec_, got {kind} ({prefix.decode()})")
    key = decoded_secret(secret)
    if not key and b"|" in secret:
        return SecretFault("it is several secrets in one, joined by |; list each of them by itself")
    if not key:
        text = 'expected base64, with or without whsec_; if the sender signs with its text, say options.key_encoding = "text"'
        return SecretFault(f"{text}{_got(secret)}")
    if len(key) < MIN_KEY_BYTES:
        text = f"expected base64 of at least {MIN_KEY_BYTES} bytes, got {len(key)}; is it the text itself that signs"
        return SecretFault(f'{text} (options.key_encoding = "text")?', is_certain=False)
    return None


def _got(secret: bytes) -> str:
    if _API_KEY.match(secret):
        return f"; got an API key ({secret[:8].decode()})"
    if secret.startswith(b"we_"):
        return "; got the id of an endpoint (we_)"
    return ""
