"""Shopify. Public: the provider through `providers.registry`, `types` (resource types with separate topics)."""
