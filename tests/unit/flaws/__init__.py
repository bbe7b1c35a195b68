"""Tests of the planted flaws and of their runner."""
