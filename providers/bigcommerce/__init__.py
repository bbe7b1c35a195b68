"""BigCommerce. Public: the provider through `providers.registry`, `rules` (what names each resource), `reads` (what can be read
for a notification), `api` (the client that reads it), `fetched` (what a read document shows).
"""
