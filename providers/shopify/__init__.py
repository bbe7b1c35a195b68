"""Shopify. Public: the provider through `providers.registry`, `types` (resource types with topics of their own)."""
