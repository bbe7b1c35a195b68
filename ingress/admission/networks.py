"""Networks of senders: membership of an address, the networks that a provider publishes, and networks in a file.

The published networks are files in `providers/networks/`, one per provider, with source and date. They become outdated.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from ipaddress import IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_address, ip_network
from pathlib import Path
from typing import Final

from config.names import PUBLISHED
from config.problems import ConfigurationError, Problem

LONGEST_ADDRESS = 64  # characters: 45 for IPv6, and a zone; addresses are cached, so their length must be bounded
_AS_OF = re.compile(r"^# as of (\d{4}-\d\d-\d\d)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Networks:
    """A set of IPv4 and IPv6 networks, as sorted ranges of numbers by version. A text that is no address is in none."""

    ranges: Mapping[int, tuple[Sequence[int], Sequence[int]]]
    """First and last addresses by IP version, so that one bisection finds the only range that can contain an address."""

    @classmethod
    def of(cls, networks: Iterable[str]) -> "Networks":
        """Return the set of these networks, given as `203.0.113.0/24`; raise `ValueError` for an invalid one."""
        parsed = [_unmapped(ip_network(network)) for network in networks]
        v4 = collapse_addresses(network for network in parsed if isinstance(network, IPv4Network))
        v6 = collapse_addresses(network for network in parsed if isinstance(network, IPv6Network))
        return cls({4: _ranges(v4), 6: _ranges(v6)})

    def __contains__(self, address: str) -> bool:
        """Return whether an address is in one of them; `::ffff:192.0.2.1` is 192.0.2.1 (RFC 4291, section 2.5.5.2)."""
        if len(address) > LONGEST_ADDRESS:
            return False
        version, number = _number(address)
        firsts, lasts = self.ranges.get(version, ((), ()))
        index = bisect_right(firsts, number) - 1
        return index >= 0 and number <= lasts[index]


NO_NETWORKS: Final = Networks({})


def allowlist(entries: Sequence[str], provider_name: str) -> Networks | None:
    """Return the networks of a source's `allow`, None if it has no entries: then any address may post.

    Raises `ConfigurationError` if a file cannot be read.
    """
    if not entries:
        return None
    networks: list[str] = []
    for entry in entries:
        kind, _, path = entry.partition(":")
        if entry == PUBLISHED:
            networks += published(provider_name).networks
        elif kind == "file":
            networks += networks_in_file(Path(path))
        else:
            networks.append(entry)
    return Networks.of(networks)


@dataclass(frozen=True, slots=True)
class Published:
    """The networks that a provider publishes, and the date of the copy."""

    networks: tuple[str, ...]
    as_of: date


def published(provider_name: str) -> Published:
    """Return the networks that a provider publishes. Raises `FileNotFoundError` if it publishes none."""
    text = (resources.files("providers") / "networks" / f"{provider_name}.txt").read_text(encoding="utf-8")
    found = _AS_OF.search(text)
    if found is None:
        raise ValueError(f"networks/{provider_name}.txt: expected a line '# as of YYYY-MM-DD'")
    return Published(tuple(network for _, network in _lines(text)), date.fromisoformat(found[1]))


def networks_in_file(path: Path) -> tuple[str, ...]:
    """Return the networks in a file: one a line, `#` begins a comment.

    Raises `ConfigurationError` for a line that is not a network, and for an empty file, which would refuse all senders.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or "cannot be read").lower() if isinstance(error, OSError) else "expected UTF-8"
        raise ConfigurationError([Problem(f"file:{path}", "", reason)]) from error
    networks = list(_lines(text))
    problems = [Problem(f"{path}:{line}", "", fault) for line, network in networks if (fault := _fault(network))]
    if not networks:
        problems = [Problem(str(path), "", "expected networks, one a line; there is none, so no sender could post")]
    if problems:
        raise ConfigurationError(problems)
    return tuple(network for _, network in networks)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        network = line.partition("#")[0].strip()
        if network:
            yield number, network


def _fault(network: str) -> str | None:
    try:
        ip_network(network)
    except ValueError as error:
        return f"expected a network such as 203.0.113.0/24 or 2001:db8::/32: {error}"
    return None


@lru_cache(maxsize=4096)  # 0.1 us instead of 3 us; a provider sends from some dozens
def _number(text: str) -> tuple[int, int]:
    """Return the IP version and number of an address, version 0 if the text is not an address."""
    try:
        address = ip_address(text)
    except ValueError:
        return 0, 0
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    found = mapped or address
    return found.version, int(found)


def _ranges(networks: Iterable[IPv4Network | IPv6Network]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    ordered = tuple(networks)  # as `collapse_addresses` returns them
    return tuple(int(each.network_address) for each in ordered), tuple(int(each.broadcast_address) for each in ordered)


def _unmapped(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < 96:
        return network
    return IPv4Network((mapped, network.prefixlen - 96))
