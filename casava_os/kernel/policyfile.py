"""The person's own policy.toml as a file: standing rules are read from it each time they count, added, and taken back.

The file is the person's: comments and order stay, a link stays a link, and what would come out of a change is read and
compared before the old contents are replaced. A file that cannot be read allows nothing.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.kernel.policy import PolicyFile, parse_policy
from casava_os.kernel.standing import Standing
from casava_os.paths import private_dir
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

FILE = "policy.toml"


@dataclass(frozen=True, slots=True)
class StandingRules:
    """The `[[always]]` of the policy.toml in one configuration directory."""

    config_dir: Path

    @property
    def path(self) -> Path:
        """The file, whether it is there or not."""
        return self.config_dir / FILE

    def read(self) -> Result[tuple[Standing, ...]]:
        """The rules in the file's order; none when there is no file. `Err("usage")` when any of it is wrong."""
        text = self._text()
        if isinstance(text, Err):
            return text
        parsed = parse_policy(text.value, str(self.path))
        return parsed if isinstance(parsed, Err) else Ok(value=parsed.value.always)

    def save(self, rule: Standing) -> Result[int]:
        """Adds a rule at the end; the value is its number from 1. One that is there already is not added again."""

        def add(before: PolicyFile, document: TOMLDocument) -> tuple[Standing, ...]:
            from tomlkit import aot, parse
            from tomlkit.items import AoT

            known = [one.model_copy(update={"saved": None}) for one in before.always]
            if rule.model_copy(update={"saved": None}) in known:
                return before.always
            (made,) = parse(rule.toml())["always"]
            there = document.get("always", aot())
            if isinstance(there, AoT):
                there.append(made)
                document["always"] = there
            return (*before.always, rule)

        changed = self._change(add)
        if isinstance(changed, Err):
            return changed
        known = [one.model_copy(update={"saved": None}) for one in changed.value]
        return Ok(value=known.index(rule.model_copy(update={"saved": None})) + 1)

    def remove(self, number: int) -> Result[Standing]:
        """Takes rule `number` (from 1) back; the value is what it was. `Err("not-found")`."""
        gone: list[Standing] = []

        def drop(before: PolicyFile, document: TOMLDocument) -> tuple[Standing, ...]:
            if not 1 <= number <= len(before.always):
                return before.always
            gone.append(before.always[number - 1])
            del document["always"][number - 1]
            if len(before.always) == 1:
                del document["always"]
            return tuple(one for at, one in enumerate(before.always, 1) if at != number)

        changed = self._change(drop)
        if isinstance(changed, Err):
            return changed
        if not gone:
            there = len(changed.value)
            message = f"there {'is one' if there == 1 else f'are {there}' if there else 'is none'}"
            hint = "casava-os policy list shows them"
            return Err(
                code="not-found", title=f"There is no standing rule {number}", message=message, hint=hint
            )
        return Ok(value=gone[0])

    # ------------------------------------------------------------------------------------------ the file

    def _text(self) -> Result[str]:
        try:
            return Ok(value=self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return Ok(value="")
        except (OSError, UnicodeDecodeError) as problem:
            message = str(problem)
            return Err(
                code="usage", title=f"{self.path} cannot be read", message=message, hint="mend or remove it"
            )

    def _change(
        self, change: Callable[[PolicyFile, TOMLDocument], tuple[Standing, ...]]
    ) -> Result[tuple[Standing, ...]]:
        """Writes the file anew with its rules changed; all else of it must come out as it was."""
        import tomlkit

        try:
            with self._alone():
                text = self._text()
                if isinstance(text, Err):
                    return text
                before = parse_policy(text.value, str(self.path))
                if isinstance(before, Err):
                    return before
                document = tomlkit.parse(text.value)
                rules = change(before.value, document)
                if rules == before.value.always:
                    return Ok(value=rules)
                written = tomlkit.dumps(document)
                after = parse_policy(written, "the file as it would be")
                wanted = before.value.model_copy(update={"always": rules})
                if isinstance(after, Err) or after.value != wanted:
                    return self._by_hand()
                self._write(written)
                return Ok(value=rules)
        except OSError as problem:
            title, message = f"{self.path} cannot be written", problem.strerror or str(problem)
            return Err(code="permission", title=title, message=message, hint="its rules are as they were")

    def _by_hand(self) -> Err:
        return Err(
            code="unsupported",
            title=f"{self.path} is written in a way that this cannot change",
            message="nothing was written",
            hint="write its rules as [[always]] tables, or change it by hand",
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        private_dir(self.config_dir)
        lock = os.open(self.config_dir / f".{FILE}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, text: str) -> None:
        """In one step and on disk; where the file is a link, what it leads to is written."""
        target = Path(os.path.realpath(self.path))
        temporary = target.with_name(f".{target.name}.{os.getpid()}.new")
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
        descriptor = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        temporary.replace(target)
