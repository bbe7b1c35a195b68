"""What `penstock check --online` says of sources whose newest deliveries have times that cannot be read."""

from pathlib import Path

from config import loading
from config.toml_lines import key_lines
from console.check.configuration import Locations
from console.check.unread_times import unread_time_findings
from providers.times import unread_time

TOML = """\
[[sources]]
name = "desk"
provider = "generic"
secrets = ["env:A"]
[sources.options]
time_path = ["ticket.at", "at"]
[[sources]]
name = "users"
provider = "standard"
secrets = ["env:A"]
[[sources]]
name = "fine"
provider = "generic"
secrets = ["env:A"]
"""


def test_source_is_named_with_path_and_share(tmp_path: Path) -> None:
    """At the line of its path; sources without such deliveries, and those that are no longer configured, are not."""
    path = tmp_path / "penstock.toml"
    path.write_text(TOML)
    locations = Locations(path, key_lines(TOML))
    details = [
        ("desk", unread_time("ticket.at")),
        ("desk", f"the stored state says the same; {unread_time('ticket.at')}; copied as received to raw"),
        ("desk", unread_time("at")),
        ("desk", ""),
        ("users", unread_time("data.updated_at")),
        ("fine", "a newer version of this resource was decided before"),
        ("gone", unread_time("at")),
    ]

    found = unread_time_findings(
        loading.load(path, {}), locations, ({"source": source, "detail": detail} for source, detail in details)
    )

    assert [(finding.level, finding.text.removeprefix(f"{path}:").partition("; ")[0]) for finding in found] == [
        (
            "warning",
            "6: sources[0].options.time_path: at was no time that can be read in 1 of the newest 4 deliveries of desk",
        ),
        (
            "warning",
            "6: sources[0].options.time_path: ticket.at was no time that can be read in 2 of the newest 4 deliveries of desk",
        ),
        (
            "warning",
            "7: sources[1]: data.updated_at was no time that can be read in 1 of the newest 1 deliveries of users",
        ),
    ]
