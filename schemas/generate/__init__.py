"""Writes the column tables from the providers' own publications: `make schemas`. For development only; nothing imports it."""
