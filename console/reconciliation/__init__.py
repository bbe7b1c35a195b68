"""Asks the workers for reconciliations and backfills, and shows what these found."""
