"""Point 2 of the walk, the model's side: a request becomes a plan, or a question, or a refusal."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from casava_os.errors import ExitCode, step_exit_code
from casava_os.kernel import repair
from casava_os.kernel.compiler.compile import (
    Compilation,
    Outcome,
    Unsure,
    clean,
    compile_request,
    workspace_names,
)
from casava_os.kernel.events import Asked, Compiled, Note, PlanStep, Refused
from casava_os.kernel.examples import examples_for, told
from casava_os.kernel.life import stop, text_of
from casava_os.kernel.options import RunOptions
from casava_os.kernel.parts import Parts
from casava_os.kernel.ports import Attempt, CompileRequest, Model
from casava_os.kernel.process import Ending, Process
from casava_os.kernel.threads import in_thread
from casava_syscalls.plan import Plan, describe, references
from casava_syscalls.results import Err
from casava_syscalls.values import Refusal


@dataclass(frozen=True, slots=True)
class Planned:
    """A compiled plan with the model that made it; without one, when it was made for an earlier request."""

    plan: Plan
    model: Model | None
    own_words: bool = True
    """It comes from the words of this request alone, not from what they point at."""
    exampled: bool = False
    """The model was shown examples for it."""


async def compile_plan(
    k: Parts,
    p: Process,
    request: str,
    options: RunOptions,
    attempts: tuple[Attempt, ...] = (),
    failure: Err | None = None,
) -> Planned | Ending:
    """The plan, or the end: a question, a refusal, or why there is none.

    `failure` of the last of the `attempts` is the end when no other plan comes of it.
    """
    text = clean(request, k.request_bytes)
    if isinstance(text, Err):
        return stop(p, text)
    model = await load(k, p, options)
    if isinstance(model, Ending):
        return model
    with p.timings.of("compile"):
        asked = await asking(k, p, text.value, options, model, attempts)
        asked = await _with_examples(k, p, asked, options, model)
        outcome = await compile_request(
            model, asked, k.certainty, (options.budget or k.budget).repairs, p.spend
        )
    tried = [list(attempt.steps) for attempt in attempts]
    if failure is not None and (
        isinstance(outcome, Err)
        or (isinstance(outcome, Compilation) and repair.documents(outcome.plan) in tried)
    ):
        return stop(p, failure, step_exit_code(failure))
    if isinstance(outcome, Err):
        return stop(p, outcome)
    if isinstance(outcome, Unsure):
        plans = tuple(json.loads(plan.canonical()) for plan in outcome.plans)
        p.tell(Asked(question=outcome.question, confidence=outcome.confidence, plans=plans))
        return Ending(ExitCode.NOT_UNDERSTOOD, "done", outcome.question)
    if isinstance(outcome, Refusal):
        p.tell(Refused(refusal=outcome))
        return Ending(ExitCode.NOT_UNDERSTOOD, "done", outcome)
    # What is alike was the person's, too; but a rule that stands is for their words alone.
    return replace(planned(p, outcome, model), exampled=bool(asked.examples))


async def load(k: Parts, p: Process, options: RunOptions) -> Model | Ending:
    """The model that the options name, or the end: there is none."""
    p.move("compiling")
    with p.timings.of("model"):
        loaded = await in_thread(lambda: k.model(options.model))
    return stop(p, loaded) if isinstance(loaded, Err) else loaded.value


async def asking(
    k: Parts, p: Process, text: str, options: RunOptions, model: Model, attempts: tuple[Attempt, ...] = ()
) -> CompileRequest:
    """What a model is given to compile."""
    return CompileRequest(
        text=text,
        offered=k.offered(options.granted, qualified=model.qualified),
        piped_stdin=options.stdin is not None,
        names=await in_thread(lambda: workspace_names(p.workspace, k.names)),
        interactive=options.interactive or options.approve is not None,
        priority=lambda: p.priority,
        certain=k.certainty.most,
        attempts=attempts,
    )


async def _with_examples(
    k: Parts, p: Process, asked: CompileRequest, options: RunOptions, model: Model
) -> CompileRequest:
    """The request with proven plans of its like, for a model that takes them; which ones is told once."""
    memory = k.memory
    if memory is None or not (options.memory and options.cache):
        return asked
    found = await in_thread(
        lambda: examples_for(memory, model, asked.text, text_of(p.workspace), asked.offered, k.examples)
    )
    if found and not asked.attempts:
        p.tell(Note(text=told(found)))
    return replace(asked, examples=found)


def planned(p: Process, made: Compilation, model: Model, *, own_words: bool = True) -> Planned:
    """A compiled plan, told."""
    told = {"model": model.name, "model_digest": model.digest, "confidence": made.confidence}
    p.tell(compiled(made.plan).model_copy(update={**told, "seconds": made.seconds, "raw": made.raw}))
    return Planned(made.plan, model, own_words)


async def draft(k: Parts, request: str, *, workspace: Path, options: RunOptions | None = None) -> Outcome:
    """What a request would become, while it is still being typed: nothing is recorded, nothing runs."""
    how = options or RunOptions()
    text = clean(request, k.request_bytes)
    if isinstance(text, Err):
        return text
    loaded = await in_thread(lambda: k.model(how.model))
    if isinstance(loaded, Err):
        return loaded
    asked = CompileRequest(
        text=text.value,
        offered=k.offered(how.granted, qualified=loaded.value.qualified),
        names=await in_thread(lambda: workspace_names(workspace, k.names)),
        interactive=False,
    )
    return await compile_request(loaded.value, asked, k.certainty)


def compiled(plan: Plan) -> Compiled:
    """The event of a plan, without what a model adds to it."""
    document = json.loads(plan.canonical())
    steps = tuple(
        PlanStep(number=number, line=describe(step), call=call, effects=step.effect.names())
        for number, (step, call) in enumerate(zip(plan.steps, document["steps"], strict=True), 1)
    )
    return Compiled(steps=steps, plan=document, sha256=plan.sha256())


def refers_to_stdin(plan: Plan) -> bool:
    """Whether a step of it reads the piped standard input."""
    return any(ref.step == 0 for step in plan.steps for _, ref in references(step))
