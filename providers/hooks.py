"""What registering at a provider is made of: a hook as the provider shows it, one that is wanted, and what a client does. Pure.

A hook is one registration of an address: BigCommerce and Shopify have one for each event type, GitHub and Stripe one for many.
`providers/<name>/hooks.py` reads and changes them, over `providers/http.py`.
"""

from collections.abc import Mapping
from typing import Final, Literal, Protocol

from msgspec import Struct

from providers.api import Failure

CONNECT: Final = "connect"
"""The place of Stripe's endpoints for connected accounts."""

State = Literal["active", "disabled"]
SecretRule = Literal["none", "ours", "theirs"]
"""Who makes a hook's secret: it has none of its own (the app's secret signs), we do, or the provider, which tells it once."""


class Hook(Struct, frozen=True):
    """One registration at the provider. `place` is where it belongs within the account (GitHub's repository), "" for one place.

    `state_detail` is what the provider says of a disabled or failing one. `filter` and `fields` narrow what is sent (Shopify).
    `mark` is the fingerprint of its secret that we left at the provider (Stripe), "" for none. `is_unfinished`: we made it and
    did not come to activate it.
    """

    id: str
    url: str
    topics: tuple[str, ...]
    place: str = ""
    state: State = "active"
    state_detail: str = ""
    api_version: str | None = None
    filter: str = ""
    fields: tuple[str, ...] = ()
    has_secret: bool = True
    mark: str = ""
    is_unfinished: bool = False


class Wish(Struct, frozen=True):
    """A registration that is wanted. `api_version` is None where any will do. `mark` is left at the provider (Stripe)."""

    url: str
    topics: tuple[str, ...]
    place: str = ""
    api_version: str | None = None
    mark: str = ""


class Created(Struct, frozen=True):
    """A hook that was made, and the secret that the provider made for it, None if it makes none."""

    hook: Hook
    secret: str | None = None

    def __repr__(self) -> str:  # the secret is in no message
        return f"Created({self.hook!r})"


class HookRules(Struct, frozen=True):
    """How a provider registers. `is_per_topic`: a hook has one topic.

    `has_version`: a hook keeps the version that it was made with. `has_places`: an account has several places. `is_unique`: two
    hooks of one topic may not have the same address. `pause_s`: how long the provider wants between two changes.
    """

    is_per_topic: bool
    secret: SecretRule
    has_version: bool = False
    has_places: bool = False
    is_unique: bool = False
    pause_s: float = 0.0


HOOK_RULES: Final[Mapping[str, HookRules]] = {
    "bigcommerce": HookRules(is_per_topic=True, secret="none"),  # noqa: S106  no password
    "github": HookRules(is_per_topic=False, secret="ours", has_places=True, pause_s=1.0),  # noqa: S106  no password
    "shopify": HookRules(is_per_topic=True, secret="none", has_version=True, is_unique=True),  # noqa: S106  no password
    "stripe": HookRules(is_per_topic=False, secret="theirs", has_version=True),  # noqa: S106  no password
}
"""The providers at which Penstock registers."""


class HookApi(Protocol):
    """The hooks of one account, used by one event loop. Nothing is raised for what the provider or the network does."""

    async def hooks(self, place: str) -> tuple[Hook, ...] | Failure:
        """Return all hooks of a place that the credentials may see: all pages, or why they are not known."""

    async def create(self, wish: Wish, secret: str | None) -> Created | Failure:
        """Make a hook. One whose secret the provider makes sends nothing of use until `update` has activated it."""

    async def update(self, hook: Hook, wish: Wish, secret: str | None) -> Hook | Failure:
        """Make a hook what is wanted, and active."""

    async def delete(self, hook: Hook) -> Failure | None:
        """Delete a hook; one that is gone already is no failure."""

    async def close(self) -> None:
        """Close the connections."""
