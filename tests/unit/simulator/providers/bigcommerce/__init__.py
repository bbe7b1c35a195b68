"""Tests for simulator/providers/bigcommerce."""
