"""The client of an account's hooks, by provider."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from providers.bigcommerce.hooks import BigCommerceHooks
from providers.clients import Account, at_bigcommerce, at_github, at_shopify, at_stripe
from providers.github.hooks import GitHubHooks
from providers.hooks import HookApi
from providers.shopify.hooks import ShopifyHooks
from providers.stripe.hooks import StripeHooks

HOOK_CLIENTS: Final[Mapping[str, Callable[[Account], HookApi]]] = {
    "bigcommerce": partial(at_bigcommerce, BigCommerceHooks),
    "github": partial(at_github, GitHubHooks),
    "shopify": partial(at_shopify, ShopifyHooks),
    "stripe": partial(at_stripe, StripeHooks),
}


def hook_client_of(provider: str, account: Account) -> HookApi | None:
    """Return a client, None where Penstock does not register; `BaseUrlError` for an address that no token may be sent to."""
    make = HOOK_CLIENTS.get(provider)
    return None if make is None else make(account)
