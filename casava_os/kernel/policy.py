"""Policy: which effects a plan may have where, as typed rules that answer Allow, Ask or Deny.

A rule names effects, calls and paths. For each single effect on each single path **the first rule that matches decides**
(the person's own rules stand before the shipped ones); of all effects and paths of a step **the strictest answer** is its
verdict. What no rule covers is denied.

Judged three times, because paths become known little by little: the plan's steps before anything runs (paths that the
plan spells out), a step's arguments just before it is performed (paths that an earlier step found), and the changeset
before anything lands (paths that a program wrote). A path that is not known yet matches only rules for `**`. Reading is
judged by the paths a step names, not by every file below a directory that it searches.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import translate
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from casava_os.kernel.ports import Change, Changeset
from casava_os.kernel.standing import Standing
from casava_os.kernel.taint import taint
from casava_syscalls.base import AnyCall, Effect
from casava_syscalls.container import host_path
from casava_syscalls.plan import Plan
from casava_syscalls.registry import SYSCALLS
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.shapes import shapes

EffectName = Literal["read", "write", "delete", "execute", "network", "host", "provision"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Allow(_Frozen):
    """It may happen without asking."""

    decision: Literal["allow"] = "allow"
    reason: str = ""


class Ask(_Frozen):
    """It may happen when the person approves: of the changeset where the layer holds the effect, else beforehand."""

    decision: Literal["ask"] = "ask"
    reason: str = ""
    tainted: bool = False
    """What the step acts upon was chosen by the contents of files or the output of programs."""


class Deny(_Frozen):
    """It must not happen; `reason` says why, `path` where."""

    decision: Literal["deny"] = "deny"
    reason: str
    path: str | None = None


Verdict = Annotated[Allow | Ask | Deny, Field(discriminator="decision")]

_STRICTNESS = {"allow": 0, "ask": 1, "deny": 2}


def strictest(verdicts: Iterable[Allow | Ask | Deny]) -> Allow | Ask | Deny:
    """The first of the strictest; `Allow` when there are none."""
    worst: Allow | Ask | Deny = Allow()
    for verdict in verdicts:
        if _STRICTNESS[verdict.decision] > _STRICTNESS[worst.decision] or (worst == Allow()):
            worst = verdict
    return worst


class Rule(_Frozen):
    """One `[[rule]]` of policy.toml."""

    decision: Literal["allow", "ask", "deny"]
    effects: tuple[EffectName, ...] = Field(min_length=1)
    """Any of these effects."""
    calls: tuple[str, ...] = ("*",)
    """Patterns of syscall names, like `system.*`."""
    paths: tuple[str, ...] = ("**",)
    """Patterns of paths relative to the workspace: `*` stays within a directory, `**` crosses them."""
    unless_request_names: tuple[str, ...] = ()
    """The rule is passed over when the request has one of these words."""
    reason: str = ""
    """One sentence for the person."""

    def matches(self, effect: EffectName, call: str, path: str | None, request: str) -> bool:
        """Whether the rule speaks of this effect of this call on this path (None: not known)."""
        return (
            effect in self.effects
            and any(_call_pattern(pattern).match(call) for pattern in self.calls)
            and ("**" in self.paths or (path is not None and any(_glob(p).match(path) for p in self.paths)))
            and not any(_word(word).search(request) for word in self.unless_request_names)
        )

    def verdict(self, path: str | None) -> Allow | Ask | Deny:
        if self.decision == "deny":
            return Deny(reason=self.reason or "a rule denies it", path=path)
        return Allow(reason=self.reason) if self.decision == "allow" else Ask(reason=self.reason)


class PolicyFile(_Frozen):
    """What a policy.toml says."""

    version: Literal[1] = 1
    inherit: bool = True
    """Whether the shipped rules follow these."""
    rule: tuple[Rule, ...] = ()
    always: tuple[Standing, ...] = ()
    """Kinds of changes that are no longer asked for, in one workspace each (`casava_os.kernel.standing`)."""


@cache
def _call_pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))


@cache
def _word(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)


_GLOB_PART = re.compile(r"(?P<any>\*+)|(?P<one>\?)|\[(?P<not>!?)(?P<set>[^\]]+)\]|(?P<text>.)", re.DOTALL)


@cache
def _glob(pattern: str) -> re.Pattern[str]:
    """A path pattern as a regular expression: `**/` is any number of directories, a final `/**` all that is below."""
    out = ""
    parts = pattern.split("/")
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            out += r"(?s:.+)" if last else r"(?:[^/]+/)*"
            continue
        for found in _GLOB_PART.finditer(part):
            if found["any"]:
                out += "[^/]*"
            elif found["one"]:
                out += "[^/]"
            elif found["set"]:
                out += f"(?!/)[{'^' if found['not'] else ''}{re.escape(found['set']).replace(chr(92) + '-', '-')}]"
            else:
                out += re.escape(found["text"])
        out += "" if last else "/"
    return re.compile(out + r"\Z")


# ------------------------------------------------------------------------------------ what a step touches

_ONLY_READS = frozenset(
    {("file.copy", "paths"), ("file.archive", "paths"), ("file.extract", "paths"), ("file.link", "target")}
)
"""Path fields of changing calls that name what is only read."""
_DELETES = frozenset({("file.move", "paths"), ("file.rename", "paths"), ("file.delete", "paths")})


def touched(
    step: AnyCall, found: Mapping[str, Sequence[str]] | None = None
) -> Iterator[tuple[EffectName, str | None]]:
    """(effect, path) of all that a step does as far as its arguments tell; a path of None is not known yet.

    `found` gives the paths of fields that refer to an earlier step, once that step has run.
    """
    known: set[EffectName] = set()
    names = [name for name in step.effect.names() if name in _EFFECT_NAMES]
    for name, shape in shapes(type(step)).items():
        value = getattr(step, name)
        if shape.lexeme != "path" or value is None or step.family() == "process":
            continue
        effect = _field_effect(step, name)
        if isinstance(value, str):
            paths: Sequence[str] = (value,)
        else:
            paths = value if isinstance(value, tuple) else (found or {}).get(name, ())
        for path in paths:
            known.add(effect)
            yield effect, path
    for effect, path in _mounted(step):
        known.add(effect)
        yield effect, path
    for name in names:
        if name not in known:
            yield _EFFECT_NAMES[name], None


def _mounted(step: AnyCall) -> Iterator[tuple[EffectName, str]]:
    """Paths of the host that a container would see: as the host's, and as read or written where they lie in the workspace.

    A path outside keeps its written form (`/etc`, `~/x`, `../x`), which no path in the workspace has.
    """
    for name, shape in shapes(type(step)).items():
        if shape.lexeme != "mount":
            continue
        for mount in getattr(step, name):
            if (path := host_path(mount.source)) is not None:
                yield "host", path
                yield "read" if mount.read_only else "write", path


def _field_effect(step: AnyCall, field: str) -> EffectName:
    if (step.call, field) in _DELETES:
        return "delete"
    writes = Effect.WRITE in step.effect and (step.call, field) not in _ONLY_READS
    return "write" if writes else "read"


_EFFECT_NAMES: dict[str, EffectName] = {
    "read": "read", "write": "write", "delete": "delete", "execute": "execute",
    "network": "network", "host": "host", "provision": "provision",
}  # fmt: skip


def _change_effects(change: Change) -> Iterator[tuple[EffectName, str]]:
    if change.action == "deleted":
        yield "delete", change.path
        return
    yield "write", change.path
    if change.source is not None:
        yield "delete", change.source
    if change.type_before not in (None, change.type):
        yield "delete", change.path


# ------------------------------------------------------------------------------------------------- policy


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules in order, and what a process was granted at most (an app's manifest); None grants what the rules allow."""

    rules: tuple[Rule, ...]
    granted: Effect | None = None

    def narrowed(self, granted: Effect | None) -> Policy:
        """The same policy with a ceiling: effects that were not granted are denied, whatever the rules say."""
        return self if granted is None else replace(self, granted=granted)

    def decide(
        self, effect: EffectName, call: str, path: str | None, request: str = ""
    ) -> Allow | Ask | Deny:
        """The verdict on one effect of one call on one path (None: not known yet)."""
        if self.granted is not None and Effect[effect.upper()] not in self.granted:
            return Deny(reason=f"the app was not granted the effect {effect!r}", path=path)
        for rule in self.rules:
            if rule.matches(effect, call, path, request):
                return rule.verdict(path)
        return Deny(reason=f"no rule covers the effect {effect!r} of {call}", path=path)

    def judge_step(
        self, step: AnyCall, request: str, found: Mapping[str, Sequence[str]] | None = None
    ) -> Allow | Ask | Deny:
        """The verdict on one step: the strictest of all its effects and paths."""
        return strictest(
            self.decide(effect, step.call, path, request) for effect, path in touched(step, found)
        )

    def judge_plan(self, plan: Plan, request: str, repaired: str = "") -> tuple[Allow | Ask | Deny, ...]:
        """A verdict for each step. A tainted step that does more than read is asked for, whatever the rules allow.

        `repaired`: why all steps are tainted, of a plan that was made after another one failed.
        """
        verdicts: list[Allow | Ask | Deny] = []
        tainted = dict.fromkeys(range(1, len(plan.steps) + 1), repaired) if repaired else {}
        tainted |= taint(plan)
        for number, step in enumerate(plan.steps, 1):
            verdict = self.judge_step(step, request)
            if number in tainted and not isinstance(verdict, Deny) and step.effect & ~Effect.READ:
                verdict = Ask(reason=tainted[number], tainted=True)
            verdicts.append(verdict)
        return tuple(verdicts)

    def judge_changes(self, calls: Iterable[str], request: str, changeset: Changeset) -> Allow | Ask | Deny:
        """The verdict on a changeset: the strictest for each change by each of the calls that could have made it."""
        names = sorted(set(calls))
        writers = [name for name in names if Effect.WRITE in SYSCALLS[name].effect]
        deleters = [name for name in names if Effect.DELETE in SYSCALLS[name].effect]
        makers: dict[EffectName, list[str]] = {"write": writers or deleters, "delete": deleters or writers}
        return strictest(
            self.decide(effect, call, path, request)
            for change in changeset.changes
            for effect, path in _change_effects(change)
            for call in makers[effect] or names
        )

    def offered(self, available: Iterable[str]) -> frozenset[str]:
        """Those syscalls that this policy does not deny outright."""
        return frozenset(
            name
            for name in available
            if all(
                not isinstance(self.decide(_EFFECT_NAMES[effect], name, None), Deny)
                for effect in SYSCALLS[name].effect.names()
            )
        )


# ------------------------------------------------------------------------------------------------ its file


def load_policy(config_dir: Path | None = None) -> Result[Policy]:
    """The person's `policy.toml`, if there is one, before the shipped rules. `Err("usage")` names the file and the key."""
    shipped_text = resources.files("casava_config").joinpath("policy.toml").read_text(encoding="utf-8")
    shipped = parse_policy(shipped_text, "the shipped policy.toml")
    own_path = config_dir / "policy.toml" if config_dir else None
    if isinstance(shipped, Err) or own_path is None or not own_path.exists():
        return shipped if isinstance(shipped, Err) else Ok(value=Policy(rules=shipped.value.rule))
    try:
        text = own_path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        return Err(code="usage", title=f"{own_path} cannot be read", message=str(problem))
    own = parse_policy(text, str(own_path))
    if isinstance(own, Err):
        return own
    return Ok(value=Policy(rules=own.value.rule + (shipped.value.rule if own.value.inherit else ())))


def parse_policy(text: str, source: str) -> Result[PolicyFile]:
    """The file's contents. `Err("usage")` names the `source` and the key that is wrong."""
    try:
        return Ok(value=PolicyFile.model_validate(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as problem:
        return Err(
            code="usage", title=f"{source} is not TOML", message=str(problem), hint="mend or remove the file"
        )
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        where = ".".join(str(part + 1 if isinstance(part, int) else part) for part in first["loc"])
        return Err(
            code="usage",
            title=f"A rule in {source} is wrong",
            message=f"{where}: {first['msg']}",
            hint="mend the file; nothing runs while its rules cannot be read",
        )
