"""The client of an account's API, by provider."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeVar

from msgspec import Struct

from providers.api import Api
from providers.bigcommerce.api import BASE_URL as BIGCOMMERCE
from providers.bigcommerce.api import BigCommerceApi
from providers.github.api import BASE_URL as GITHUB
from providers.github.api import GitHubApi
from providers.http import Connections
from providers.shopify.api import ShopifyApi
from providers.stripe.api import BASE_URL as STRIPE
from providers.stripe.api import StripeApi

Made = TypeVar("Made")

Token = Callable[[], str]
"""Returns the token; called for every request."""


class Account(Struct, frozen=True):
    """What a client is made of. `client_id`: the token is the app's secret, with which tokens are asked for (Shopify).

    `shared` are connections that the clients of several accounts use. `repositories` are those whose lists are read (GitHub's
    `octo/hello`).
    """

    tenant: str
    token: Token
    url: str | None = None
    client_id: str | None = None
    shared: Connections | None = None
    repositories: tuple[str, ...] = ()


def at_bigcommerce(make: Callable[..., Made], account: Account) -> Made:
    """Return what one of BigCommerce's classes makes of an account."""
    return make(account.tenant, account.token, account.url or BIGCOMMERCE, shared=account.shared)


def at_github(make: Callable[..., Made], account: Account) -> Made:
    """Return what one of GitHub's classes makes of an account."""
    return make(account.token, account.url or GITHUB, shared=account.shared)


def at_shopify(make: Callable[..., Made], account: Account) -> Made:
    """Return what one of Shopify's classes makes of an account."""
    url, client_id, token = account.url or f"https://{account.tenant}", account.client_id, account.token
    if client_id is not None:
        return make(url, client_credentials=lambda: (client_id, token()), shared=account.shared)
    return make(url, token, shared=account.shared)


def at_stripe(make: Callable[..., Made], account: Account) -> Made:
    """Return what one of Stripe's classes makes of an account."""
    return make(account.token, account.url or STRIPE, shared=account.shared)


CLIENTS: Final[Mapping[str, Callable[[Account], Api]]] = {
    "bigcommerce": partial(at_bigcommerce, BigCommerceApi),
    "github": partial(at_github, GitHubApi),
    "shopify": partial(at_shopify, ShopifyApi),
    "stripe": partial(at_stripe, StripeApi),
}


def client_of(provider: str, account: Account) -> Api | None:
    """Return a client, None for a provider whose API is not read; `BaseUrlError` for an address that no token may be sent to."""
    make = CLIENTS.get(provider)
    return None if make is None else make(account)
