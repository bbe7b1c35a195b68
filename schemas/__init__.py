"""Shapes: everything that lies on a wire or in a table."""
