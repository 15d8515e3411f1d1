"""What keeps a process tree from starting or staying up: each message is the one line that a person reads.

InTheWayError
+- AlreadyRunningError   another process uses the same state folder
+- PortTakenError        something listens at the port already
+- ValkeyError           the embedded queue cannot be used
+- WrongDatabaseError    a demo's database was to be used for real, or a real one for the demo
+- GaveUpError           a child would not stay up
"""

from __future__ import annotations


class InTheWayError(Exception):
    """Something is in the way; the message says what, and what to do."""


class AlreadyRunningError(InTheWayError):
    """Another process uses the same state folder."""


class PortTakenError(InTheWayError):
    """Something listens there already, or the address is not this machine's."""


class ValkeyError(InTheWayError):
    """The embedded Valkey cannot be used."""


class WrongDatabaseError(InTheWayError):
    """A demo's database was to be used for real, or a real one for the demo."""


class GaveUpError(InTheWayError):
    """A child would not stay up."""
