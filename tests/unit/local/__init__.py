"""Tests of the single-machine stack."""
