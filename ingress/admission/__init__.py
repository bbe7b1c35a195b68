"""Decides who may post, and how much: networks, client addresses, rates, body and in-flight limits."""
