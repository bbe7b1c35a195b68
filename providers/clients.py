"""The client of an account's API, by provider."""

from collections.abc import Callable, Mapping
from typing import Final

from providers.api import Api
from providers.bigcommerce.api import BASE_URL as BIGCOMMERCE
from providers.bigcommerce.api import BigCommerceApi

Token = Callable[[], str]
"""Returns the token; called for every request."""


def _bigcommerce(tenant: str, token: Token, url: str | None, api_version: str | None) -> Api:  # noqa: ARG001 - as all
    return BigCommerceApi(tenant, token, url or BIGCOMMERCE)


CLIENTS: Final[Mapping[str, Callable[[str, Token, str | None, str | None], Api]]] = {"bigcommerce": _bigcommerce}
"""By provider: what makes a client of tenant, token, address (None: the public one) and API version (None: the newest known)."""


def client_of(provider: str, tenant: str, token: Token, url: str | None, api_version: str | None) -> Api | None:
    """Return a client, None for a provider whose API is not read; `BaseUrlError` for an address that no token may be sent to."""
    make = CLIENTS.get(provider)
    return None if make is None else make(tenant, token, url, api_version)
