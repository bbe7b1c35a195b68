"""The address of a request's sender behind proxies: `X-Forwarded-For` is believed from trusted proxies only."""

from ingress.admission.networks import Networks


def sender_address(peer: str, forwarded_for: str, proxies: Networks) -> str:
    """Return the sender's address; `peer` is the other end of the connection, `""` if it has no address.

    Each proxy appends the address that it was called from. So the list is read from its end to the first address that is
    not a trusted proxy's, and that is the sender's: entries to its left may be forged. If all are trusted proxies, it is
    the leftmost, as in nginx with `real_ip_recursive`. A hop that is not an address ends the search and is returned as it
    is: it is in no network.
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
