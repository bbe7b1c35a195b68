"""Which networks contain which addresses, and the lists that they come from."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from config.model import PUBLISHING
from config.problems import ConfigurationError
from ingress.admission.networks import Networks, allowlist, networks_in_file, published


@pytest.mark.parametrize(("networks", "address", "is_in"), [
    (["203.0.113.0/24"], "203.0.113.255", True),
    (["203.0.113.0/24"], "203.0.114.0", False),
    (["203.0.113.7"], "203.0.113.7", True),              # one address is a network
    (["203.0.113.0/24"], "::ffff:203.0.113.9", True),    # IPv4 on a socket for both
    (["203.0.113.0/24"], "::ffff:cb00:7109", True),      # the same, written in hexadecimal
    (["::ffff:203.0.113.0/120"], "203.0.113.9", True),
    (["203.0.113.0/24"], "2001:db8::cb00:7109", False),
    (["2001:db8::/32"], "2001:db8:ffff::1", True),
    (["2001:db8::/32"], "2001:DB8:0:0:0:0:0:1", True),
    (["2001:db8::/32"], "2001:db9::1", False),
    (["::/0"], "203.0.113.9", False),                    # all of IPv6 is none of IPv4
    (["0.0.0.0/0"], "2001:db8::1", False),
    (["fe80::/10"], "fe80::1%eth0", True),
    (["10.0.0.0/9", "10.128.0.0/9", "::1"], "10.200.0.1", True),
    (["0.0.0.0/0", "::/0"], "", False),                  # no address: a connection without one
    (["0.0.0.0/0", "::/0"], "unknown", False),
    (["0.0.0.0/0", "::/0"], "1.2.3.4.5", False),
    (["0.0.0.0/0", "::/0"], "010.0.0.1", False),         # octal for some, decimal for others
    (["::/0"], "::1%" + "z" * 70_000, False),            # as long as a header may be
    (["10.0.0.0/8", "12.0.0.0/8"], "11.0.0.0", False),   # between two
    (["10.0.0.0/8", "12.0.0.0/8"], "9.255.255.255", False),
    (["10.0.0.0/8", "12.0.0.0/8"], "13.0.0.0", False),
    ([], "127.0.0.1", False),
])  # fmt: skip
def test_address_lies_in_networks(networks: list[str], address: str, is_in: bool) -> None:
    """IPv4, IPv6 and IPv4 written as IPv6; an invalid address is in no network."""
    assert (address in Networks.of(networks)) == is_in


@pytest.mark.parametrize("provider", PUBLISHING)
def test_published_networks_are_networks(provider: str) -> None:
    """Every provider that publishes its networks has a file of legal, public networks and a date."""
    found = published(provider)

    assert len(set(found.networks)) == len(found.networks) > 5
    assert all(ip_network(network).is_global for network in found.networks)
    assert found.as_of.year >= 2026


def test_every_file_of_networks_can_be_asked_for() -> None:
    """Every list is known to the configuration."""
    files = Path("providers/networks").glob("*.txt")

    assert sorted(file.stem for file in files) == sorted(PUBLISHING)


def test_allowlist_is_the_sum_of_its_entries(tmp_path: Path) -> None:
    """Networks, provider lists and a file may be mixed."""
    (tmp_path / "own.txt").write_text("# ours\n198.51.100.0/24  # office\n\n2001:db8::/48\n")

    allowed = allowlist(["192.0.2.1", "published", f"file:{tmp_path / 'own.txt'}"], "github")

    assert allowed is not None
    assert all(address in allowed for address in ("192.0.2.1", "192.30.252.7", "198.51.100.9", "2001:db8::9"))
    assert "192.0.2.2" not in allowed


def test_no_entries_are_no_allowlist() -> None:
    """Without `allow` every client may post; that differs from an empty set."""
    assert allowlist([], "github") is None


@pytest.mark.parametrize(("text", "expected"), [
    ("192.0.2.0/24\n192.0.2.1/24\n", "own.txt:2: expected a network such as 203.0.113.0/24"),
    ("# nothing\n", "there is none, so no sender could post"),
])  # fmt: skip
def test_wrong_file_is_named_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    """An entry that cannot be parsed is never silently ignored."""
    path = tmp_path / "own.txt"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match=expected):
        networks_in_file(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """The error names the file and the reason."""
    with pytest.raises(ConfigurationError, match=r"gone\.txt: no such file"):
        networks_in_file(tmp_path / "gone.txt")
