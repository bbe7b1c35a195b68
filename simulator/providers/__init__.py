"""Fake provider APIs: real HTTP on loopback, from one store of documents per account, with a clock and faults that can be set.

Shared by all providers: `clock`, `store`, `quota`, `faults`, `serving`, `webhooks`. A package per provider has its routes and
what its webhooks tell. Tests, the demo and benchmarks run the same fakes.
"""
