"""GitHub. Public: `provider.GITHUB` through `providers.registry`, `events` (the table of events), `api` (the client that reads
resources), `fetched` (what can be read, and what a read shows).
"""
