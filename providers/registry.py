"""The providers by name."""

from functools import lru_cache

import msgspec

from config.model import Source
from providers.base import Provider
from providers.bigcommerce.provider import BigCommerce
from providers.generic import Generic, GenericOptions
from providers.github.provider import GitHub
from providers.shopery import Shopery
from providers.shopify.provider import Shopify
from providers.standard import SCHEME, TEXT_KEYS, Standard
from providers.stripe.provider import Stripe

PROVIDERS: tuple[str, ...] = ("shopify", "bigcommerce", "github", "stripe", "shopery", "standard", "generic")


@lru_cache(maxsize=256)
def provider(
    name: str,
    options: GenericOptions | None = None,
    resource_types: frozenset[str] = frozenset(),
    volatile: frozenset[str] = frozenset(),
    key_encoding: str = "base64",
) -> Provider:
    """Return the provider of that name; equal calls return the same value.

    `options` are for `generic` only; `resource_types`, those with separate topics, for `generic` and `standard`; `volatile`, the
    fields whose change alone is no change, for `standard` only; `key_encoding` "text" likewise: the secret is the key itself.
    Raises ValueError for a name that is not in `PROVIDERS`, and for arguments that the provider would ignore.
    """
    if name == "generic":
        if volatile:
            raise ValueError("expected the volatile fields of generic in its options")
        return Generic(options or GenericOptions(), resource_types)
    fixed: tuple[Provider, ...] = (
        Shopify(),
        BigCommerce(),
        GitHub(),
        Stripe(),
        Shopery(),
        Standard(resource_types, volatile=volatile, scheme=TEXT_KEYS if key_encoding == "text" else SCHEME),
    )
    found = {known.name: known for known in fixed}.get(name)
    if found is None:
        raise ValueError(f"expected a provider, one of {', '.join(PROVIDERS)}; got {name!r}")
    if options is not None:
        raise ValueError(f"expected options for the provider generic only; {name} needs none")
    if (resource_types or volatile) and name != "standard":
        what = "resource types" if resource_types else "volatile fields"
        raise ValueError(f"expected {what} for the providers generic and standard only; {name} has its own")
    return found


def provider_of(source: Source) -> Provider:
    """Return the provider of a configured source."""
    if source.options is None:
        return provider(source.provider)
    resource_types = frozenset(source.options.resource_types)
    if source.provider == "generic":
        options = msgspec.convert(source.options.model_dump(exclude={"resource_types", "key_encoding"}), GenericOptions)
        return provider(source.provider, options, resource_types)
    return provider(
        source.provider, None, resource_types, frozenset(source.options.volatile), source.options.key_encoding
    )
