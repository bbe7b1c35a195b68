"""Inputs for tests: deliveries, histories, decision tables, real payloads."""
