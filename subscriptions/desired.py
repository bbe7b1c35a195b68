"""What should be registered, by the configuration: for each source and tenant the hooks, or why there are none. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from msgspec import Struct

from config.model import Configuration, Source
from providers.hooks import CONNECT, HOOK_RULES, Wish
from subscriptions.topics import topics_of

Absence = Literal["never", "by_hand", "no_token", "no_tenant", "no_place", "no_topic"]
BY_HAND: Final = "register it by hand"
UNSEEN: Final[Mapping[str, str]] = {
    "shopify": "subscriptions of shopify.app.toml are in no list: keep each topic in one place, there or here",
}
"""What a provider does not show of its registrations."""


class Desired(Struct, frozen=True):
    """What one account should have. `places` are looked at though nothing is wanted there. `absence`: why nothing is wanted.

    `advice` is what a person has to do, "" for nothing.
    """

    source: str
    provider: str
    tenant: str
    url: str
    wishes: tuple[Wish, ...] = ()
    places: tuple[str, ...] = ("",)
    absence: Absence | None = None
    advice: str = ""


def desired(configuration: Configuration, public_url: str) -> tuple[Desired, ...]:
    """Return what every source and tenant should have, in the order of the file."""
    return tuple(one for source in configuration.sources for one in _of_source(source, configuration, public_url))


def _of_source(source: Source, configuration: Configuration, public_url: str) -> Iterator[Desired]:
    url = f"{public_url}/v1/{source.name}"
    without = _without(source, url)
    if without is not None:
        yield without
        return
    topics = topics_of(source, configuration)
    advice = UNSEEN.get(source.provider, "")
    if topics.unknown:
        advice = f"no event types are known for {', '.join(topics.unknown)}: list those of all resources in subscribe"
    for tenant in tenants_of(source):
        wanted, places = places_of(source, tenant)
        wishes = tuple(wish for place in wanted for wish in _wishes(source, url, topics.names, place))
        yield Desired(source.name, source.provider, tenant, url, wishes, places, advice=advice)


def _without(source: Source, url: str) -> Desired | None:
    """Return why nothing is registered for a source, None if something is."""

    def absent(why: Absence, advice: str) -> Desired:
        return Desired(source.name, source.provider, "", url, absence=why, advice=advice)

    if source.subscribe == "never":
        return absent("never", "")
    if source.provider not in HOOK_RULES:
        secret = "the secret of this source" if source.secrets else "no secret"
        return absent("by_hand", f"enter at the sender: address {url}, {secret}, content type application/json")
    if source.api_token is None and not source.api_tokens:
        return absent("no_token", f"set api_token or api_tokens, or {BY_HAND}: address {url}")
    if HOOK_RULES[source.provider].has_places and not source.subscribe_at:
        return absent("no_place", "list the repositories and organisations in subscribe_at")
    if not tenants_of(source):
        return absent("no_tenant", "list your accounts in tenants, or their tokens in api_tokens")
    return None


def tenants_of(source: Source) -> tuple[str, ...]:
    """Return the accounts of a source that have a token. A token of GitHub's or Stripe's is an account of its own, called ""."""
    own = ("",) if source.api_token is not None else ()
    match source.provider:
        case "github":
            return own
        case "stripe":
            return (*own, *sorted(source.api_tokens))
        case _:
            listed = sorted({*source.tenants, *source.api_tokens})
            return tuple(tenant for tenant in listed if own or tenant in source.api_tokens)


def places_of(source: Source, tenant: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the places of an account at which hooks are wanted, and those that are looked at.

    Stripe: an endpoint is for the account itself or for those that are connected to it; `tenants` says which may post.
    """
    if source.provider == "github":
        named = tuple(dict.fromkeys(source.subscribe_at))
        return named, named
    if source.provider != "stripe" or tenant:
        return ("",), ("",)
    has_own = not source.tenants or not {"", "test"}.isdisjoint(source.tenants)
    has_connected = any(each.startswith("acct_") and each not in source.api_tokens for each in source.tenants)
    wanted = (*([""] if has_own else []), *([CONNECT] if has_connected else []))
    return wanted, ("", CONNECT)


def _wishes(source: Source, url: str, topics: tuple[str, ...], place: str) -> Iterator[Wish]:
    rules = HOOK_RULES[source.provider]
    version = source.api_version if rules.has_version else None
    if rules.is_per_topic:
        yield from (Wish(url, (topic,), place, version) for topic in topics)
    elif topics:
        yield Wish(url, topics, place, version)
