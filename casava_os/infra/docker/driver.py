"""The docker driver of stacks: what the Protocol asks, on the local daemon."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Literal, ParamSpec, TypeVar

from casava_os.containers import labels
from casava_os.containers.daemon import connect, explained, guarded
from casava_os.infra.docker import measure
from casava_os.infra.docker.carry import Work, carry_out
from casava_os.infra.docker.compare import compare, local_images
from casava_os.infra.docker.health import Patience
from casava_os.infra.docker.marks import RESOURCE, WAS
from casava_os.infra.docker.observe import Actual, Thing, observe, stacks_of
from casava_os.infra.docker.tell import state_of
from casava_os.infra.drivers import Deployment, Found, Landed, Row, StackKey, StackPlan, StackState, Tell
from casava_syscalls.infra import Driver
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from docker import APIClient

    from casava_os.infra.docker.observe import Container

P = ParamSpec("P")
T = TypeVar("T")

SECONDS = 600.0
"""How long applying may take when nobody says."""
_TOGETHER = 8
_SETTLE = 0.25
"""A request that a killed program had sent may still be carried out by the daemon; so long there must be nothing new."""


class DockerDriver:
    """Networks, volumes and containers of the local daemon. Connects when first asked for something."""

    def __init__(self) -> None:
        self._api: APIClient | None = None

    @property
    def name(self) -> Driver:
        return "docker"

    def plan(self, wanted: Deployment) -> Result[StackPlan]:
        def work(api: APIClient) -> Result[StackPlan]:
            compared = compare(api, wanted, observe(api, wanted.key))
            return compared if isinstance(compared, Err) else Ok(value=compared.value.plan)

        return self._with(work)

    def apply(
        self,
        wanted: Deployment,
        plan: StackPlan,  # noqa: ARG002 - made from the same look at the daemon a moment ago, and looked at again here
        tell: Tell,
        landed: Landed,
    ) -> Result[StackState]:
        def work(api: APIClient) -> Result[StackState]:
            compared = compare(api, wanted, observe(api, wanted.key))
            if isinstance(compared, Err):
                return compared
            failed = carry_out(api, wanted, compared.value, tell, landed, wanted.seconds or SECONDS)
            if failed is not None:
                return failed
            return Ok(value=state_of(wanted, observe(api, wanted.key), local_images(api, wanted)))

        return self._with(work)

    def converge(self, wanted: Deployment, *, undone: str, tell: Tell) -> Result[None]:
        def work(api: APIClient) -> Result[None]:
            time.sleep(_SETTLE)
            patience = Patience(time.monotonic() + SECONDS, lambda: False)
            Work(api, wanted, local_images(api, wanted), patience, tell, waits=False).back(undone)
            return Ok(value=None)

        return self._with(work)

    def status(self, key: StackKey, wanted: Deployment | None) -> Result[StackState]:
        def work(api: APIClient) -> Result[StackState]:
            images = {} if wanted is None else local_images(api, wanted)
            return Ok(value=state_of(wanted, observe(api, key), images))

        return self._with(work)

    def retreat(self, key: StackKey, *, undone: str, tell: Tell) -> Result[None]:
        def work(api: APIClient) -> Result[None]:
            time.sleep(_SETTLE)
            while True:
                actual = observe(api, key)
                left = Actual(
                    tuple(one for one in actual.containers if one.operation == undone),
                    tuple(one for one in actual.networks if one.operation == undone),
                    {name: one for name, one in actual.volumes.items() if one.operation == undone},
                )
                if left.empty:
                    break
                tell(f"Taking back what was begun of {key.name}")
                if not _taken_away(api, left, left.volumes.values()):
                    return _stuck(key, observe(api, key))
            for one in actual.containers:
                name, was, _ = one.name.partition(WAS)
                if was:
                    api.rename(one.id, name)
                    api.start(one.id)
            return Ok(value=None)

        return self._with(work)

    def destroy(self, key: StackKey, *, volumes: bool, tell: Tell) -> Result[tuple[Row, ...]]:
        def work(api: APIClient) -> Result[tuple[Row, ...]]:
            done: list[Row] = []
            while True:
                actual = observe(api, key)
                doomed = actual.volumes.values() if volumes else ()
                if not (actual.containers or actual.networks or doomed):
                    return Ok(value=tuple(done))
                self._stop(api, actual, tell)
                gone = _taken_away(api, actual, doomed)
                if not gone:
                    return _stuck(key, observe(api, key))
                done += gone

        return self._with(work)

    @staticmethod
    def _stop(api: APIClient, actual: Actual, tell: Tell) -> None:
        """All at once; a paused one cannot hear the signal and is woken first."""
        from docker.errors import APIError

        def stop(one: Container) -> None:
            with suppress(APIError):
                if one.state == "paused":
                    api.unpause(one.id)
                tell(f"Stopping {one.service}-{one.replica}")
                api.stop(one.id, timeout=one.grace)

        running = [one for one in actual.containers if one.state in ("running", "paused", "restarting")]
        if running:
            with ThreadPoolExecutor(min(len(running), _TOGETHER), "stop") as pool:
                list(pool.map(stop, running))

    def found(self, owner: str) -> Result[tuple[Found, ...]]:
        def work(api: APIClient) -> Result[tuple[Found, ...]]:
            stacks = []
            for name, parts in stacks_of(api, owner).items():
                marked = [marks for _, marks in parts]
                begun = [float(m[labels.BEGUN]) for m in marked if m.get(labels.BEGUN, "").isdecimal()]
                stacks.append(
                    Found(
                        key=StackKey(owner, name),
                        services=tuple(
                            sorted({m.get(RESOURCE, "") for kind, m in parts if kind == "service"})
                        ),
                        volumes=tuple(sorted({m.get(RESOURCE, "") for kind, m in parts if kind == "volume"})),
                        begun=min(begun, default=None),
                        lease=labels.lease_of(marked[0]),
                        reason=marked[0].get(labels.REASON, ""),
                        pid=labels.pid_of(marked[0]),
                    )
                )
            return Ok(value=tuple(sorted(stacks, key=lambda one: one.key.name)))

        return self._with(work)

    def rest(self, key: StackKey, action: Literal["pause", "stop"]) -> Result[int]:
        def work(api: APIClient) -> Result[int]:
            running = [one for one in observe(api, key).containers if one.state == "running"]
            for one in running:
                api.pause(one.id) if action == "pause" else api.stop(one.id, timeout=one.grace)
            return Ok(value=len(running))

        return self._with(work)

    def activity(self, key: StackKey) -> Result[float | None]:
        def work(api: APIClient) -> Result[float | None]:
            used = [measure.use(one) for one in observe(api, key).containers if one.state == "running"]
            known = [u for u in used if u.cpu_seconds is not None]
            if not known:
                return Ok(value=None)
            # A megabyte over the network counts as much as a second of processor time.
            return Ok(value=sum((u.cpu_seconds or 0.0) + (u.traffic or 0) / 1e6 for u in known))

        return self._with(work)

    def close(self) -> None:
        if self._api is not None:
            self._api.close()
            self._api = None

    def _with(self, work: Callable[[APIClient], Result[T]]) -> Result[T]:
        """Does something with the daemon; whatever it or the connection raises is an `Err`."""
        if self._api is None:
            connected = connect()
            if isinstance(connected, Err):
                return connected
            self._api = connected.value
        result = guarded(work)(self._api)
        if isinstance(result, Err) and result.code == "unavailable":
            self.close()
        return result


def _taken_away(api: APIClient, doomed: Actual, volumes: Iterable[Thing]) -> list[Row]:
    """Removes containers, then networks, then these volumes; what went."""
    from docker.errors import APIError

    def remove(one: Container) -> Row | None:
        went = _removed(partial(api.remove_container, one.id, v=True, force=True))
        name = f"{one.service}-{one.replica}"
        return Row(action="destroy", kind="container", name=name) if went else None

    done: list[Row] = []
    if doomed.containers:
        with ThreadPoolExecutor(min(len(doomed.containers), _TOGETHER), "remove") as pool:
            done += [row for row in pool.map(remove, doomed.containers) if row is not None]
    for network in doomed.networks:
        _leave(api, network.id)
        if _removed(partial(api.remove_network, network.id)):
            done.append(Row(action="destroy", kind="network", name=network.resource))
    for volume in volumes:
        with suppress(APIError):
            if _removed(partial(api.remove_volume, volume.name)):
                done.append(Row(action="destroy", kind="volume", name=volume.resource))
    return done


def _removed(removal: Callable[[], object]) -> bool:
    """Whether something was removed; it may be gone already."""
    from docker.errors import APIError, NotFound

    try:
        removal()
    except NotFound:
        return False
    except APIError as problem:
        if explained(problem).code == "disk-full":
            raise
        return False
    return True


def _leave(api: APIClient, network: str) -> None:
    """Takes containers of others out of a network, so that it can go; they themselves stay as they are."""
    from docker.errors import APIError

    with suppress(APIError):
        for container in api.inspect_network(network).get("Containers") or {}:
            with suppress(APIError):
                api.disconnect_container_from_network(container, network, force=True)


def _stuck(key: StackKey, actual: Actual) -> Err:
    """What will not go."""
    left = [one.name for one in actual.containers] + [one.name for one in actual.networks]
    left += [one.name for one in actual.volumes.values()]
    return Err(
        code="failed",
        title=f"The stack {key.name} could not be taken away whole",
        message=f"Docker keeps {', '.join(left)}",
        hint="a volume that another container uses stays: remove that container, then destroy again",
    )
