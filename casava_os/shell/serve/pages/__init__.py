"""The pages that a browser gets: the shell's, and what is said instead."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from jinja2 import Environment


PAGES = Path(__file__).parent


def page(name: str, *, status: int = 200, **values: str | int) -> web.Response:
    """One of the pages beside this file, filled in; everything filled in is escaped."""
    text = _templates().get_template(name).render(values)
    return web.Response(text=text, status=status, content_type="text/html")


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined)
