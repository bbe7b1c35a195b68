"""The fuzzer of the ingress: requests, bytes, and the required reactions of the ingress."""
