"""`casava-os metrics`: what goes on here, for Prometheus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Once = Annotated[
    bool, typer.Option("--once", help="Print the metrics and end: for a textfile collector, or a look.")
]
Host = Annotated[
    str | None,
    typer.Option(
        "--host",
        metavar="ADDRESS",
        help="Listen there; one that others reach wants --token-file.  [default: 127.0.0.1]",
    ),
]
Port = Annotated[int, typer.Option("--port", "-p", min=0, max=65_535, help="The port; 0 takes a free one.")]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="Ask for the token in this file, which is made if it is not there.",
    ),
]
ForStack = Annotated[
    str | None,
    typer.Option(
        "--stack", metavar="NAME", help="Listen where this stack's containers come from, for its own token."
    ),
]


def metrics(
    once: Once = False,
    host: Host = None,
    port: Port = 9464,
    token_file: TokenFile = None,
    stack: ForStack = None,
) -> int:
    """Serve metrics of the machine, requests, syscalls, containers and stacks for Prometheus. Ctrl-C ends it."""
    from casava_os.boot import JOURNAL, MEMORY
    from casava_os.cli.follow import Front
    from casava_os.memory.store import LEDGER
    from casava_os.paths import data_dir, state_dir
    from casava_os.telemetry import guard, serving
    from casava_os.telemetry.collect import ONCE_SECONDS, everything, registry_of
    from casava_syscalls.results import Err

    front, state = Front(), state_dir()
    parts = (state, state / JOURNAL, data_dir() / MEMORY / LEDGER)
    if once:
        if host is not None or token_file is not None or stack is not None:
            message = "what is printed is not served"
            return front.fail(Err(code="usage", title="--once stands alone", message=message))
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry()
        registry.register(everything(*parts, front.screen.note, ONCE_SECONDS))
        front.output.exact(generate_latest(registry).decode())
        return 0
    token: str | None = None
    if stack is not None:
        from casava_os.telemetry.forstack import way_of

        if host is not None or token_file is not None:
            message = "the stack's own address and token are taken"
            return front.fail(Err(code="usage", title="--stack stands alone", message=message))
        way = way_of(stack, state)
        if isinstance(way, Err):
            return front.fail(way)
        host, token = way.value.host, way.value.token
    elif token_file is not None:
        read = guard.token_in(token_file)
        if isinstance(read, Err):
            return front.fail(read)
        token = read.value
    where = guard.address(host or "127.0.0.1", token=token is not None)
    if isinstance(where, Err):
        return front.fail(where)

    def told(address: str) -> None:
        front.output.text(address)
        asks = "" if token is None else " for whoever shows the token"
        front.screen.note(f"Metrics{asks}; Ctrl-C ends it.")

    registry = registry_of(everything(*parts, front.screen.note))
    done = serving.serve(where.value, port, token, registry, told)
    return front.fail(done) if isinstance(done, Err) else done.value


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(metrics)
