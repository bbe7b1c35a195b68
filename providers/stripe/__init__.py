"""Stripe. For others: the provider through `providers.registry`, `types` (object types with topics of their own)."""
