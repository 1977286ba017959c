"""YAML as a Compose file needs it: plain data, no key twice, and no file that grows beyond measure.

`yaml.safe_load` lets a later key win over an earlier one in silence and follows references without an end in sight; both
are found before any data is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from yaml.nodes import Node

MOST_BYTES = 2**20
MOST_NODES = 50_000
"""After references are followed; a spec of 500 services has some ten thousand."""
DEEPEST = 40

Data = dict[str, object]


def load(text: str, source: str) -> Result[Data]:
    """The mapping that a YAML text holds. `Err("usage")` with line and column of what is wrong, `limit` for one too large."""
    import yaml

    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        return Err(
            code="limit",
            title=f"{source} is too large",
            message=f"a spec has at most {MOST_BYTES // 2**20} MiB",
        )
    try:
        loader = yaml.SafeLoader(text)
    except yaml.YAMLError as problem:
        return _wrong(source, " ".join(str(problem).split()))
    try:
        root = loader.get_single_node()
        if root is None:
            return _wrong(source, "it is empty", "a spec has at least `services`")
        _measured(root, {}, (), 0)
        data = loader.construct_document(root)
    except _TooLargeError as problem:
        return Err(code="limit", title=f"{source} is too large", message=str(problem))
    except yaml.MarkedYAMLError as problem:
        where = problem.problem_mark or problem.context_mark
        place = f"line {where.line + 1}, column {where.column + 1}: " if where else ""
        return _wrong(source, f"{place}{problem.problem or problem.context}")
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        return _wrong(source, str(problem) or type(problem).__name__)
    finally:
        loader.dispose()
    if not isinstance(data, dict):
        return _wrong(source, "it is not a mapping", "a spec has at least `services`")
    return Ok(value={str(key): value for key, value in data.items()})


def _wrong(source: str, message: str, hint: str = "mend the file") -> Err:
    return Err(code="usage", title=f"{source} is not a spec", message=message, hint=hint)


class _TooLargeError(Exception):
    """References make it grow, or it is nested too deeply."""


def _measured(node: Node, sizes: dict[int, int], above: tuple[int, ...], depth: int) -> int:
    """Nodes below this one with references followed. Raises for a key that is given twice, cycles and size."""
    from yaml.constructor import ConstructorError
    from yaml.nodes import MappingNode, SequenceNode

    if id(node) in above:
        raise ConstructorError(None, None, "a reference leads back to itself", node.start_mark)
    if depth > DEEPEST:
        raise _TooLargeError(f"it is nested deeper than {DEEPEST} levels")
    if id(node) in sizes:
        return sizes[id(node)]
    total, inside = 1, (*above, id(node))
    children: list[Node] = []
    if isinstance(node, MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen and name != "<<":
                raise ConstructorError(None, None, f"the key {name!r} is given twice", key.start_mark)
            seen.add(name)
            children += [key, value]
    elif isinstance(node, SequenceNode):
        children = list(node.value)
    for child in children:
        total += _measured(child, sizes, inside, depth + 1)
        if total > MOST_NODES:
            raise _TooLargeError(f"with its references followed it has more than {MOST_NODES} values")
    sizes[id(node)] = total
    return total
