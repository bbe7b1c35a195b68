"""GitHub. Public: `provider.GITHUB` through `providers.registry`, `events` (the table of events)."""
