"""The compose file, started whole on a real container engine; run by `make test-containers`."""
