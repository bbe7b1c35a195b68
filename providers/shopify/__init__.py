"""Shopify. Public: the provider through `providers.registry`, `types` (resource types with separate topics), `selections` (what
can be read), `api` (the client that reads it), `fetched` (what a delivery needs, and what a read shows).
"""
