"""BigCommerce. Public: the provider through `providers.registry`, `rules` (what names each resource)."""
