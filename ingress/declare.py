"""Declares writes to a running ingress, for the user's own programs: `from ingress.declare import Declarations`.

    declarations = Declarations("https://hooks.example.com/v1/acme-shop", token)
    declarations.declare(DeclaredWrite("order", "7", "acme.myshopify.com", values={"/note": "packed"}))
    ...                                   # now write to the provider

NotDeclared    the ingress refused the declaration, or did not answer: written all the same, the change looks like somebody else's
"""

import uuid
from typing import Final, Self

import httpx
from msgspec.structs import replace
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from schemas.writes import DeclaredWrite, encode_write

TRIES: Final = 3
TIMEOUT_S: Final = 5.0  # The ingress answers within 3.5 s, or says that it could not keep the declaration.
_UNAVAILABLE = 503
_OK = 200


class NotDeclared(Exception):
    """The write is not declared; the text says why, without the token."""


class _Transient(NotDeclared):
    """It may be declared at the next try."""


class Declarations:
    """Declares writes to one source of an ingress. Connections are kept; use one from one thread at a time."""

    def __init__(self, url: str, token: str, timeout_s: float = TIMEOUT_S) -> None:
        """Take the address to which the provider posts, `https://…/v1/{source}`, and the token of the source's `echoes`."""
        self._url = f"{url.rstrip('/')}/writes"
        self._client = httpx.Client(headers={"authorization": f"Bearer {token}"}, timeout=timeout_s, trust_env=False)

    def declare(self, write: DeclaredWrite) -> None:
        """Return once the declaration is kept, so that its change will be recognised; raise `NotDeclared`.

        A try whose answer is lost is repeated under the same id, and counts once.
        """
        named = write if write.write_id else replace(write, write_id=str(uuid.uuid4()))
        body = encode_write(named)
        again = Retrying(
            stop=stop_after_attempt(TRIES),
            wait=wait_exponential(multiplier=0.1),
            retry=retry_if_exception_type(_Transient),
            reraise=True,
        )
        again(self._post, body)

    def _post(self, body: bytes) -> None:
        try:
            answer = self._client.post(self._url, content=body, headers={"content-type": "application/json"})
        except httpx.HTTPError as error:
            raise _Transient(f"{self._url} did not answer: {type(error).__name__}") from error
        if answer.status_code == _UNAVAILABLE:
            raise _Transient(f"{self._url} answered 503: {answer.text[:300]}")
        if answer.status_code != _OK:
            raise NotDeclared(f"{self._url} answered {answer.status_code}: {answer.text[:300]}")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
