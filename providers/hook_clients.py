"""The client of an account's hooks, by provider."""

from collections.abc import Callable, Mapping
from typing import Final

from providers.bigcommerce.api import BASE_URL as BIGCOMMERCE
from providers.bigcommerce.hooks import BigCommerceHooks
from providers.clients import Account
from providers.github.api import BASE_URL as GITHUB
from providers.github.hooks import GitHubHooks
from providers.hooks import HookApi
from providers.shopify.hooks import ShopifyHooks
from providers.stripe.api import BASE_URL as STRIPE
from providers.stripe.hooks import StripeHooks


def _bigcommerce(account: Account) -> HookApi:
    return BigCommerceHooks(account.tenant, account.token, account.url or BIGCOMMERCE, shared=account.shared)


def _github(account: Account) -> HookApi:
    return GitHubHooks(account.token, account.url or GITHUB, shared=account.shared)


def _shopify(account: Account) -> HookApi:
    url, client_id, token = account.url or f"https://{account.tenant}", account.client_id, account.token
    if client_id is not None:
        return ShopifyHooks(url, client_credentials=lambda: (client_id, token()), shared=account.shared)
    return ShopifyHooks(url, token, shared=account.shared)


def _stripe(account: Account) -> HookApi:
    return StripeHooks(account.token, account.url or STRIPE, shared=account.shared)


HOOK_CLIENTS: Final[Mapping[str, Callable[[Account], HookApi]]] = {
    "bigcommerce": _bigcommerce,
    "github": _github,
    "shopify": _shopify,
    "stripe": _stripe,
}


def hook_client_of(provider: str, account: Account) -> HookApi | None:
    """Return a client, None where Penstock does not register; `BaseUrlError` for an address that no token may be sent to."""
    make = HOOK_CLIENTS.get(provider)
    return None if make is None else make(account)
