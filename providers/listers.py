"""The lists of an account, by provider."""

from collections.abc import Callable, Mapping
from typing import Final

from providers.bigcommerce.api import BASE_URL as BIGCOMMERCE
from providers.bigcommerce.listing import BigCommerceLister
from providers.clients import Account
from providers.github.api import BASE_URL as GITHUB
from providers.github.listing import GitHubLister
from providers.listing import Lister
from providers.shopify.listing import ShopifyLister
from providers.stripe.api import BASE_URL as STRIPE
from providers.stripe.fetched import account_of
from providers.stripe.listing import StripeLister


def _bigcommerce(account: Account) -> Lister:
    return BigCommerceLister(account.tenant, account.token, account.url or BIGCOMMERCE, shared=account.shared)


def _github(account: Account) -> Lister:
    return GitHubLister(account.token, account.url or GITHUB, account.repositories, shared=account.shared)


def _shopify(account: Account) -> Lister:
    url, client_id, token = account.url or f"https://{account.tenant}", account.client_id, account.token
    if client_id is not None:
        return ShopifyLister(url, client_credentials=lambda: (client_id, token()), shared=account.shared)
    return ShopifyLister(url, token, shared=account.shared)


def _stripe(account: Account) -> Lister:
    return StripeLister(account.token, account.url or STRIPE, account_of(account.tenant), shared=account.shared)


LISTERS: Final[Mapping[str, Callable[[Account], Lister]]] = {
    "bigcommerce": _bigcommerce,
    "github": _github,
    "shopify": _shopify,
    "stripe": _stripe,
}


def lister_of(provider: str, account: Account) -> Lister | None:
    """Return a lister, None for a provider without lists; `BaseUrlError` for an address that no token may be sent to."""
    make = LISTERS.get(provider)
    return None if make is None else make(account)
