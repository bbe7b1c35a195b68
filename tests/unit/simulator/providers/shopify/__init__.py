"""Tests for simulator/providers/shopify."""
