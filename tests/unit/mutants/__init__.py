"""Tests of the planted mutants and of their runner."""
