"""The lists of an account, by provider."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from providers.bigcommerce.listing import BigCommerceLister
from providers.clients import Account, at_bigcommerce, at_shopify
from providers.github.api import BASE_URL as GITHUB
from providers.github.listing import GitHubLister
from providers.listing import Lister
from providers.shopify.listing import ShopifyLister
from providers.stripe.api import BASE_URL as STRIPE
from providers.stripe.fetched import account_of
from providers.stripe.listing import StripeLister


def _github(account: Account) -> Lister:
    return GitHubLister(account.token, account.url or GITHUB, account.repositories, shared=account.shared)


def _stripe(account: Account) -> Lister:
    return StripeLister(account.token, account.url or STRIPE, account_of(account.tenant), shared=account.shared)


LISTERS: Final[Mapping[str, Callable[[Account], Lister]]] = {
    "bigcommerce": partial(at_bigcommerce, BigCommerceLister),
    "github": _github,
    "shopify": partial(at_shopify, ShopifyLister),
    "stripe": _stripe,
}


def lister_of(provider: str, account: Account) -> Lister | None:
    """Return a lister, None for a provider without lists; `BaseUrlError` for an address that no token may be sent to."""
    make = LISTERS.get(provider)
    return None if make is None else make(account)
