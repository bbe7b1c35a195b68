"""The tables of a partition: RocksDB on disk, time segments, and the restore from changelogs."""
