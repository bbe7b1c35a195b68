"""How many connections the limit on open files allows: each takes one file, and Kafka and the spool need some as well."""

import resource

import structlog

SPARE_FILES = (
    256  # Kafka's brokers (two connections each), the spool, the log; without these files an outage could not end.
)

log = structlog.get_logger("ingress")


def connections_that_fit(wanted: int) -> int:
    """Raise this process's limit on open files as far as needed and allowed; return how many connections fit.

    The usual soft limit of 1,024 is for programs that use `select`. Logs `few_files` if the hard limit is too low.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + SPARE_FILES
    if hard != resource.RLIM_INFINITY:
        needed = min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    fitting = max(1, needed - SPARE_FILES)
    if fitting < wanted:
        log.warning("few_files", connections=fitting, wanted=wanted, hard_limit=hard)
    return fitting
