"""Standing rules: "always allow this kind here", and how little that may mean.

A standing rule turns a question into a yes, for one workspace, the calls and the kinds of changes that one approved plan had,
and nothing else. It is no rule of policy: whatever policy denies stays denied, and these are always asked for, whatever a rule
says: what is gone afterwards, hidden files (and with them git's records), files that gain the rights of others, calls that run
programs, unpack archives or reach beyond the workspace, and every plan that was not made by a qualified model, at its first
attempt, from the person's own words alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from casava_os.kernel.ports import Change, Changeset
from casava_syscalls.base import AnyCall, Effect
from casava_syscalls.registry import SYSCALLS

StandingAction = Literal["added", "changed", "mode", "renamed"]
"""Kinds of changes that can be allowed for good; taking away is none of them."""

_VERBS: dict[StandingAction, str] = {
    "renamed": "move",
    "added": "create",
    "changed": "change",
    "mode": "change the permissions of",
}
_WITHIN = Effect.READ | Effect.WRITE | Effect.DELETE
_NAMES_FROM_CONTENT = frozenset({"file.extract"})
"""Calls whose paths are chosen by what a file says."""


def _can_stand(call: str) -> str:
    syscall = SYSCALLS.get(call)
    if syscall is None:
        raise ValueError(f"there is no syscall {call!r}")
    if not _may_stand(call):
        raise ValueError(f"{call} is always asked for")
    return call


def _may_stand(call: str) -> bool:
    effect = SYSCALLS[call].effect
    return bool(effect & Effect.WRITE) and not effect & ~_WITHIN and call not in _NAMES_FROM_CONTENT


def _absolute(path: str) -> str:
    if not path.startswith("/") or ".." in path.split("/"):
        raise ValueError("a workspace is named by its whole path")
    return path


class Standing(BaseModel):
    """One `[[always]]` of the person's policy.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workspace: Annotated[str, AfterValidator(_absolute)]
    """Its real path; a rule says nothing of the directories above or below it, or of links to it that lead elsewhere."""
    actions: tuple[StandingAction, ...] = Field(min_length=1)
    """What may happen to files."""
    calls: tuple[Annotated[str, AfterValidator(_can_stand)], ...] = Field(min_length=1)
    """Which calls may do it, by their whole names."""
    saved: date | None = None
    """The day of the yes."""

    def sentence(self, place: str | None = None) -> str:
        """`move and create files in ~/photos by file.move, file.make_dir: no longer ask`."""
        verbs = [verb for action, verb in _VERBS.items() if action in self.actions]
        what = " and ".join([", ".join(verbs[:-1]), verbs[-1]] if len(verbs) > 1 else verbs)
        return f"{what} files in {place or self.workspace} by {', '.join(self.calls)}: no longer ask"

    def toml(self) -> str:
        """The rule as it stands in the file."""
        lines = ["[[always]]", f"workspace = {_quoted(self.workspace)}"]
        lines += [f"{key} = [{', '.join(map(_quoted, values))}]" for key, values in self._lists()]
        return "\n".join(lines + ([f"saved = {self.saved.isoformat()}"] if self.saved else [])) + "\n"

    def _lists(self) -> tuple[tuple[str, Sequence[str]], ...]:
        return (("actions", self.actions), ("calls", self.calls))

    def covers(self, workspace: str, steps: Iterable[AnyCall], changes: Iterable[Change]) -> bool:
        """Whether this yes is meant for these changes by these steps."""
        return (
            workspace == self.workspace
            and not _hidden(workspace)
            and all(not step.effect & ~Effect.READ or step.call in self.calls for step in steps)
            and all(change.action in self.actions and _harmless(change) for change in changes)
        )


def proposed(
    workspace: str, steps: Sequence[AnyCall], changeset: Changeset, today: date | None = None
) -> Standing | None:
    """The narrowest rule that would have spared this question; None when there may be none."""
    calls = list(dict.fromkeys(step.call for step in steps if step.effect & ~Effect.READ))
    done = {change.action for change in changeset.changes}
    actions = tuple(action for action in get_args(StandingAction) if action in done)
    if not calls or not actions or not all(map(_may_stand, calls)):
        return None
    rule = Standing(workspace=workspace, actions=actions, calls=tuple(calls), saved=today)
    return rule if rule.covers(workspace, steps, changeset.changes) else None


def _harmless(change: Change) -> bool:
    brought = int(change.mode or "0", 8) & ~int(change.mode_before or "0", 8) & 0o7000
    same_kind = change.type_before in (None, change.type)
    return same_kind and not brought and not _hidden(change.path) and not _hidden(change.source or "")


def _hidden(path: str) -> bool:
    return path == "." or any(part.startswith(".") for part in path.split("/"))


def _quoted(text: str) -> str:
    """A basic string of TOML."""
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
