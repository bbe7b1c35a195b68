"""The providers by name."""

from functools import lru_cache

from providers.base import Provider
from providers.bigcommerce import BigCommerce
from providers.generic import Generic, GenericOptions
from providers.github import GitHub
from providers.shopery import Shopery
from providers.shopify import Shopify
from providers.standard import Standard
from providers.stripe import Stripe

PROVIDERS: tuple[str, ...] = ("shopify", "bigcommerce", "github", "stripe", "shopery", "standard", "generic")


@lru_cache(maxsize=256)
def provider(name: str, options: GenericOptions | None = None) -> Provider:
    """Return the provider of that name, the same value for every call; `options` are for `generic` alone.

    Raises ValueError for a name that is none of `PROVIDERS`, and for options that the provider would not heed.
    """
    if name == "generic":
        return Generic(options or GenericOptions())
    fixed: tuple[Provider, ...] = (Shopify(), BigCommerce(), GitHub(), Stripe(), Shopery(), Standard())
    found = {known.name: known for known in fixed}.get(name)
    if found is None:
        raise ValueError(f"expected a provider, one of {', '.join(PROVIDERS)}; got {name!r}")
    if options is not None:
        raise ValueError(f"expected options for the provider generic only; {name} needs none")
    return found
