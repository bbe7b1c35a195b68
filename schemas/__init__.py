"""The formats of everything on a wire or in a table."""
