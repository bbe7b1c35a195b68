"""The pipeline: from raw deliveries to change events."""
