"""The terraform driver of stacks: what the Protocol asks, on AWS, by way of `tofu` or `terraform`."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from casava_os.infra.drivers import Deployment, Found, Landed, Row, StackKey, StackPlan, StackState, Tell
from casava_os.infra.store import Store
from casava_os.infra.terraform import orphans, program, state
from casava_os.infra.terraform.emission import DATA, Block, Resources, resources_of
from casava_os.infra.terraform.emit import configuration, emit
from casava_os.infra.terraform.inputs import (
    configs_of,
    endpoint_of,
    placeholders,
    provider_of,
    secrets_of,
    unanswered,
    variables_of,
)
from casava_os.infra.terraform.marks import OPERATION
from casava_os.infra.terraform.problems import there_already
from casava_os.infra.terraform.rows import lost, rows_of, within
from casava_os.infra.terraform.tell import drifted, found_stack, refreshed, sentence, state_of
from casava_os.infra.terraform.work import APPLIED, SECONDS, Work, opened, remember, remembered
from casava_syscalls.infra import Driver
from casava_syscalls.results import Err, Ok, Result


class TerraformDriver:
    """Stacks on AWS. Runs nothing before it is asked for something."""

    def __init__(self, root: Path) -> None:
        """`root`: the kernel's state directory."""
        self._root = root
        self._program: program.Program | None = None
        self._planned: dict[str, tuple[Work, StackPlan]] = {}
        """By stack: what `apply` carries out."""

    @property
    def name(self) -> Driver:
        return "terraform"

    # ------------------------------------------------------------------------------------ plan and apply

    def plan(self, wanted: Deployment) -> Result[StackPlan]:
        self._forget(wanted.key.name)
        config = self._configuration(wanted, self._kept(wanted.key, lambda _: True))
        if isinstance(config, Err):
            return config
        planned = self._plan(wanted, config.value, placeholders(wanted))
        if isinstance(planned, Err):
            return planned
        self._planned[wanted.key.name] = planned.value
        return Ok(value=planned.value[1])

    def apply(self, wanted: Deployment, plan: StackPlan, tell: Tell, landed: Landed) -> Result[StackState]:
        if wanted.key.name not in self._planned and isinstance(again := self.plan(wanted), Err):
            return again
        work, made = self._planned.pop(wanted.key.name)
        try:
            if made.sha256 != plan.sha256:
                message = "what is there has changed since; nothing was done"
                return Err(
                    code="conflict",
                    title="The plan is another one by now",
                    message=message,
                    hint="plan again",
                )
            secrets = secrets_of(wanted)
            if isinstance(secrets, Err):
                return secrets
            work.secrets, work.until, work.cancelled = secrets.value, _until(wanted), wanted.cancelled
            if (unwritten := remember(work.place, work.config)) is not None:
                return unwritten
            done = work.apply(_teller(tell))
        finally:
            work.close()
        if isinstance(done, Err) and there_already(done):
            done = self._again(wanted, made, done, tell)
        if isinstance(done, Err):
            return done
        if (refused := landed()) is not None:
            return refused
        return Ok(value=state_of(wanted, state.read(work.place), {}))

    def _again(self, wanted: Deployment, approved: StackPlan, why: Err, tell: Tell) -> Result[program.Ran]:
        """Goes on once more where AWS says that something is there already, for it may be what we have just made.

        The provider repeats a request whose answer was lost, and not every call of AWS can be repeated. What is there is
        taken over or made anew. It is left at the failure (`why`) where that needs more than what was `approved`.
        """
        tell("AWS says that something is there already: looking at what is there")
        settled = self._settled(wanted.key, tell)
        config = self._configuration(wanted, self._kept(wanted.key, lambda _: True))
        secrets = secrets_of(wanted)
        if isinstance(settled, Err) or isinstance(config, Err) or isinstance(secrets, Err):
            return why
        planned = self._plan(wanted, config.value, secrets.value, wanted.operation)
        if isinstance(planned, Err):
            return why
        work, plan = planned.value
        try:
            if not within(plan.rows, approved.rows):
                return why
            unwritten = remember(work.place, work.config)
            return work.apply(_teller(tell)) if unwritten is None else unwritten
        finally:
            work.close()

    def _plan(
        self, wanted: Deployment, config: Block, secrets: Mapping[str, str], undone: str | None = None
    ) -> Result[tuple[Work, StackPlan]]:
        """A plan that takes no data with it, but what the operation `undone` had made."""
        found = self._found()
        if isinstance(found, Err):
            return found
        if config.get("variable") and found.value.version < (1, 11):
            return Err(
                code="unsupported",
                title=f"{found.value.name} {'.'.join(map(str, found.value.version))} would write secrets into its state",
                message="from 1.11 on it can be given them without",
                hint=f"update {found.value.name}",
            )
        place = self._place(wanted.key)
        work = opened(
            found.value,
            self._root,
            place,
            config,
            until=_until(wanted),
            cancelled=wanted.cancelled,
            secrets=secrets,
        )
        if isinstance(work, Err):
            return work
        shown = work.value.plan()
        if isinstance(shown, Err):
            work.value.close()
            return shown
        rows = rows_of(shown.value, config)
        known = self._known(wanted.key)
        made = (
            {a for a in known.value.resources if known.value.tags(a).get(OPERATION) == undone}
            if isinstance(known, Ok)
            else set()
        )
        volumes = [row.name for row in lost(rows) if f"aws_{row.kind}.{row.name}" not in made]
        if volumes:
            work.value.close()
            return Err(
                code="unsupported",
                title=f"The volume {volumes[0]!r} cannot be changed",
                message="AWS would have to make it anew, and its data would be lost",
                hint="give the new one another name",
            )
        return Ok(value=(work.value, StackPlan(stack=wanted.key.name, driver="terraform", rows=rows)))

    def _configuration(self, wanted: Deployment, kept: Resources) -> Result[Block]:
        """Terraform's file for a spec."""
        aws = wanted.spec.x_casava.terraform
        region = aws.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if not region:
            hint = "x-casava: {terraform: {region: eu-central-1}}, or set AWS_REGION"
            return Err(
                code="usage",
                title="Which region of AWS?",
                message="neither the spec nor AWS_REGION says it",
                hint=hint,
            )
        configs = configs_of(wanted)
        if isinstance(configs, Err):
            return configs
        known = self._known(wanted.key)
        if isinstance(known, Err):
            return known
        made = emit(wanted, region, known.value, configs.value, kept)
        if isinstance(made, Err):
            return made
        mute = unanswered(aws.endpoint)
        return mute if mute is not None else made

    # ------------------------------------------------------------------------------------ settling

    def converge(self, wanted: Deployment, *, undone: str, tell: Tell) -> Result[None]:
        settled = self._settled(wanted.key, tell)
        if isinstance(settled, Err):
            return settled
        config = self._configuration(wanted, self._kept(wanted.key, lambda operation: operation != undone))
        if isinstance(config, Err):
            return config
        secrets = secrets_of(wanted)
        if isinstance(secrets, Err):
            return secrets
        planned = self._plan(wanted, config.value, secrets.value, undone)
        if isinstance(planned, Err):
            return planned
        work, plan = planned.value
        try:
            if (unwritten := remember(work.place, work.config)) is not None:
                return unwritten
            work.until, work.cancelled = time.monotonic() + SECONDS, lambda: False
            done = work.apply(_teller(tell)) if plan.rows else Ok(value=None)
        finally:
            work.close()
        return done if isinstance(done, Err) else Ok(value=None)

    def retreat(self, key: StackKey, *, undone: str, tell: Tell) -> Result[None]:
        settled = self._settled(key, tell)
        if isinstance(settled, Err):
            return settled
        reduced = self._reduced(key, self._kept(key, lambda operation: operation != undone), tell)
        return reduced if isinstance(reduced, Err) else Ok(value=None)

    def destroy(self, key: StackKey, *, volumes: bool, tell: Tell) -> Result[tuple[Row, ...]]:
        settled = self._settled(key, tell)
        if isinstance(settled, Err):
            return settled
        return self._reduced(key, {} if volumes else self._kept(key, lambda _: True), tell)

    def _settled(self, key: StackKey, tell: Tell) -> Result[None]:
        """Nobody writes the state any more, it is whole, and it knows all that is there."""
        place = self._place(key)
        self._forget(key.name)
        program.quieten(place, tell)
        if not place.exists() or remembered(place) is None:
            return Ok(value=None)
        if state.mend(place):
            tell("Terraform's state was damaged; the copy from before takes its place")
        found = self._found()
        adopted = (
            found if isinstance(found, Err) else orphans.adopt(found.value, self._root, place, key, tell)
        )
        return adopted if isinstance(adopted, Err) else Ok(value=None)

    def _reduced(self, key: StackKey, kept: Resources, tell: Tell) -> Result[tuple[Row, ...]]:
        """Takes away everything but what is kept."""
        place = self._place(key)
        before, known = remembered(place), self._known(key)
        if isinstance(known, Err):
            return known
        if before is None and known.value.resources:
            return Err(
                code="failed",
                title=f"What Terraform had made of {key.name} is not known any more",
                message=f"{place / APPLIED} is gone, and with it the region and the account's endpoint",
                hint="apply the spec again, then destroy it",
            )
        stays = {f"{kind}.{name}" for kind, blocks in kept.items() for name in blocks}
        rows: tuple[Row, ...] = ()
        if before is not None and set(known.value.resources) - stays:
            config = configuration(provider_of(before), kept)
            removed = self._removed(config, place, tell)
            if isinstance(removed, Err):
                return removed
            rows = removed.value
        left = self._known(key)
        if isinstance(left, Ok) and not left.value.resources:
            shutil.rmtree(place, ignore_errors=True)
        return Ok(value=rows)

    def _removed(self, config: Block, place: Path, tell: Tell) -> Result[tuple[Row, ...]]:
        endpoint = endpoint_of(config)
        found = self._found()
        if (mute := unanswered(endpoint)) is not None:
            return mute
        work = found if isinstance(found, Err) else opened(found.value, self._root, place, config)
        if isinstance(work, Err):
            return work
        try:
            shown = work.value.plan()
            if isinstance(shown, Err):
                return shown
            rows = rows_of(shown.value, config)
            done = work.value.apply(_teller(tell)) if rows else None
            if isinstance(done, Err):
                return done
        finally:
            work.value.close()
        unwritten = remember(place, config)
        return unwritten if unwritten is not None else Ok(value=rows)

    def _kept(self, key: StackKey, stays: Callable[[str], bool]) -> Resources:
        """Volumes that are there, as they were made, of the operations that `stays` says."""
        config, known = remembered(self._place(key)), self._known(key)
        if config is None or isinstance(known, Err):
            return {}
        found: Resources = {}
        for kind, blocks in resources_of(config).items():
            for name, block in blocks.items() if kind in DATA else ():
                holder = f"{DATA[1] if kind == DATA[2] else kind}.{name}"
                if f"{kind}.{name}" in known.value.resources and stays(
                    known.value.tags(holder).get(OPERATION, "")
                ):
                    found.setdefault(kind, {})[name] = block
        return found

    # ------------------------------------------------------------------------------------ looking

    def status(self, key: StackKey, wanted: Deployment | None) -> Result[StackState]:
        place = self._place(key)
        known, config = self._known(key), remembered(place)
        if isinstance(known, Err):
            return known
        if config is None or not known.value.resources:
            return Ok(value=state_of(wanted, state.Known(), {}))
        found = self._found()
        if (mute := unanswered(endpoint_of(config))) is not None:
            return mute
        secrets = dict.fromkeys(variables_of(config), "-")
        work = (
            found
            if isinstance(found, Err)
            else opened(found.value, self._root, place, config, secrets=secrets)
        )
        if isinstance(work, Err):
            return work
        try:
            shown = work.value.plan("-refresh-only")
        finally:
            work.value.close()
        if isinstance(shown, Err):
            return shown
        return Ok(value=state_of(wanted, refreshed(known.value, shown.value), drifted(shown.value, config)))

    def found(self, owner: str) -> Result[tuple[Found, ...]]:
        stacks: list[Found] = []
        store = Store(self._root)
        for name in store.names():
            key = StackKey(owner, name)
            known = self._known(key)
            if isinstance(known, Err):  # damaged: what there is will be known when it is settled
                stacks.append(Found(key=key, driver="terraform"))
            elif known.value.resources and known.value.owner == owner:
                stacks.append(found_stack(key, known.value))
        return Ok(value=tuple(stacks))

    def rest(self, key: StackKey, action: Literal["pause", "stop"]) -> Result[int]:  # noqa: ARG002 - `idle` is refused before
        return Err(
            code="unsupported", title="Instances are not put to sleep", message=f"{key.name} runs on AWS"
        )

    def activity(self, key: StackKey) -> Result[float | None]:  # noqa: ARG002 - nobody sees it from outside
        return Ok(value=None)

    def close(self) -> None:
        for name in list(self._planned):
            self._forget(name)

    # ------------------------------------------------------------------------------------ parts

    def _place(self, key: StackKey) -> Path:
        return Store(self._root).place(key.name) / "driver"

    def _known(self, key: StackKey) -> Result[state.Known]:
        try:
            return Ok(value=state.read(self._place(key)))
        except (ValueError, KeyError, TypeError) as problem:
            return Err(
                code="failed",
                title=f"Terraform's state of {key.name} is damaged",
                message=str(problem),
                hint="it is put right when the stack is settled at the next start, or destroyed",
            )
        except OSError as problem:
            return Err(
                code="permission",
                title=f"Terraform's state of {key.name} cannot be read",
                message=str(problem),
            )

    def _found(self) -> Result[program.Program]:
        if self._program is None:
            found = program.find()
            if isinstance(found, Err):
                return found
            self._program = found.value
        return Ok(value=self._program)

    def _forget(self, stack: str) -> None:
        planned = self._planned.pop(stack, None)
        if planned is None:
            return
        work, _ = planned
        work.close()
        with suppress(
            OSError
        ):  # a plan changes nothing: folders that Terraform made for its lock go, when they are empty
            work.place.rmdir()
            work.place.parent.rmdir()


def _until(wanted: Deployment) -> float:
    return time.monotonic() + (SECONDS if wanted.seconds is None else wanted.seconds)


def _teller(tell: Tell) -> Callable[[program.Line], None]:
    def hear(line: program.Line) -> None:
        if said := sentence(line):
            tell(said)

    return hear
