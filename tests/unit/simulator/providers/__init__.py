"""Tests for simulator/providers."""
