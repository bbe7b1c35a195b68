"""Tests of simulator/demo_store."""
