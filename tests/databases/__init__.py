"""The loader on real databases: PostgreSQL as warehouse and as catalogue."""
