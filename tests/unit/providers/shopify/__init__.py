"""Tests of Penstock."""
