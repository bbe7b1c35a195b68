"""Tests for providers/listers.py: the lister of an account, by provider."""

import pytest

from providers.clients import CLIENTS, Account
from providers.http import BaseUrlError, Connections
from providers.listers import LISTERS, lister_of

ACCOUNT = Account("example.myshopify.com", lambda: "made-up-token")


def test_what_can_be_listed_can_be_read() -> None:
    """A list names resources; without reads nothing could be done with it."""
    assert LISTERS.keys() <= CLIENTS.keys()
    assert lister_of("shopery", ACCOUNT) is None


@pytest.mark.parametrize("provider", sorted(LISTERS))
@pytest.mark.parametrize("client_id", [None, "client"])
async def test_every_lister_names_each_list_once(provider: str, client_id: str | None) -> None:
    """Names are what a stored cursor belongs to."""
    shared = Connections()
    account = Account(
        "acme.example", lambda: "made-up", client_id=client_id, shared=shared, repositories=("acme/shop",)
    )
    lister = lister_of(provider, account)

    assert lister is not None
    names = [listing.name for listing in lister.listings]
    await lister.close()
    await shared.close()
    assert len(names) == len(set(names)) > 0


@pytest.mark.parametrize("provider", sorted(LISTERS))
def test_token_goes_to_https_alone(provider: str) -> None:
    """An address without TLS is refused before anything is sent."""
    with pytest.raises(BaseUrlError):
        lister_of(provider, Account("acme", lambda: "made-up", "http://shop.example"))
