"""The senders: one file per provider, pure."""
