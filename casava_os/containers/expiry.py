"""The end of leases: containers whose time is over are removed, by the next start of the kernel or by the resident shell.

Without anything due no daemon is asked, and no SDK is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from casava_os.containers import labels
from casava_os.containers.daemon import connected, explained
from casava_os.containers.known import Known, find
from casava_os.containers.leases import Ender, LeaseBook, Leased, now
from casava_os.containers.network import tidy_network
from casava_syscalls.results import Err, Ok, Result


def end_leases(state: Path, enders: Mapping[str, Ender] | None = None) -> tuple[str, ...]:
    """Ends what is over, a sentence for each. `enders`: of other kinds (`stack`). Blocking; asks nobody when nothing is due."""
    book = LeaseBook(state)
    settled = tuple(sentence for entry in book.abandoned() if (sentence := _settle(book, entry)))
    return settled + book.expire(now(), {"container": end_container, **(enders or {})})


def end_container(entry: Leased) -> Result[str]:
    """Removes a container of the book, if it is still the one that the book means."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    with connected(timeout=30) as found:
        if isinstance(found, Err):
            return found
        api = found.value
        try:
            one = find(api, entry.id or entry.name)
            if isinstance(one, Err) or not _meant(one.value, entry):
                return Ok(value=f"The lease of {entry.name} is over; it was gone already.")
            api.remove_container(one.value.id, force=True, v=True)
            tidy_network(api)
        except (DockerException, RequestException, OSError) as problem:
            return explained(problem)
    because = f" (started for: {entry.reason})" if entry.reason else ""
    return Ok(value=f"The lease of {entry.name} is over: the container was removed{because}.")


def _settle(book: LeaseBook, entry: Leased) -> str:
    """What a killed program began: not started yet, or followed by nobody any more, it goes; what runs by itself stays."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    if entry.kind != "container":
        return ""
    with connected(timeout=30) as found:
        if isinstance(found, Err):
            return ""  # the next start tries again
        api = found.value
        try:
            one = find(api, entry.id or entry.name)
            if isinstance(one, Err) or not _meant(one.value, entry):
                book.strike("container", entry.name)
                return ""
            if entry.phase == "starting" and one.value.state != "created":
                book.write(entry.model_copy(update={"id": one.value.id, "phase": "there"}))
                return ""
            api.remove_container(one.value.id, force=True, v=True)
            tidy_network(api)
        except (DockerException, RequestException, OSError):
            return ""
    book.strike("container", entry.name)
    how = "it had not started" if entry.phase == "starting" else "nobody follows it any more"
    return f"The container {entry.name} was removed: casava-os was killed, and {how}."


def _meant(one: Known, entry: Leased) -> bool:
    """Whether it is ours, and the one of this entry and not a later one of that name."""
    if not one.mine:
        return False
    return one.id == entry.id if entry.id else labels.pid_of(one.labels) == entry.pid
