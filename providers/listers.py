"""The lister of an account's resources, by provider."""

from collections.abc import Callable, Mapping
from typing import Final

from providers.clients import Account
from providers.github.api import BASE_URL as GITHUB
from providers.github.listing import GitHubLister
from providers.listing import Lister
from providers.stripe.api import BASE_URL as STRIPE
from providers.stripe.fetched import account_of
from providers.stripe.listing import StripeLister


def _github(account: Account) -> Lister:
    return GitHubLister(account.token, account.url or GITHUB, account.repositories, shared=account.shared)


def _stripe(account: Account) -> Lister:
    return StripeLister(account.token, account.url or STRIPE, account_of(account.tenant), shared=account.shared)


LISTERS: Final[Mapping[str, Callable[[Account], Lister]]] = {
    "github": _github,
    "stripe": _stripe,
}


def lister_of(provider: str, account: Account) -> Lister | None:
    """Return a lister, None for a provider without lists; `BaseUrlError` for an address that no token may be sent to."""
    make = LISTERS.get(provider)
    return None if make is None else make(account)
