"""The command line on a folder and a home of its own, as its own tests use it."""

from __future__ import annotations

from tests.cli.conftest import desk

__all__ = ["desk"]
