"""What a performer of the family works with: the daemon's client, the errand, the book of leases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from casava_os.containers.leases import Instant, LeaseBook, now
from casava_os.containers.reins import Reins
from casava_os.kernel.ports import Errand

if TYPE_CHECKING:
    from docker import APIClient


@dataclass(slots=True)
class Desk:
    """One syscall's."""

    api: APIClient
    reins: Reins
    errand: Errand
    book: LeaseBook
    seconds: float = 600.0
    """How long the syscall may take."""

    def now(self) -> Instant:
        """What both clocks say."""
        return now()

    @property
    def stopped(self) -> bool:
        """Whether the syscall was cancelled or is out of time: what ends now was cut off."""
        return self.reins.cut_off
