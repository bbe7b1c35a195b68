"""The fuzzer of the ingress: requests, bytes, and what the ingress must do with them."""
