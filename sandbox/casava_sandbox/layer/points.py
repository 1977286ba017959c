"""Named instants of a transaction, which nobody hears of but who subscribes with `sys.addaudithook`.

The crash tests kill the program at each of them. Without a hook, `sys.audit` returns after one comparison.
"""

from __future__ import annotations

import sys

EVENT = "casava_os.layer"
"""Name of the audit event; its one argument is the point's name."""


def point(name: str) -> None:
    """The transaction is here."""
    sys.audit(EVENT, name)
