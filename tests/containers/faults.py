"""What can be wrong with the machine rather than with Penstock.

NoEngine   there is no container engine and none can be started; the text says what to do
"""


class NoEngine(Exception):
    """No container engine can be had here."""
