"""Generates what data teams look up, from the code: docs/reference.md, docs/asyncapi.yaml and docs/schemas/."""
