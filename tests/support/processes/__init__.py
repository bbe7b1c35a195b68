"""Real processes for tests: ingress, workers, HTTP servers, commands."""
