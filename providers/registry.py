"""The providers by name."""

from functools import lru_cache

from providers.base import Provider
from providers.generic import Generic, GenericOptions
from providers.shopery import Shopery
from providers.shopify import Shopify
from providers.standard import Standard

PROVIDERS: tuple[str, ...] = ("shopify", "bigcommerce", "github", "stripe", "shopery", "standard", "generic")


@lru_cache(maxsize=256)
def provider(name: str, options: GenericOptions | None = None) -> Provider:
    """Return the provider of that name, the same value for every call; `options` are for `generic` alone.

    Raises ValueError for a name that is none of `PROVIDERS`, and for options that the provider would not heed.
    """
    if name == "generic":
        return Generic(options or GenericOptions())
    if name not in PROVIDERS:
        raise ValueError(f"expected a provider, one of {', '.join(PROVIDERS)}; got {name!r}")
    if options is not None:
        raise ValueError(f"expected options for the provider generic only; {name} needs none")
    return _builtin(name)


def _builtin(name: str) -> Provider:
    match name:
        case "bigcommerce":
            from providers.bigcommerce import BigCommerce

            return BigCommerce()
        case "github":
            from providers.github import GitHub

            return GitHub()
        case "stripe":
            from providers.stripe import Stripe

            return Stripe()
        case _:
            return {"shopify": Shopify(), "shopery": Shopery(), "standard": Standard()}[name]
