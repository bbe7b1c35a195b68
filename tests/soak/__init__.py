"""Minutes of load and faults, run by `make soak`."""
