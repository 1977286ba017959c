"""Boot: the one place that picks concrete parts and hands them to the kernel. Heavy ones are loaded when first used."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.broker import HostBroker
from casava_os.containers.broker import ContainerBroker
from casava_os.containers.expiry import end_leases
from casava_os.infra.broker import InfraBroker
from casava_os.infra.housekeeping import rest_idle_stacks, settle_stacks, stack_ender
from casava_os.kernel.compiler.compile import Certainty
from casava_os.kernel.control import Control
from casava_os.kernel.dispatch import Budget
from casava_os.kernel.expiry import expire
from casava_os.kernel.joined import JoinedBroker
from casava_os.kernel.journal import Journal, JournalError
from casava_os.kernel.landing import Landing
from casava_os.kernel.policy import load_policy
from casava_os.kernel.policyfile import StandingRules
from casava_os.kernel.ports import Broker, ChooseSandbox, Chosen, Limits, LoadModel, Model, Progress
from casava_os.kernel.run import Kernel
from casava_os.kernel.settling import settle
from casava_os.paths import cache_dir, config_dir, data_dir, private_dir, state_dir
from casava_os.settings import MemorySettings, Settings, load_settings
from casava_os.telemetry.wanted import traced, watcher_of
from casava_sandbox.janitor import tidy
from casava_sandbox.layer.prune import Budget as UndoBudget
from casava_sandbox.layer.store import DiskLayerStore
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from casava_os.memory.ports import Embedder
    from casava_os.memory.service import Remembrance

JOURNAL = "journal.sqlite"
MEMORY = "memory"


def boot_kernel(settings: Settings | None = None, *, sweep: bool = True) -> Result[Kernel]:
    """The kernel over the parts that the settings (those in force, when none are given) name.

    Puts back what a killed commit left half done; with `sweep`, settles what killed programs left behind. `Err`: `usage` for
    a wrong setting or policy, `permission`, `disk-full` or `failed` for a state directory or journal that cannot be used.
    """
    if settings is None:
        loaded = load_settings(config_dir())
        if isinstance(loaded, Err):
            return loaded
        settings = loaded.value
    policy = load_policy(config_dir())
    if isinstance(policy, Err):
        return policy
    state = state_dir()
    try:
        private_dir(state)
    except OSError as problem:
        hint = "make it writable, or set CASAVA_HOME to a directory of your own"
        return Err(
            code="permission", title="The state directory cannot be made", message=str(problem), hint=hint
        )
    journal = Journal.open(state / JOURNAL)
    if isinstance(journal, Err):
        return journal
    layers = DiskLayerStore(state, UndoBudget(settings.undo.bytes, settings.undo.days * 86_400))
    control = Control(journal.value, layers)
    recovered = _recover(layers, control, sweep=sweep, held_days=settings.held_days)
    if isinstance(recovered, Err):
        journal.value.close()
        return recovered
    memory = memory_of(settings, journal.value)
    brokers: list[Broker] = [HostBroker(), ContainerBroker(state), InfraBroker(state)]
    if memory is not None:
        from casava_os.memory.broker import MemoryBroker

        brokers.append(MemoryBroker(memory))
    watcher = watcher_of(os.environ, state, details=settings.telemetry.details)
    limits, budget, compiler, display = settings.limits, settings.budget, settings.compiler, settings.display
    return Ok(
        value=Kernel(
            journal=journal.value,
            policy=policy.value,
            layers=layers,
            broker=traced(JoinedBroker(brokers), watcher),
            choose_sandbox=_chooser(settings),
            load_model=_loader(settings),
            certainty=Certainty(
                compiler.confidence, compiler.destructive_confidence, compiler.delete_confidence
            ),
            limits=Limits(**limits.model_dump()),
            budget=Budget(
                budget.seconds, budget.steps, budget.output_bytes, limits.step_seconds, budget.repairs
            ),
            request_bytes=compiler.request_bytes,
            names=compiler.names,
            landing=Landing(display.diff_context, display.diff_bytes, StandingRules(config_dir())),
            timeout=settings.timeout,
            notices=recovered.value,
            memory=memory,
            reuse=settings.memory.reuse,
            watcher=watcher,
            examples=settings.memory.examples,
        )
    )


def memory_of(settings: Settings, journal: Journal) -> Remembrance | None:
    """What past sessions left; None when the settings say that nothing is remembered. Opens no file."""
    if not settings.memory.enabled:
        return None
    from casava_os.memory.retrieval import hybrid
    from casava_os.memory.service import Remembrance, Retention, remaker
    from casava_os.memory.store import MemoryStore

    store = MemoryStore(data_dir() / MEMORY, lambda: embedder_of(settings.memory), remake=remaker(journal))
    retention = Retention(settings.memory.days, settings.memory.entries)
    ours = (data_dir(), state_dir(), config_dir(), cache_dir())
    return Remembrance(store, journal, retention, hybrid, besides=tuple(map(Path.resolve, ours)))


def embedder_of(settings: MemorySettings) -> Embedder | None:
    """The embedding model that the settings name; None for none. Raises `NoEmbedderError` (`casava_os.memory.embedding`)."""
    from casava_os.memory.embedding import GgufEmbedder, builtin

    chosen = settings.embedding
    if chosen == "none":
        return None
    if chosen == "builtin":
        return GgufEmbedder(builtin())
    if chosen.startswith(("http://", "https://")):
        from casava_os.memory.endpoint import EndpointEmbedder
        from casava_os.model.catalog import key

        return EndpointEmbedder(chosen, lambda: key(settings.embedding_key_env, settings.embedding_key_ring))
    return GgufEmbedder(Path(chosen).expanduser())


def open_memory() -> Result[Remembrance]:
    """Memory over the journal, for whoever looks into it without a kernel. `Err("usage")` when nothing is remembered."""
    loaded = load_settings(config_dir())
    if isinstance(loaded, Err):
        return loaded
    state = state_dir()
    try:
        private_dir(state)
    except OSError as problem:
        return Err(code="permission", title="The state directory cannot be made", message=str(problem))
    journal = Journal.open(state / JOURNAL)
    if isinstance(journal, Err):
        return journal
    memory = memory_of(loaded.value, journal.value)
    if memory is None:
        journal.value.close()
        hint = "casava-os config shows memory.enabled"
        return Err(code="usage", title="Nothing is remembered", message="the settings say so", hint=hint)
    return Ok(value=memory)


def _recover(
    layers: DiskLayerStore, control: Control, *, sweep: bool, held_days: float | None
) -> Result[tuple[str, ...]]:
    """Ends what a killed commit or undo left unfinished, and writes down what landed.

    What cannot be ended now (a workspace that is not mounted) stops no other work: it is told, and again to whoever lands
    something there.
    Settles processes whose `casava-os` was killed: what was shown and waited for an answer is held, what worked goes.
    The value is what the person should hear of it, and of held changes whose time is over.
    """
    notices = tuple(str(trouble) for trouble in layers.recover().troubles)
    if sweep:
        notices += (*settle_stacks(state_dir()), *leases_over())
    try:
        settle(control.journal, layers)
        if sweep:
            tidy(str(state_dir()))  # first: what still runs in a layer must not outlive the decision on it
            control.sweep()
        if held_days is not None:
            notices += expire(control.journal, layers, held_days, time.time())
    except JournalError as problem:
        return problem.err
    return Ok(value=notices)


def leases_over() -> tuple[str, ...]:
    """Ends whatever was started and has had its time, and lets idle stacks rest, a sentence for each.

    For every start, and for a shell that stays. Blocking; with nothing due it costs a look into two directories. What cannot be
    ended now is tried again.
    """
    state = state_dir()
    return (*end_leases(state, {"stack": lambda entry: stack_ender(state, entry)}), *rest_idle_stacks(state))


def _chooser(settings: Settings) -> ChooseSandbox:
    """Chooses the driver of a name, or that of the settings."""

    async def choose_sandbox(name: str | None, progress: Progress) -> Result[Chosen]:
        from casava_sandbox.select import choose

        wanted = name or (None if settings.sandbox == "auto" else settings.sandbox)
        image = settings.image or None
        return await choose(
            wanted, cache=private_dir(cache_dir()), image=image, home=str(state_dir()), progress=progress
        )

    return choose_sandbox


def _loader(settings: Settings) -> LoadModel:
    """Loads the model of a name, or that of the settings."""

    def load_model(name: str | None) -> Result[Model]:
        from casava_os.model import load

        loaded = load(name or settings.model)
        return loaded if isinstance(loaded, Err) else Ok(value=loaded.value)

    return load_model
