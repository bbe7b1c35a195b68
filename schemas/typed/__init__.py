"""Typed values: the column table of each resource, and what is made from it."""
