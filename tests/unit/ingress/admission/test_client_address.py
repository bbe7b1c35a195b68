"""Which address counts behind proxies."""

import pytest

from ingress.admission.client_address import sender_address
from ingress.admission.networks import NO_NETWORKS, Networks

PROXIES = Networks.of(["10.0.0.0/8", "fd00::/8"])


@pytest.mark.parametrize(("peer", "forwarded_for", "expected"), [
    ("198.51.100.1", "", "198.51.100.1"),
    ("198.51.100.1", "203.0.113.9", "198.51.100.1"),                # a stranger's header is not believed
    ("10.0.0.1", "", "10.0.0.1"),                                   # the proxy itself, as when it looks for health
    ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
    ("10.0.0.1", "192.0.2.1, 203.0.113.9", "203.0.113.9"),          # left of the last hop anybody can write
    ("10.0.0.1", "192.0.2.1,203.0.113.9,10.1.1.1,10.2.2.2", "203.0.113.9"),  # several proxies
    ("10.0.0.1", "10.9.9.9, 203.0.113.9, 10.1.1.1", "203.0.113.9"),  # made-up hop of a proxy, on the left
    ("10.0.0.1", "10.3.3.3, 10.2.2.2", "10.3.3.3"),                 # nothing but proxies
    ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
    ("10.0.0.1", "[2001:db8::9]:4711", "2001:db8::9"),
    ("10.0.0.1", "[2001:db8::9]", "2001:db8::9"),
    ("10.0.0.1", "2001:db8::9", "2001:db8::9"),
    ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),              # the proxy on a socket for both
    ("fd00::1", "2001:db8::9, fd00::2", "2001:db8::9"),
    ("10.0.0.1", "203.0.113.9, unknown", "unknown"),                # ends there: a trusted proxy did not write the rest
    ("10.0.0.1", "203.0.113.9, ", ""),
    ("", "203.0.113.9", ""),                                        # no address at the other end
])  # fmt: skip
def test_sender_is_the_last_hop_that_is_no_trusted_proxy(peer: str, forwarded_for: str, expected: str) -> None:
    """The list is read from its end, as far as trusted proxies wrote it."""
    assert sender_address(peer, forwarded_for, PROXIES) == expected


def test_without_trusted_proxies_the_header_means_nothing() -> None:
    """This is the default configuration."""
    assert sender_address("127.0.0.1", "203.0.113.9", NO_NETWORKS) == "127.0.0.1"
