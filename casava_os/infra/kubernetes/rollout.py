"""Waiting until the pods of a service do their work, or say why they never will."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from casava_os.infra.docker.health import Patience
from casava_os.infra.drivers import Tell
from casava_os.infra.kubernetes.cluster import Cluster
from casava_os.infra.kubernetes.manifests import Manifest
from casava_os.infra.kubernetes.marks import SPEC, Json, mark, metadata
from casava_os.infra.service import Service
from casava_syscalls.results import Err

_FIRST_LOOK, _SLOWEST_LOOK = 0.1, 2.0
_RESTARTS = 3
"""A container that was started anew so often does not work."""
_NEVER = {
    "ImagePullBackOff": "the image cannot be pulled",
    "InvalidImageName": "the image has a name that cannot be",
    "ErrImageNeverPull": "the image is not on the node, and is never pulled",
    "CreateContainerConfigError": "the container cannot be made",
    "CreateContainerError": "the container cannot be made",
    "RunContainerError": "the container cannot be started",
    "CrashLoopBackOff": "it ends again and again",
}


@dataclass(slots=True)
class Watch:
    """Looks at the workloads of one apply."""

    cluster: Cluster
    patience: Patience
    tell: Tell
    unready: dict[str, float] = field(default_factory=dict)
    """Since when a running pod is not ready, by its name, on the clock of `time.monotonic`."""
    told: set[str] = field(default_factory=set)

    def ready(self, manifest: Manifest, service: Service) -> Err | None:
        """Waits until all replicas work (or have ended well); else why they never will."""
        return self._wait(manifest, service, ended=False)

    def completed(self, manifest: Manifest, service: Service) -> Err | None:
        """Waits until a Job has ended well; else why it has not."""
        return self._wait(manifest, service, ended=True)

    def _wait(self, manifest: Manifest, service: Service, *, ended: bool) -> Err | None:
        pause = _FIRST_LOOK
        while True:
            found = self.cluster.get(manifest.kind, manifest.name)
            if found is None:
                message = "somebody deleted it while it was waited for"
                return Err(
                    code="conflict", title=f"The {manifest.kind} {manifest.name} is gone", message=message
                )
            pods = self._pods(manifest)
            if is_done(found, pods, ended=ended):
                return None
            if (failed := self._broken(found, pods, manifest, service)) is not None:
                return failed
            if (over := self.patience.over()) is not None:
                return _late(over, manifest, pods)
            time.sleep(pause)
            pause = min(pause * 1.5, _SLOWEST_LOOK)

    def _pods(self, manifest: Manifest) -> list[Json]:
        """The pods that are made as they are wanted now."""
        made = manifest.body["spec"]["template"]["metadata"]
        digest = made["annotations"][SPEC]
        own = {k: v for k, v in made["labels"].items() if k.startswith("casava-os.")}
        return [one for one in self.cluster.list("Pod", own) if mark(one, SPEC) == digest]

    def _broken(self, found: Json, pods: list[Json], manifest: Manifest, service: Service) -> Err | None:
        name = manifest.service
        for condition in (found.get("status") or {}).get("conditions") or ():
            kind, state = condition.get("type"), condition.get("status")
            said = str(condition.get("message") or condition.get("reason") or "")
            if kind == "ReplicaFailure" and state == "True":
                over = "quota" in said
                hint = "the namespace's rules (quota, pod security) say no: change the spec, or the rules"
                return Err(
                    code="limit" if over else "failed", title=f"{name} gets no pods", message=said, hint=hint
                )
            if kind == "Failed" and state == "True":
                return self._ended_badly(name, said, pods)
        for pod in pods:
            trouble = why_never(pod)
            if trouble:
                return self._never(name, pod, trouble)
            self._tell_waiting(name, pod)
            if (late := self._unhealthy(name, pod, service)) is not None:
                return late
        return None

    def _never(self, name: str, pod: Json, trouble: str) -> Err:
        printed = self._printed(pod)
        return Err(
            code="failed",
            title=f"{name} does not run",
            message=f"{trouble}{printed}",
            hint="mend the service, then apply again",
        )

    def _ended_badly(self, name: str, said: str, pods: list[Json]) -> Err:
        printed = next((text for text in map(self._printed, pods) if text), "")
        codes = [str(code) for pod in pods for code in _exit_codes(pod) if code]
        ended = f"it ended with code {codes[0]}" if codes else said or "it failed"
        return Err(
            code="failed", title=f"{name} does not run", message=f"{ended}{printed}",
            hint="mend the service, then apply again",
        )  # fmt: skip

    def _unhealthy(self, name: str, pod: Json, service: Service) -> Err | None:
        """A pod that runs and has not become ready for longer than its check could take."""
        called = str(metadata(pod)["name"])
        check = service.healthcheck
        if check is None or check.disable or not is_running(pod) or is_ready(pod):
            self.unready.pop(called, None)
            return None
        since = self.unready.setdefault(called, time.monotonic())
        if time.monotonic() - since <= check.patience:
            return None
        return Err(
            code="failed",
            title=f"{name} is unhealthy",
            message=f"its check fails{self._printed(pod)}",
            hint="mend the service or its healthcheck, then apply again",
        )

    def _tell_waiting(self, name: str, pod: Json) -> None:
        for condition in (pod.get("status") or {}).get("conditions") or ():
            if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
                self._once(f"{name} waits for room: {condition.get('message') or condition.get('reason')}")
        for status in containers(pod):
            waiting = (status.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") == "ErrImagePull":
                self._once(
                    f"{name}: the image could not be pulled, it is tried again: {waiting.get('message') or ''}"
                )

    def _once(self, sentence: str) -> None:
        if sentence not in self.told:
            self.told.add(sentence)
            self.tell(sentence)

    def _printed(self, pod: Json) -> str:
        status = next(iter(containers(pod)), None)
        if status is None:
            return ""
        again = int(status.get("restartCount") or 0) > 0 and "running" not in (status.get("state") or {})
        called = str(metadata(pod)["name"])
        text = self.cluster.log(called, str(status.get("name") or ""), previous=again)
        return f"; it printed last:\n{text[-1500:]}" if text else ""


# ------------------------------------------------------------------------------------------------ what pods say


def containers(pod: Json) -> list[Json]:
    """The statuses of a pod's containers."""
    return list((pod.get("status") or {}).get("containerStatuses") or ())


def is_running(pod: Json) -> bool:
    """Whether a pod has been put on a node and its containers were started."""
    return (pod.get("status") or {}).get("phase") == "Running"


def is_ready(pod: Json) -> bool:
    """Whether a pod is sent connections."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def restarts(pod: Json) -> int:
    """How often its containers were started anew."""
    return sum(int(one.get("restartCount") or 0) for one in containers(pod))


def _exit_codes(pod: Json) -> Iterable[int]:
    for status in containers(pod):
        for part in ("state", "lastState"):
            ended = (status.get(part) or {}).get("terminated")
            if ended:
                yield int(ended.get("exitCode") or 0)


def why_never(pod: Json) -> str:
    """Why a pod will never work; empty when it may."""
    for status in containers(pod):
        waiting = (status.get("state") or {}).get("waiting") or {}
        reason, said = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
        ended = (status.get("lastState") or {}).get("terminated") or {}
        if reason == "CrashLoopBackOff" or int(status.get("restartCount") or 0) >= _RESTARTS:
            code = ended.get("exitCode")
            memory = " for want of memory" if ended.get("reason") == "OOMKilled" else ""
            if code == 0:
                return (
                    "it ended with code 0 and is kept going: what ends by itself needs `restart: on-failure`, "
                    "or a service that waits for `service_completed_successfully`"
                )
            return f"it ended with code {code}{memory}" if code is not None else _NEVER["CrashLoopBackOff"]
        if reason in _NEVER:
            return f"{_NEVER[reason]}{f': {said}' if said else ''}"
    return ""


def is_done(found: Json, pods: list[Json], *, ended: bool) -> bool:
    """Whether a Deployment has rolled out, or a Job runs (`ended`: has ended) well."""
    status, spec = found.get("status") or {}, found["spec"]
    if found["kind"] == "Job":
        wanted = int(spec.get("completions", 1))
        succeeded = int(status.get("succeeded") or 0)
        if ended or succeeded >= wanted:
            return succeeded >= wanted
        return succeeded + sum(is_running(pod) and is_ready(pod) for pod in pods) >= wanted
    wanted = int(spec.get("replicas") or 0)
    if int(status.get("observedGeneration") or 0) < int(metadata(found).get("generation") or 0):
        return False
    counts = (int(status.get(name) or 0) for name in ("replicas", "updatedReplicas", "availableReplicas"))
    return all(count == wanted for count in counts)


def _late(over: Err, manifest: Manifest, pods: list[Json]) -> Err:
    """What it was that took so long."""
    if over.code != "timeout":
        return over
    waits = [
        str(condition["message"])
        for pod in pods
        for condition in (pod.get("status") or {}).get("conditions") or ()
        if condition.get("status") == "False" and condition.get("message")
    ]
    told = f": {next(iter(dict.fromkeys(waits)))}" if waits else ""
    return over.model_copy(update={"message": f"{manifest.service} did not become ready{told}"})
