"""Shopify. For others: the provider through `providers.registry`, `types` (resource types with topics of their own)."""
