"""Tests of the views beside the tables."""
