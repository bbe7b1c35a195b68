"""The tables of a partition: RocksDB on disk, time segments, the restore from changelogs."""
