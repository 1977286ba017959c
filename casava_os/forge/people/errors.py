"""Why a pair is no training line. Inside the translator these are exceptions: any part of a command may raise one."""

from __future__ import annotations


class Dropped(Exception):  # noqa: N818 - it is what happens to a pair, not an error
    """A pair that is not taken. `heading` is the row of the counts, `reason` the line under it."""

    heading = "dropped"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unparsed(Dropped):
    """bashlex does not read the command."""

    heading = "not parsed"


class Unsayable(Dropped):
    """The ABI has no call, field or choice for it."""

    heading = "not expressible"


class Unsaid(Dropped):
    """The ABI could say it, but the request lacks the argument or the condition, or says it in other words."""

    heading = "not in the request"


class Unfaithful(Dropped):
    """The request speaks of something that the command does not do."""

    heading = "request says more"


class Different(Dropped):
    """Command and plan came to different outcomes, or one of them failed."""

    heading = "outcomes differ"
