"""Fake provider APIs: real HTTP on loopback, from one store of documents per account, with a clock and faults that can be set.

Shared by all providers: `clock`, `store`, `quota`, `faults`, `serving`. A package per provider has its routes and its webhooks.
Tests, the demo and benchmarks run the same fakes.
"""
