"""The oracle of the broker tests: recomputes the pipeline and compares."""
