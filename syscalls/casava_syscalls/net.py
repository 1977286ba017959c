"""Family `net`: the network, one address at a time, and never without asking. Declared, not yet performed."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from casava_syscalls.base import Effect, Performer, Syscall
from casava_syscalls.scalars import ByteSize, Duration, WorkspacePath
from casava_syscalls.values import Text

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#]+([/?#]\S*)?$", max_length=8192)]


class Fetch(Syscall[Text]):
    """Fetches one web address; into a file when `to` is given."""

    call: Literal["net.fetch"] = "net.fetch"
    effect: ClassVar = Effect.NETWORK | Effect.WRITE
    performer: ClassVar[Performer] = "broker"
    available: ClassVar[bool] = False

    url: Url
    to: WorkspacePath | None = None
    largest: ByteSize = 100 * 10**6
    seconds: Duration = 60
