"""The command line on a folder of its own, as `tests/cli` has it."""

from __future__ import annotations

from tests.cli.conftest import desk

__all__ = ["desk"]
