"""Stripe. Public: the provider through `providers.registry`, `types` (object types with separate topics)."""
