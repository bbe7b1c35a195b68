"""The lister of an account's resources, by provider."""

from collections.abc import Callable, Mapping
from typing import Final

from providers.clients import Account
from providers.listing import Lister

LISTERS: Final[Mapping[str, Callable[[Account], Lister]]] = {}


def lister_of(provider: str, account: Account) -> Lister | None:
    """Return a lister, None for a provider without lists; `BaseUrlError` for an address that no token may be sent to."""
    make = LISTERS.get(provider)
    return None if make is None else make(account)
