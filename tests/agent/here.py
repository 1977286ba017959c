"""The agent's performers on a real directory: the code that runs in the sandbox, without the sandbox around it."""

import os
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from casava_sandbox.agent.context import Context, Limits
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.performers import PERFORMERS
from casava_syscalls.plan import parse_call, value_type
from casava_syscalls.results import Ok
from casava_syscalls.values import AnyValue, Value

ANY_VALUE: TypeAdapter[Value] = TypeAdapter(AnyValue)


class Here:
    """A workspace and the performers over it."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self.root = root
        self.scratch = scratch
        self.limits: dict[str, object] = {}

    def context(self, seconds: float = 60.0) -> Context:
        return Context(
            1,
            Limits(self.limits),
            seconds,
            values=lambda step: {},
            emit=lambda stream, data: None,
            root=str(self.root),
            scratch=str(self.scratch),
        )

    def __call__(self, call: str, **fields: object) -> dict[str, object]:
        """Performs a call. What the ABI would refuse cannot be asked for; the value has the ABI's form."""
        plain = {
            name: "$1" if isinstance(value, dict) and "kind" in value else value
            for name, value in fields.items()
        }
        parsed = parse_call({"call": call, **plain})
        assert isinstance(parsed, Ok), parsed
        canonical = parsed.value.model_dump(mode="json", exclude_defaults=True)
        given = {name: fields[name] if plain[name] == "$1" else canonical.get(name) for name in fields}
        value = PERFORMERS[call](self.context(), {"call": call, **given})
        assert type(ANY_VALUE.validate_python(value)) is value_type(call)
        return value

    def fails(self, call: str, code: str, **fields: object) -> Fault:
        """The fault that a call ends in; the tree is as it was before."""
        before = self.tree()
        with pytest.raises(Fault) as raised:
            self(call, **fields)
        assert raised.value.code == code, raised.value.as_json()
        assert raised.value.title
        assert self.tree() == before
        return raised.value

    def paths(self, call: str, **fields: object) -> list[str]:
        """The paths of a result of kind files."""
        items = self(call, **fields)["items"]
        assert isinstance(items, list)
        return [item["path"] for item in items]

    def text(self, call: str, **fields: object) -> str:
        """The text of a result of kind text."""
        return str(self(call, **fields)["text"])

    def number(self, call: str, **fields: object) -> object:
        return self(call, **fields)["value"]

    def rows(self, call: str, **fields: object) -> list[list[object]]:
        rows = self(call, **fields)["rows"]
        assert isinstance(rows, list)
        return rows

    def make(self, tree: dict[str, object]) -> None:
        """Files from names: text, bytes, None for a directory; "-> target" makes a link."""
        for name, content in tree.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.mkdir(exist_ok=True)
            elif isinstance(content, bytes):
                path.write_bytes(content)
            elif str(content).startswith("-> "):
                path.symlink_to(str(content)[3:])
            else:
                path.write_bytes(str(content).encode())

    def tree(self) -> dict[str, object]:
        """All that there is: contents by name, link targets, None for directories; and permissions."""
        seen: dict[str, object] = {}
        for directory, directories, files in os.walk(os.fsencode(self.root)):
            for raw in directories + files:
                path = os.path.join(directory, raw)
                name = os.fsdecode(os.path.relpath(path, os.fsencode(self.root)))
                mode = os.lstat(path).st_mode & 0o7777
                if os.path.islink(path):
                    seen[name] = ("->", os.fsdecode(os.readlink(path)))
                elif os.path.isdir(path):
                    seen[name] = (mode, None)
                elif os.path.isfile(path):
                    with open(path, "rb") as file:
                        seen[name] = (mode, file.read())
                else:
                    seen[name] = (mode, "other")
        return seen

    def names(self) -> set[str]:
        return set(self.tree())
