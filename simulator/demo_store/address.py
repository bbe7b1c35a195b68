"""Finds the demo's store in a configuration: who serves it, reads it and posts its callbacks agree on it there."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from config.model import Configuration, Source
from config.secrets import credential

STORE: Final = "example"
"""The hash of the demo's store, as in `stores/example`."""
HOST: Final = "127.0.0.1"
PREFERRED_PORT: Final = 8082
CALLBACKS: Final = "/simulator/callbacks"
"""Where the store learns of a callback that is about to be posted; all other paths are BigCommerce's."""
TOKEN: Final = "x-auth-token"  # noqa: S105 - the header's name


class StoreAddress(Struct, frozen=True):
    """Where the store is served, for which source, and the reference to its token."""

    source: str
    port: int
    token_reference: str

    @property
    def url(self) -> str:
        """Return the base address, as `api_url` has it."""
        return f"http://{HOST}:{self.port}"

    def token(self, environ: Mapping[str, str]) -> str:
        """Return the token; `ConfigurationError` if it cannot be read."""
        return credential(self.token_reference, environ)


def store_address(loaded: Configuration) -> StoreAddress | None:
    """Return where the demo's store is to be served, None if the configuration does not have it (any more)."""
    return next((found for source in loaded.sources if (found := _of(source)) is not None), None)


def _of(source: Source) -> StoreAddress | None:
    reference = source.api_tokens.get(STORE)
    if source.provider != "bigcommerce" or reference is None or source.api_url is None:
        return None
    parts = urlsplit(source.api_url)
    if parts.scheme != "http" or parts.hostname != HOST or not parts.port:
        return None
    return StoreAddress(source.name, parts.port, reference)
