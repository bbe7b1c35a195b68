"""The Helm chart with the real Helm: built once from the Go module proxy, then linted, rendered and validated."""
