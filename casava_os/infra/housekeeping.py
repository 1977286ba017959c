"""What a start of the kernel and the resident shell do for stacks: settle what was killed, end leases, let the idle rest.

Nothing here costs more than a look into a directory while there is nothing to do; no daemon is asked, no SDK is loaded.
"""

from __future__ import annotations

from pathlib import Path

from casava_os.containers.leases import Leased
from casava_syscalls.results import Err, Ok, Result

_NOTHING = b'"pending": null'


def settle_stacks(state: Path) -> tuple[str, ...]:
    """Ends or takes back what killed programs left half done, a sentence for each. Blocking."""
    if not _pending(state):
        return ()
    from casava_os.infra.performing import engine_of

    engine = engine_of(state)
    try:
        return (*engine.reconcile(), *engine.heard())
    finally:
        engine.close()


def _pending(state: Path) -> bool:
    """Whether any record says that something was being done."""
    for path in (state / "stacks").glob("[!.]*/record.json"):
        try:
            if _NOTHING not in path.read_bytes():
                return True
        except OSError:
            continue
    return False


def stack_ender(state: Path, entry: Leased) -> Result[str]:
    """Takes a stack down whose lease is over. Its volumes stay: no clock deletes data."""
    from casava_os.infra.performing import engine_of
    from casava_os.infra.wishes import Errand

    engine = engine_of(state)
    try:
        done = engine.destroy(
            entry.name, volumes=False, errand=Errand(pid=entry.pid, reason="its lease is over")
        )
        if isinstance(done, Err):
            if done.code == "not-found":
                return Ok(value=f"The lease of the stack {entry.name} is over; it was gone already.")
            return done
        record = engine.store.read(entry.name)
        kept = record.kept if record is not None and not isinstance(record, str) else ()
        data = (
            f"; its data is kept (casava-os stack destroy {entry.name} --volumes removes it)" if kept else ""
        )
        return Ok(value=f"The lease of the stack {entry.name} is over: it was taken down{data}.")
    finally:
        engine.close()


def rest_idle_stacks(state: Path) -> tuple[str, ...]:
    """Puts stacks to sleep in which nothing has happened for as long as their spec says, a sentence for each. Blocking."""
    if not any((state / "stacks").glob("[!.]*/record.json")):
        return ()
    from casava_os.infra.idle import rest_idle
    from casava_os.infra.performing import engine_of

    engine = engine_of(state)
    try:
        return rest_idle(engine)
    finally:
        engine.close()
