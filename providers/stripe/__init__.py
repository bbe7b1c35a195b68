"""Stripe. Public: the provider through `providers.registry`, `types` (object types with separate topics), `paths` (what can be
read and where), `api` (the client that reads it), `fetched` (what a delivery needs, and what a read object shows).
"""
