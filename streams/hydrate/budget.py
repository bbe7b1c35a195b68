"""How much of one account's quota may be spent: what the provider said last, less what is under way, less a share for others.

Pure: every function takes the time, in seconds of a monotonic clock. Numbers are in the provider's unit (requests, points).
"""

from typing import Final

from providers.api import Quota

LEFT_TO_OTHERS: Final = 0.2  # the user's other apps spend the same quota at BigCommerce, and read too
MOST_AT_ONCE: Final = 8  # requests of one account under way
SAME_S: Final = 0.5  # windows are longer; answers take less
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0


class Budget:
    """The quota of one account, and how many requests may be under way: one after a failure, twice as many after each success.

    So the first reply is known before the second request, and a provider that comes back after an outage is not flooded.
    `left_to_others` is the share of the quota that is not touched.
    """

    def __init__(self, left_to_others: float = LEFT_TO_OTHERS) -> None:
        self._left_to_others = left_to_others
        self._quota: Quota | None = None
        self._left = 0.0
        self._heard_s = 0.0
        self._under_way = 0.0
        self._requests = 0
        self._at_once = 1
        self._pause_s = FIRST_PAUSE_S
        self._paused_until_s = 0.0

    def wait_s(self, cost: float, now_s: float) -> float:
        """Return in how many seconds a request may start, 0 for now; ask again when one that is under way has ended."""
        if now_s < self._paused_until_s:
            return self._paused_until_s - now_s
        if self._requests >= self._at_once:
            return LONGEST_PAUSE_S
        quota = self._quota
        if quota is None:
            return 0.0
        missing = min(cost, self._usable(quota)) + quota.limit * self._left_to_others - self._left_now(quota, now_s)
        if missing <= 0:
            return 0.0
        if quota.restored_per_s:
            return missing / quota.restored_per_s
        return max(0.0, self._heard_s + (quota.resets_in_s or 0.0) - now_s)

    def started(self, cost: float) -> None:
        """Note that a request is under way."""
        self._under_way += cost
        self._requests += 1

    def ended(self, cost: float, quota: Quota | None, now_s: float) -> None:
        """Note that a request was answered, and what the answer said of the quota."""
        self._settle(cost)
        self._at_once = min(MOST_AT_ONCE, self._at_once * 2)
        self._pause_s = FIRST_PAUSE_S
        self._hear(cost, quota, now_s)

    def failed(self, cost: float, quota: Quota | None, now_s: float, retry_in_s: float | None = None) -> float:
        """Note that a request brought nothing for a reason that holds for all; return for how long nothing is asked."""
        self._settle(cost)
        self._hear(cost, quota, now_s)
        self._at_once = 1
        if retry_in_s is None:
            retry_in_s, self._pause_s = self._pause_s, min(LONGEST_PAUSE_S, self._pause_s * 2)
        self._paused_until_s = max(self._paused_until_s, now_s + retry_in_s)
        return retry_in_s

    def _hear(self, cost: float, quota: Quota | None, now_s: float) -> None:
        """Take over what an answer said of the quota; without an answer the request counts as spent."""
        if quota is None:
            self._left -= cost
            return
        left = quota.left
        if not quota.is_told:
            left = (quota.limit if self._quota is None else self._left_now(quota, now_s) + self._under_way) - cost
        elif self._is_of_same_window(quota, now_s):
            left = min(left, self._left)
        self._quota, self._left, self._heard_s = quota, left, now_s

    def _is_of_same_window(self, quota: Quota, now_s: float) -> bool:
        """Say whether the quota began anew since the last answer: answers may come in another order than they were written."""
        known = self._quota
        if known is None or known.resets_in_s is None or quota.resets_in_s is None:
            return False
        return now_s + quota.resets_in_s < self._heard_s + known.resets_in_s + SAME_S

    def _settle(self, cost: float) -> None:
        self._under_way = max(0.0, self._under_way - cost)
        self._requests -= 1

    def _left_now(self, quota: Quota, now_s: float) -> float:
        """Return what is left, less what is under way: an answer may have been written before these were counted."""
        passed_s, left = now_s - self._heard_s, self._left
        if quota.restored_per_s:
            left = min(quota.limit, left + passed_s * quota.restored_per_s)
        elif quota.resets_in_s is not None and passed_s >= quota.resets_in_s:
            left = quota.limit
        return left - self._under_way

    def _usable(self, quota: Quota) -> float:
        """Return the most that may be spent at once; a request that costs more waits for no more than that."""
        return quota.limit * (1 - self._left_to_others)
