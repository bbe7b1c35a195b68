"""Failures of the machine rather than of Penstock.

NoEngine   there is no container engine and none can be started; the text has the remedy
"""


class NoEngine(Exception):
    """No container engine is available here."""
