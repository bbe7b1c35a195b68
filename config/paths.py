"""Where a configuration is, unless `--config` says so."""

from pathlib import Path

CONFIGURATION = Path("penstock.toml")


def demo_path(data_dir: Path) -> Path:
    """Return the path of the demo's configuration, whether it exists or not."""
    return data_dir / "demo" / CONFIGURATION.name
