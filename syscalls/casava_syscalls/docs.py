"""What is generated from the ABI: its JSON Schema and the table in `syscalls/README.md`."""

from __future__ import annotations

import json

from pydantic.json_schema import JsonSchemaValue

from casava_syscalls.docstrings import documented
from casava_syscalls.plan import Plan
from casava_syscalls.registry import SYSCALLS, adapter
from casava_syscalls.shapes import Shape, shapes


def syscall_schema() -> JsonSchemaValue:
    """JSON Schema (2020-12) of any one syscall, discriminated by `call`."""
    schema = documented(adapter().json_schema(), SYSCALLS.values())
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Casava OS syscall"
    return schema


def plan_schema() -> JsonSchemaValue:
    """JSON Schema (2020-12) of a plan; its steps are syscalls."""
    calls = syscall_schema()
    schema = Plan.model_json_schema()
    definitions = {**schema.pop("$defs", {}), **calls.pop("$defs", {})}
    definitions.pop("Syscall_Value_", None)
    calls.pop("$schema")
    definitions["Syscall"] = calls
    schema["properties"]["steps"]["items"] = {"$ref": "#/$defs/Syscall"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "$defs": definitions}


def schema_text() -> str:
    """The plan's JSON Schema as the text of a file."""
    return json.dumps(plan_schema(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def signature(name: str) -> str:
    """One line: `file.copy(paths, to, overwrite?) → Files`."""
    syscall = SYSCALLS[name]
    fields = ", ".join(f"{s.name}{'' if s.required else '?'}" for s in shapes(syscall).values())
    return f"{name}({fields}) → {syscall.result_type().__name__}"


def _writes(shape: Shape) -> str:
    what = " \\| ".join(shape.choices) if shape.choices else shape.lexeme
    many = "…" if shape.many else ""
    ref = " or $N" if shape.refs else ""
    return f"`{shape.name}`{'' if shape.required else '?'} {what}{many}{ref}"


def readme_table() -> str:
    """The table of all syscalls, in Markdown: name, effects, arguments, result."""
    lines = ["| syscall | what it does | effects | arguments | result |", "|---|---|---|---|---|"]
    for name, syscall in SYSCALLS.items():
        effects = ", ".join(syscall.effect.names()) or "none"
        arguments = "; ".join(_writes(shape) for shape in shapes(syscall).values()) or "none"
        mark = "" if syscall.available else " *(declared; not performed yet)*"
        lines.append(
            f"| `{name}` | {syscall.summary()}{mark} | {effects} | {arguments} | {syscall.result_type().__name__} |"
        )
    return "\n".join(lines) + "\n"
