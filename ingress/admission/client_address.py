"""Where a request comes from, when proxies stand in between: `X-Forwarded-For` is believed from trusted ones only."""

from ingress.admission.networks import Networks


def sender_address(peer: str, forwarded_for: str, proxies: Networks) -> str:
    """Return the address of whoever sent a request: `peer` is the other end of the connection, `""` if it has none.

    Each proxy appends the address that it was called from, so the list is read from its end and only as far as trusted
    proxies wrote it: the first address that is no trusted proxy's. What stands to its left, anybody can have made up.
    With nothing but trusted proxies it is the leftmost, as in nginx under `real_ip_recursive`. A hop that is no address
    ends the search and is returned as it is: it lies in no network.
    """
    if not forwarded_for or peer not in proxies:
        return peer
    address = peer
    for hop in reversed(forwarded_for.split(",")):
        address = _without_port(hop.strip())
        if address not in proxies:
            break
    return address


def _without_port(hop: str) -> str:
    """Return `192.0.2.1` of `192.0.2.1:443` and `2001:db8::1` of `[2001:db8::1]:443`, as some proxies write them."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
