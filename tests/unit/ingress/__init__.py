"""Unit tests of the ingress."""
