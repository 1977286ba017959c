"""The ABI of Casava OS: the typed syscalls, plans, values and results that everything else speaks in."""

from casava_syscalls.base import AnyCall, Effect, Syscall
from casava_syscalls.plan import Plan, describe, parse_call, parse_plan, references
from casava_syscalls.refs import Ref
from casava_syscalls.registry import SYSCALLS, available
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Value

__all__ = [
    "SYSCALLS",
    "AnyCall",
    "Effect",
    "Err",
    "Ok",
    "Plan",
    "Ref",
    "Result",
    "Syscall",
    "Value",
    "available",
    "describe",
    "parse_call",
    "parse_plan",
    "references",
]
