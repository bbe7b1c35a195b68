"""Unit tests of the hydration's pure parts."""
