"""What is written under a field, found in the source when somebody asks for it.

pydantic can do this for every class as it is made (`use_attribute_docstrings`), but it reads the whole source again for
each of them: 0.2 s of every command, for text that only help and generated schemas need.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable, Mapping
from functools import cache

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaValue


@cache
def _module_docs(module: str) -> Mapping[str, Mapping[str, str]]:
    """Docstrings under annotated names of a module's classes: by class, by field."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: dict(_fields(node)) for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def _fields(node: ast.ClassDef) -> Iterable[tuple[str, str]]:
    for field, text in zip(node.body, node.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if (
            isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            yield field.target.id, inspect.cleandoc(text.value.value)


def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """The docstrings under a model's fields, those of its bases included."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            found |= _module_docs(base.__module__).get(base.__name__, {})
    return found


def documented(schema: JsonSchemaValue, models: Iterable[type[BaseModel]]) -> JsonSchemaValue:
    """The JSON Schema with a description at each property of these models, found under their names."""
    places = {**schema.get("$defs", {})}
    if "properties" in schema:
        places[str(schema.get("title", ""))] = schema
    for model in models:
        properties = places.get(model.__name__, {}).get("properties", {})
        for name, text in field_docs(model).items():
            if name in properties:
                properties[name].setdefault("description", text)
    return schema
