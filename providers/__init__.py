"""The providers that send deliveries: one file or package each, without I/O."""
