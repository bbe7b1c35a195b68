"""Files that cannot be followed, according to the kernel's list of mounts. Real mounts: tests/e2e/test_mounted_file.py."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config.mounted_files import MountWatch, frozen, mount_points, parsed

MOUNTINFO = r"""
22 1 0:20 / / rw,relatime - overlay overlay rw
1510 22 254:1 /home/me/penstock.toml /etc/penstock/penstock.toml ro,relatime - ext4 /dev/vda1 rw
1511 22 254:1 /x /mnt/with\040blank\134and\011tab rw shared:1 - ext4 /dev/vda1 rw
"""


def test_mount_points_are_read_as_the_kernel_writes_them() -> None:
    """The mount point is the fifth word, blanks in octal; a mounted file is one like any other."""
    assert parsed(MOUNTINFO) == {"/", "/etc/penstock/penstock.toml", "/mnt/with blank\\and\ttab"}


def test_this_system_tells_its_mounts() -> None:
    """The root is one everywhere."""
    assert "/" in mount_points()


@pytest.mark.parametrize("name", ["plain", "link"])
def test_mounted_file_is_found_by_whatever_name(tmp_path: Path, name: str) -> None:
    """Links are followed: Kubernetes' names in a directory are links, and their targets are not mounts."""
    (tmp_path / "plain").touch()
    (tmp_path / "link").symlink_to("plain")
    file = tmp_path / name

    assert frozen(file, frozenset({str(tmp_path / "plain")})) == "mounted_alone"
    assert frozen(file, frozenset({str(tmp_path)})) is None, "a mounted folder shows what replaces a file"


def test_each_file_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checked every two seconds, it makes one line."""
    file = tmp_path / "penstock.toml"
    file.touch()
    monkeypatch.setattr("config.mounted_files.MOUNTS", tmp_path / "mountinfo")
    (tmp_path / "mountinfo").write_text(f"1 2 3:4 /x {file} ro - ext4 /dev/x rw\n")
    watch = MountWatch()

    with capture_logs() as logs:
        for _ in range(3):
            watch.look([file, tmp_path / "other"])

    assert [(event["event"], event["file"]) for event in logs] == [("mounted_alone", str(file))]
