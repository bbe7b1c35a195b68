"""Unit tests of the reconciliation's pure parts."""
