"""What `penstock subscribe` does: makes the plan, shows it, and applies it."""
