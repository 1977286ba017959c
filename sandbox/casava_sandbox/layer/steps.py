"""What a transaction does, and how far one that was killed had got: the plain data that is written to disk."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict


def _inside(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/"):
        raise ValueError(f"{path!r} leaves the workspace")
    return path


Inside = Annotated[str, AfterValidator(_inside)]
"""A path that stays in the workspace. What is read back from disk is believed no more than what comes from a sandbox."""

Purpose = Literal["commit", "undo", "redo"]


class Item(BaseModel):
    """One path at which something goes (`take`), something appears (`put`), or the one replaces the other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    """Its name in the incoming and outgoing folders."""
    path: Inside
    take: bool
    put: bool
    taken: tuple[int, int] | None = None
    """Inode and permissions of what goes, once everything is staged."""
    placed: tuple[int, int] | None = None
    """Inode and permissions of what appears."""


class ModeStep(BaseModel):
    """A file whose permissions change, and nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Inside
    before: int
    after: int


class DirectoryStep(BaseModel):
    """A directory that is there before and after: its permissions, and its mtime (ns; None: leave what comes)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Inside
    mode_before: int
    mode_after: int
    mtime_before: int
    mtime_after: int | None


class Steps(BaseModel):
    """Paths are relative to the workspace, in text form; directories come parents first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: tuple[Item, ...] = ()
    modes: tuple[ModeStep, ...] = ()
    directories: tuple[DirectoryStep, ...] = ()

    def reversed(self) -> Steps:
        """The steps that take these back."""
        return Steps(
            items=tuple(
                Item(number=item.number, path=item.path, take=item.put, put=item.take) for item in self.items
            ),
            modes=tuple(ModeStep(path=m.path, before=m.after, after=m.before) for m in self.modes),
            directories=tuple(
                DirectoryStep(
                    path=d.path,
                    mode_before=d.mode_after,
                    mode_after=d.mode_before,
                    mtime_before=d.mtime_before if d.mtime_after is None else d.mtime_after,
                    mtime_after=d.mtime_before,
                )
                for d in self.directories
            ),
        )


class Intent(BaseModel):
    """A transaction under way, as written to disk before it touches the workspace."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    workspace: str
    root: tuple[int, int]
    """Device and inode of the workspace: another directory of that name is not touched."""
    purpose: Purpose
    phase: Literal["staging", "applying"] = "staging"
    area: Inside | None = None
    """The hidden folder in the workspace, where renames cannot cross from the state directory."""
    area_host: DirectoryStep | None = None
    """The directory that holds it, whose time is put back."""
    unsealed: tuple[tuple[Inside, int], ...] = ()
    """Files and directories that were opened for reading, with the permissions that they had."""
    linked: tuple[str, ...] = ()
    """Contents that were kept by a second name, by digest."""
    steps: Steps = Steps()
