"""Carries out a plan: networks, volumes, files, then services in the order of what they need.

What is replaced or no longer wanted is first only set aside (stopped, under another name); it is removed when all that is
new works. Whatever goes wrong before that is put right by one mechanism, `converge`: it takes the spec that was there before
and finds its containers by their digests, after a failure as after a kill.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from casava_os.infra.docker import health
from casava_os.infra.docker.compare import (
    Compared,
    best,
    live_differences,
    local_images,
    misplaced,
    stale_networks,
    surplus,
)
from casava_os.infra.docker.images import pull
from casava_os.infra.docker.make import Surroundings, create, nano_cpus, restart_policy, surroundings
from casava_os.infra.docker.marks import WAS, aside, container_name, marks, name_of, network_name
from casava_os.infra.docker.observe import Actual, Container, observe
from casava_os.infra.drivers import Deployment, Landed, NotCarriedOutError, Tell, must
from casava_os.infra.service import Service
from casava_syscalls.results import Err

if TYPE_CHECKING:
    from docker import APIClient

_AT_ONCE = 8
"""Requests to the daemon; more make it slower."""


@dataclass(slots=True)
class Work:
    """One apply, or one return to what was before."""

    api: APIClient
    wanted: Deployment
    images: dict[str, str]
    patience: health.Patience
    tell: Tell
    waits: bool = True
    """Whether services are waited for; on the way back they are not."""
    begun: float = field(default_factory=time.time)
    actual: Actual = field(default_factory=Actual)
    into: Surroundings = field(default_factory=lambda: Surroundings({}, {}, {}))
    running: dict[str, list[str]] = field(default_factory=dict)
    """IDs of the containers of each service that are as they are wanted, in the order of replicas."""

    # -------------------------------------------------------------------------------------- the whole

    def apply(self, landed: Landed) -> None:
        """To the end. Raises `NotCarriedOutError`, and what docker raises."""
        self._pulls()
        self._ground()
        self._put_aside(surplus(self.wanted, self.actual))
        for level in self.wanted.graph.levels():
            names = [node.name for node in level if node.kind == "service"]
            self._each(names, self._service)
        for name in self.running:
            self._settled(name)
        must(landed())
        self.clear()

    def back(self, undone: str) -> None:
        """To the spec as it was before, whatever is there now. Raises what docker raises."""
        self._ground()
        fits = self._fits()
        keep = {one.id for one in fits.values()}
        self._drop([one for one in self.actual.containers if one.id not in keep])
        self.actual = observe(self.api, self.wanted.key)
        for level in self.wanted.graph.levels():
            self._each([node.name for node in level if node.kind == "service"], self._service)
        self.clear()
        known = self.wanted.graph.of("volume")
        for volume in self.actual.volumes.values():
            if undone and volume.operation == undone and volume.resource not in known:
                self._gone(partial(self.api.remove_volume, volume.name, force=True))

    def clear(self) -> None:
        """Removes what is set aside or no longer wanted."""
        self.actual = observe(self.api, self.wanted.key)
        keep = {one for many in self.running.values() for one in many}
        self._drop([one for one in self.actual.containers if one.id not in keep])
        for network in stale_networks(self.wanted, self.actual):
            self._gone(partial(self.api.remove_network, network.id))

    def _each(self, names: list[str], work: Callable[[str], None]) -> None:
        """Works at several services at once."""
        if len(names) == 1:
            work(names[0])
        elif names:
            with ThreadPoolExecutor(min(len(names), _AT_ONCE), "stack") as pool:
                for done in [pool.submit(work, name) for name in names]:
                    done.result()

    # -------------------------------------------------------------------------------------- what services stand on

    def _pulls(self) -> None:
        specs = self.wanted.spec.services.values()
        always = {one.image for one in specs if one.pull_policy == "always"}
        for reference in sorted({one.image for one in specs}):
            if reference not in self.images or reference in always:
                self.tell(f"Pulling {reference}")
                must(pull(self.api, reference, self.tell, self.patience))
        self.images = local_images(self.api, self.wanted)

    def _ground(self) -> None:
        """Networks and volumes, and the images by ID."""
        self.actual = observe(self.api, self.wanted.key)
        graph, key = self.wanted.graph, self.wanted.key
        for name in graph.of("network"):
            digest = graph.digest("network", name)
            if self.actual.network(name, digest) is None:
                self.tell(f"Creating network {name}")
                network = self.wanted.spec.all_networks()[name]
                self.api.create_network(
                    network_name(key, name, digest),
                    driver=network.driver,
                    internal=network.internal,
                    check_duplicate=True,
                    labels={**network.labels, **marks(self.wanted, name, digest, begun=self.begun)},
                )
        for name in graph.of("volume"):
            if name not in self.actual.volumes:
                self.tell(f"Creating volume {name}")
                tags = marks(self.wanted, name, graph.digest("volume", name), begun=self.begun)
                self.api.create_volume(
                    name_of(key, name),
                    driver="local",
                    labels={**self.wanted.spec.volumes[name].labels, **tags},
                )
        self.actual = observe(self.api, key)
        self.into = surroundings(self.wanted, self.actual, self.images)

    # -------------------------------------------------------------------------------------- services

    def _service(self, name: str) -> None:
        """All replicas of one service, after what it waits for."""
        service = self.wanted.spec.services[name]
        if self.waits:
            for other, dependency in service.depends_on.items():
                self._depends(other, dependency.condition)
        fresh, replaced = list[int](), list[int]()
        for replica in range(1, service.replicas + 1):
            (replaced if self.actual.slot(name, replica) else fresh).append(replica)
        self.running[name] = []
        made: dict[int, str] = {}
        for replica in replaced:
            made[replica] = self._in_place(name, service, replica)
        if len(fresh) > 1:
            with ThreadPoolExecutor(min(len(fresh), _AT_ONCE), "replica") as pool:
                begun = {n: pool.submit(self._new, name, n) for n in fresh}
                made |= {replica: done.result() for replica, done in begun.items()}
        else:
            made |= {replica: self._new(name, replica) for replica in fresh}
        self.running[name] = [made[replica] for replica in sorted(made)]

    def _depends(self, name: str, condition: str) -> None:
        for number, identity in enumerate(self.running.get(name, []), 1):
            called = f"{name}-{number}"
            if condition == "service_healthy":
                must(health.ready(self.api, identity, called, self.patience))
            elif condition == "service_completed_successfully":
                must(health.completed(self.api, identity, called, self.patience))

    def _settled(self, name: str) -> None:
        """Waits until all replicas of a service work."""
        for number, identity in enumerate(self.running[name], 1):
            must(health.ready(self.api, identity, f"{name}-{number}", self.patience))

    def _new(self, name: str, replica: int) -> str:
        """Makes and starts one replica where there is none."""
        self._go_on()
        self.tell(f"Starting {name}-{replica}")
        identity = create(self.api, self.wanted, name, replica, self.into, self.begun)
        self.api.start(identity)
        return identity

    def _in_place(self, name: str, service: Service, replica: int) -> str:
        """The replica as it is wanted, from what is there: kept, started, changed, or replaced by a new one."""
        slot = self.actual.slot(name, replica)
        fit = self._fit(name, service, replica)
        others = [one for one in slot if fit is None or one.id != fit.id]
        self._put_aside(others)
        if fit is None:
            self.tell(f"Replacing {name}-{replica}")
            identity = self._new(name, replica)
            if self.waits:
                must(health.ready(self.api, identity, f"{name}-{replica}", self.patience))
                time.sleep(service.deploy.update_config.delay)
            return identity
        called = container_name(self.wanted.key, name, service, replica)
        if fit.name != called:
            self.api.rename(fit.id, called)
        if live_differences(service, fit):
            self._update(service, fit)
        if fit.state == "paused":
            self.tell(f"Waking {name}-{replica}")
            self.api.unpause(fit.id)
        elif fit.state != "running" and not fit.finished:
            self._go_on()
            self.tell(f"Starting {name}-{replica}")
            self.api.start(fit.id)
        return fit.id

    def _fit(self, name: str, service: Service, replica: int) -> Container | None:
        slot, image = self.actual.slot(name, replica), self.images.get(service.image, "")
        found = best(slot, self.wanted.graph.digest("service", name), image)
        if found is None and not self.waits:  # the way back: the tag may mean another image by now
            found = best(slot, self.wanted.graph.digest("service", name), "")
        return None if found and misplaced(self.wanted, self.actual, found, service) else found

    def _fits(self) -> dict[tuple[str, int], Container]:
        found = {
            (name, replica): self._fit(name, service, replica)
            for name, service in self.wanted.spec.services.items()
            for replica in range(1, service.replicas + 1)
        }
        return {place: one for place, one in found.items() if one is not None}

    def _update(self, service: Service, there: Container) -> None:
        """Limits and restart policy, while it runs."""
        memory = int(service.memory_limit or 0) or (-1 if there.memory else 0)
        change = {
            "NanoCpus": nano_cpus(service),
            "PidsLimit": service.pid_limit,
            "RestartPolicy": restart_policy(service.restart),
            **({"Memory": memory, "MemorySwap": memory} if memory else {}),
        }
        # The SDK's `update_container` knows neither processors nor processes.
        api: Any = self.api
        api._result(api._post_json(api._url("/containers/{0}/update", there.id), data=change), True)  # noqa: SLF001

    # -------------------------------------------------------------------------------------- out of the way

    def _put_aside(self, containers: Iterable[Container]) -> None:
        """Stops what has to make room and gives it another name: it is still there to come back."""
        several = list(containers)
        if len(several) > 1:
            with ThreadPoolExecutor(min(len(several), _AT_ONCE), "aside") as pool:
                for done in [pool.submit(self._stopped, one) for one in several]:
                    done.result()
        elif several:
            self._stopped(several[0])

    def _stopped(self, one: Container) -> None:
        if WAS not in one.name:
            self.api.rename(one.id, aside(one.name, one.id))
        if one.state == "paused":
            self.api.unpause(one.id)
        if one.state in ("running", "paused", "restarting"):
            self.tell(f"Stopping {one.service}-{one.replica}")
            service = self.wanted.spec.services.get(one.service)
            self.api.stop(one.id, timeout=10 if service is None else int(service.stop_grace_period))

    def _drop(self, containers: Iterable[Container]) -> None:
        several = list(containers)
        if several:
            with ThreadPoolExecutor(min(len(several), _AT_ONCE), "drop") as pool:
                for one in several:
                    pool.submit(self._gone, partial(self.api.remove_container, one.id, v=True, force=True))

    @staticmethod
    def _gone(removal: Callable[[], object]) -> None:
        """Removes something that may be gone, or be on its way."""
        from docker.errors import APIError

        with suppress(APIError):
            removal()

    def _go_on(self) -> None:
        if self.waits:
            must(self.patience.over())


def carry_out(
    api: APIClient, wanted: Deployment, compared: Compared, tell: Tell, landed: Landed, seconds: float
) -> Err | None:
    """Applies what was compared. Raises what docker raises."""
    patience = health.Patience(time.monotonic() + seconds, wanted.cancelled)
    try:
        Work(api, wanted, compared.images, patience, tell).apply(landed)
    except NotCarriedOutError as problem:
        return problem.err
    return None
