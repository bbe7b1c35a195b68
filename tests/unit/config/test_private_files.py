"""Files that a process creates or finds are accessible to their owner only."""

import os
import subprocess
import sys
from pathlib import Path

from config.private_files import tighten


def mode(path: Path) -> int:
    """Return the rights of a file or directory."""
    return path.stat().st_mode & 0o777


def test_created_files_are_private_those_of_libraries_and_children_too(tmp_path: Path) -> None:
    """SQLite and a child process are unaware of it, and request access for every user."""
    program = (
        "import pathlib, sqlite3, subprocess; from config.private_files import create_privately; create_privately()\n"
        "pathlib.Path('folder').mkdir(); sqlite3.connect('library').execute('CREATE TABLE t (c)')\n"
        "subprocess.run(['touch', 'child'], check=True)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}

    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, umask=0, check=True)

    modes = {path.name: mode(path) for path in tmp_path.iterdir()}
    assert modes == {"folder": 0o700, "library": 0o600, "child": 0o600}


def test_what_is_open_is_tightened_and_the_rest_is_as_it_was(tmp_path: Path) -> None:
    """Others lose all access; the owner's rights, and targets of links, stay."""
    outside = tmp_path / "outside"
    outside.touch(mode=0o644)
    data = tmp_path / "data"
    (data / "inner").mkdir(parents=True)
    (data / "inner" / "program").touch()
    (data / "link").symlink_to(outside)
    (data / "broken").symlink_to(tmp_path / "nowhere")
    for path, before in ((data, 0o755), (data / "inner", 0o777), (data / "inner" / "program", 0o555), (outside, 0o644)):
        path.chmod(before)

    assert tighten(data) == []

    assert (mode(data), mode(data / "inner"), mode(data / "inner" / "program")) == (0o700, 0o700, 0o500)
    assert mode(outside) == 0o644


def test_file_is_tightened_and_a_missing_one_is_no_matter(tmp_path: Path) -> None:
    """A path may be a file, or absent."""
    file = tmp_path / "file"
    file.touch(mode=0o666)

    assert tighten(file) == tighten(tmp_path / "missing") == []
    assert mode(file) == 0o600
