"""Damages for a worker's stores on disk."""

from pathlib import Path

import rocksdict

from streams.state.rocksdb_store import META


def overwrite_middle(file: Path) -> None:
    """Flip every bit in the second quarter of a file of rows; its size and its end, where the index is, stay."""
    content = bytearray(file.read_bytes())
    middle = slice(len(content) // 4, len(content) // 2)
    content[middle] = bytes(byte ^ 0xFF for byte in content[middle])
    file.write_bytes(content)


def write_meta(directory: Path, key: bytes, value: bytes) -> None:
    """Change a closed store's own metadata."""
    families = {name: rocksdict.Options(raw_mode=True) for name in rocksdict.Rdict.list_cf(str(directory))}
    with rocksdict.Rdict(str(directory), rocksdict.Options(raw_mode=True), column_families=families) as database:
        column = database.get_column_family(META)
        column[key] = value
        column.close()
