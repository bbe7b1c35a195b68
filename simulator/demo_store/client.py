"""Tells the demo's store what is about to be posted, so that a read which a callback causes finds what it tells of."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final, Self

import httpx

from schemas.codec import document_json, json_value
from simulator.demo_store.address import CALLBACKS, STORE, TOKEN, StoreAddress
from simulator.demo_store.callbacks import tenant_of
from simulator.errors import SimulatorError
from simulator.posting import Post

TIMEOUT_S: Final = 10.0


class StoreClient(AbstractContextManager["StoreClient"]):
    """The connection to the store of one source."""

    def __init__(self, address: StoreAddress, environ: Mapping[str, str]) -> None:
        """Connect to nothing yet; `ConfigurationError` if the token cannot be read."""
        self._address = address
        self._told = b""
        self._http = httpx.Client(
            base_url=address.url,
            headers={TOKEN: address.token(environ), "content-type": "application/json"},
            timeout=TIMEOUT_S,
            trust_env=False,
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._http.close()

    def __enter__(self) -> Self:
        """Return this."""
        return self

    def told_first(self, posts: Iterable[Post]) -> Iterator[Post]:
        """Yield each post once the store shows what it tells of; the next one is not told before this one is taken.

        A repeated body is reported once.
        """
        for post in posts:
            if post.shown is not None and post.sender.source == self._address.source and post.body != self._told:
                self._tell(post)
            yield post

    def _tell(self, post: Post) -> None:
        callback = _json(post.body)
        if callback is None or tenant_of(post.body) != STORE:
            return  # another store's, which is decided as it is; or no callback, which ends as dead
        self._told = post.body
        try:
            body = document_json({"callback": callback, "fields": post.shown})
            answer = self._http.post(CALLBACKS, content=body)
        except httpx.HTTPError as error:
            raise SimulatorError(f"{self._trouble}: {error}") from error
        if not answer.is_success:
            raise SimulatorError(f"{self._trouble}: expected it to take a callback, got {answer.status_code}")

    @property
    def _trouble(self) -> str:
        return f"the demo's store at {self._address.url} ([[sources]] {self._address.source}; its log is store.log)"


def _json(body: bytes) -> object:
    try:
        return json_value(body)
    except ValueError:  # msgspec's errors are ValueErrors
        return None
