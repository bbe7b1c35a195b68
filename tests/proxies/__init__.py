"""The ingress behind real proxies: nginx, HAProxy and Go's own; run by `make test-proxies`."""
