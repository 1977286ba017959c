"""Keeps the files that are made from code equal to the code.

A list that stands in a document or a schema is written once, as code; this module writes the copies and, with
`--check` (part of `make check` and of the tests), says which of them are stale. Run as
`python -m casava_os.generate [--check] [--root DIR]` in a checkout of the source.
"""

import argparse
import itertools
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic.json_schema import JsonSchemaValue

BEGIN = "<!-- generated: {name}; change the code, then run `python -m casava_os.generate` -->"
END = "<!-- end of generated: {name} -->"


@dataclass(frozen=True)
class Generated:
    """A file, or a marked part of one, that is made from code."""

    path: str
    """Relative to the root of the checkout."""
    make: Callable[[], str]
    """Makes the text; called only when asked for, for it imports what it describes."""
    block: str | None = None
    """Name of the marked part that is replaced; None: the whole file is generated."""

    def expected(self, current: str) -> str:
        """The whole file's text as it should be, given its `current` text."""
        made = self.make().rstrip("\n") + "\n"
        if self.block is None:
            return made
        begin, end = BEGIN.format(name=self.block), END.format(name=self.block)
        before, found_begin, rest = current.partition(begin)
        _, found_end, after = rest.partition(end)
        if not (found_begin and found_end):
            raise SystemExit(f"{self.path}: the lines of the generated part are missing:\n{begin}\n{end}")
        return f"{before}{begin}\n{made}{end}{after}"


def syscall_table() -> str:
    """Every syscall by family, with its effect and its one sentence."""
    from casava_syscalls.docs import readme_table

    return readme_table()


def plan_schema() -> str:
    """JSON Schema of a plan, for editors and for programs that write plans (`casava-os apply`)."""
    from casava_syscalls.docs import schema_text

    return schema_text()


def event_schema() -> str:
    """JSON Schema of one line of `--json`: a change of it is a change of the contract with scripts."""
    from casava_os.kernel.events import events_schema

    return _json(events_schema())


def settings_schema() -> str:
    """JSON Schema of config.toml, for editors."""
    from casava_os.settings import settings_schema

    return _json(settings_schema())


def settings_defaults() -> str:
    """Every setting with its meaning and its default."""
    from casava_os.settings import defaults_toml

    return defaults_toml()


def exit_code_table() -> str:
    """The exit codes, each with the sentence that stands under it in `casava_os/errors.py`."""
    import ast
    import inspect

    from casava_os.errors import ExitCode

    (body,) = (
        node.body for node in ast.parse(inspect.getsource(ExitCode)).body if isinstance(node, ast.ClassDef)
    )
    rows = ["| code | when |", "|---|---|"]
    for assigned, told in itertools.pairwise(body):
        if (
            isinstance(assigned, ast.Assign)
            and isinstance(told, ast.Expr)
            and isinstance(told.value, ast.Constant)
        ):
            name = ast.unparse(assigned.targets[0])
            rows.append(f"| {ExitCode[name].value} | {told.value.value!s} |")
    assert len(rows) == len(ExitCode) + 2
    return "\n".join(rows) + "\n"


def _json(schema: JsonSchemaValue) -> str:
    return json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


SCHEMAS = "config/casava_config/schemas"

GENERATED: tuple[Generated, ...] = (
    Generated("README.md", exit_code_table, block="exit codes"),
    Generated("syscalls/README.md", syscall_table, block="syscalls"),
    Generated("config/casava_config/casava.toml", settings_defaults),
    Generated(f"{SCHEMAS}/event.json", event_schema),
    Generated(f"{SCHEMAS}/plan.json", plan_schema),
    Generated(f"{SCHEMAS}/settings.json", settings_schema),
)
"""Every generated file of the project."""


def stale(root: Path, *, write: bool) -> list[str]:
    """Paths of generated files that differ from the code; with `write`, they are made anew."""
    found: list[str] = []
    for file in GENERATED:
        target = root / file.path
        current = target.read_text(encoding="utf-8") if target.exists() else ""
        expected = file.expected(current)
        if current == expected:
            continue
        found.append(file.path)
        if write:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(expected, encoding="utf-8")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Returns 0, or 1 when `--check` found a stale file."""
    parser = argparse.ArgumentParser(
        prog="python -m casava_os.generate", description="Makes generated files anew."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is stale")
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="the checkout (default: here)")
    options = parser.parse_args(arguments)
    if not (options.root / "pyproject.toml").is_file():
        parser.error(
            f"{options.root} is not a checkout of Casava OS: run this at its root, or name it with --root."
        )
    for path in (paths := stale(options.root, write=not options.check)):
        sys.stderr.write(f"{'stale' if options.check else 'written'}: {path}\n")
    if options.check and paths:
        sys.stderr.write("Run `.venv/bin/python -m casava_os.generate` and commit what it wrote.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
