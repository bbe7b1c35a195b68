"""Reads at the providers what deliveries only name, within each account's quota, and writes what it read to `webhooks.raw`."""
