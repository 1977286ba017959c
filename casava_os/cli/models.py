"""`casava-os model`: what models there are, getting one, choosing one, and finding out what it is good for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from casava_os.cli.options import Json

if TYPE_CHECKING:
    from casava_os.cli.follow import Front
    from casava_os.kernel.ports import Model
    from casava_os.model.catalog import Entry
    from casava_syscalls.results import Result

_HELP_NAMES = {"help_option_names": ["-h", "--help"]}

Name = Annotated[str, typer.Argument(metavar="NAME", help="A name of `casava-os model list`.")]
AnyName = Annotated[
    str,
    typer.Argument(metavar="[NAME|PATH|URL#MODEL]", help="[default: the one in use]", show_default=False),
]


def list_models(json: Json = False) -> int:
    """List the models that can be had by name, which are here, and which is in use."""
    from pydantic import BaseModel

    from casava_os.cli.follow import Front
    from casava_os.model import SHIPPED, catalog
    from casava_syscalls.results import Err

    class Shown(BaseModel):
        """One model."""

        name: str
        state: str
        size: str
        license: str
        summary: str
        used: bool

    front = Front(json=json)
    known, used = catalog.load(), _used()
    for failed in (known, used):
        if isinstance(failed, Err):
            return front.fail(failed)
    assert not isinstance(known, Err)
    assert not isinstance(used, Err)
    rows = [
        Shown(
            name=SHIPPED, state="shipped", size="", license="Apache-2.0", summary="our own, small and fast",
            used=used.value == SHIPPED,
        )
    ]  # fmt: skip
    for name, entry in sorted(known.value.items()):
        here = entry.kind == "endpoint" or catalog.path_of(name).exists()
        state = "served" if entry.kind == "endpoint" else "here" if here else "not here"
        size = f"{entry.megabytes} MB" if entry.megabytes else ""
        rows.append(
            Shown(
                name=name, state=state, size=size, license=entry.license, summary=entry.summary,
                used=used.value == name,
            )
        )  # fmt: skip
    if used.value not in {row.name for row in rows}:
        rows.append(Shown(name=used.value, state="set", size="", license="", summary="", used=True))
    if json:
        for row in rows:
            front.output.json(row)
    else:
        front.output.rows(
            [
                ("", "model", "state", "size", "license", "what"),
                *(("*" if r.used else "", r.name, r.state, r.size, r.license, r.summary) for r in rows),
            ],
            header=True,
        )
    return 0


def pull(name: Name, json: Json = False) -> int:
    """Download a model from the Hugging Face Hub. Goes on where it stopped; what arrives is verified by its sha256."""
    from casava_os.cli.follow import Front
    from casava_os.model import catalog
    from casava_os.model.download import pull as download
    from casava_syscalls.results import Err

    front = Front(json=json)
    entry = _entry(name)
    if isinstance(entry, Err):
        return front.fail(entry)
    shown = -1

    def bar(done: int, total: int | None) -> None:
        nonlocal shown
        percent = -1 if not total else 100 * done // total
        if percent != shown:
            shown = percent
            front.screen.progress(f"{name}: {done / 1e6:,.0f} MB" + (f", {percent} %" if total else ""))

    got = download(name, entry.value, bar)
    if isinstance(got, Err):
        return front.fail(got)
    front.output.text(str(got.value))
    front.screen.note(f"{name} is here; `casava-os model use {name}` makes it the kernel's")
    assert got.value == catalog.path_of(name)
    return 0


def use(
    name: Annotated[str, typer.Argument(metavar="NAME|PATH|URL#MODEL", help="What `--model` takes.")],
    json: Json = False,
) -> int:
    """Make a model the kernel's: writes `model` into the settings. It is loaded once to see that it works."""
    from casava_os.cli.follow import Front
    from casava_os.model import load
    from casava_os.paths import config_dir, private_dir, write_private
    from casava_syscalls.results import Err

    front = Front(json=json)
    loaded = load(name)
    if isinstance(loaded, Err):
        return front.fail(loaded)
    qualified = loaded.value.qualified
    loaded.value.close()
    path = config_dir() / "config.toml"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    private_dir(config_dir())
    write_private(path, with_model(text, name).encode())
    front.output.text(f"{path}: model = {name}")
    if not qualified:
        front.screen.warning(
            f"{name} has not been qualified: it is not offered what deletes, runs programs or leaves the workspace. "
            f"`casava-os model qualify {name}` finds out whether it should be"
        )
    return 0


def with_model(text: str, name: str) -> str:
    """The settings file with this model; every other line and comment stays."""
    import json

    line = f"model = {json.dumps(name)}"
    table = re.search(r"^\s*\[", text, re.MULTILINE)
    head, tail = (text[: table.start()], text[table.start() :]) if table else (text, "")
    if re.search(r"^\s*model\s*=.*$", head, re.MULTILINE):
        return re.sub(r"^\s*model\s*=.*$", lambda _: line, head, count=1, flags=re.MULTILINE) + tail
    return f"{line}\n{head}{tail}"


def show(name: AnyName = "", json: Json = False) -> int:
    """Show what a model is, what it needs, whether that fits this machine, and how it qualified."""
    from casava_os.cli.follow import Front
    from casava_os.model import qualified, source
    from casava_syscalls.results import Err

    front = Front(json=json)
    wanted = _wanted(name)
    if isinstance(wanted, Err):
        return front.fail(wanted)
    found = source(wanted.value)
    if isinstance(found, Err):
        return front.fail(found)
    rows = [("model", wanted.value), *found.value.facts()]
    if found.value.path is not None:
        from casava_os.model.fit import measured, need

        needed = need(found.value.path)
        if isinstance(needed, Err):
            return front.fail(needed)
        fit = measured(needed.value)
        rows += [
            ("file", str(found.value.path)),
            ("weights", f"{needed.value.weights / 1e6:,.1f} MB in {needed.value.layers} layers"),
            ("cache", f"{needed.value.cache / 1e6:,.1f} MB at {needed.value.context} tokens"),
            ("free", f"{fit.free_ram / 1e9:.1f} GB of RAM, {fit.free_vram / 1e9:.1f} GB of GPU memory"),
            ("on the GPU", f"{fit.gpu_layers} of {needed.value.layers} layers"),
            ("fits", "yes" if fit.fits else "no"),
        ]
    record = qualified.records().get(found.value.identity())
    if found.value.kind == "smol" and found.value.shipped:
        rows.append(("qualified", "it ships with Casava OS; its card has its scores"))
    elif record is None:
        rows.append(("qualified", "not tried yet"))
    else:
        verdict = "passed" if record.passed else "failed"
        told = f"{record.effect:.1%} of {record.requests} requests, {record.spurious} unwanted deletes"
        rows.append(("qualified", f"{verdict} on {record.when}: {told}"))
    _rows(front, rows)
    return 0


def remove(name: Name, json: Json = False) -> int:
    """Delete a downloaded model's file."""
    from casava_os.cli.follow import Front
    from casava_os.model import catalog
    from casava_syscalls.results import Err

    front = Front(json=json)
    entry = _entry(name)
    if isinstance(entry, Err):
        return front.fail(entry)
    path = catalog.path_of(name)
    if not path.exists():
        return front.fail(
            Err(
                code="not-found",
                title="The model is not here",
                message=f"{name} has no file in {path.parent}",
            )
        )
    size = path.stat().st_size
    path.unlink()
    front.output.text(f"{path} ({size / 1e6:,.1f} MB)")
    return 0


def bench(
    name: AnyName = "",
    requests: Annotated[
        int, typer.Option("--requests", "-n", min=1, help="How many requests to compile.")
    ] = 100,
    json: Json = False,
) -> int:
    """Measure how fast a model compiles requests on this machine, one at a time."""
    import time

    from casava_os.cli.follow import Front
    from casava_os.forge.evaluate import held_out
    from casava_os.kernel.ports import CompileRequest
    from casava_syscalls.registry import available
    from casava_syscalls.results import Err

    front = Front(json=json)
    began = time.perf_counter()
    loaded = _loaded(name)
    if isinstance(loaded, Err):
        return front.fail(loaded)
    model, load_seconds = loaded.value, time.perf_counter() - began
    times: list[float] = []
    for item in held_out()[:requests]:
        start = time.perf_counter()
        result = model.compile(CompileRequest(item.request, available(), item.piped_stdin))
        if isinstance(result, Err) and result.code in ("no-model", "timeout"):
            model.close()
            return front.fail(result)
        times.append(time.perf_counter() - start)
    model.close()
    times.sort()
    _rows(
        front,
        [
            ("model", model.name),
            ("load", f"{1e3 * load_seconds:.1f} ms"),
            ("requests", str(len(times))),
            ("median", f"{1e3 * times[len(times) // 2]:.1f} ms"),
            ("95th percentile", f"{1e3 * times[int(0.95 * len(times))]:.1f} ms"),
            ("a second", f"{len(times) / sum(times):.1f} requests"),
        ],
    )
    return 0


def qualify(
    name: AnyName = "",
    requests: Annotated[int, typer.Option("--requests", "-n", min=1, help="How many requests to try.")] = 200,
    json: Json = False,
) -> int:
    """Try a model on requests that it never saw. One that fails is not offered what deletes or leaves the workspace."""
    import random
    from datetime import datetime

    from casava_os.cli.follow import Front
    from casava_os.forge import evaluate
    from casava_os.model import qualified
    from casava_syscalls.registry import SYSCALLS
    from casava_syscalls.results import Err

    front = Front(json=json)
    loaded = _loaded(name)
    if isinstance(loaded, Err):
        return front.fail(loaded)
    model = loaded.value
    items = evaluate.held_out()
    random.Random(1).shuffle(items)  # noqa: S311 - the same requests each time
    score = evaluate.Score()
    for number, item in enumerate(items[:requests], 1):
        front.screen.progress(f"{number} of {min(requests, len(items))}")
        outcome = evaluate.judge(model, item, frozenset(SYSCALLS))
        if outcome is not None:
            if outcome.answer.startswith(("no-model:", "timeout:")):
                model.close()
                return front.fail(
                    Err(code="no-model", title="The model stopped answering", message=outcome.answer)
                )
            score.add(outcome)
    model.close()
    record = qualified.Record(
        name=model.name,
        requests=score.count,
        effect=score.effect / max(1, score.count),
        spurious=score.spurious,
        when=datetime.now().astimezone().isoformat(timespec="seconds"),
    )
    qualified.keep(model.identity, record)
    _rows(
        front,
        [
            ("model", model.name),
            ("requests", str(record.requests)),
            ("right effect", f"{record.effect:.1%} (at least {qualified.LEAST_EFFECT:.0%} is wanted)"),
            ("unwanted deletes", f"{record.spurious} (at most {qualified.MOST_SPURIOUS} is accepted)"),
            ("verdict", "passed" if record.passed else "failed"),
        ],
    )
    return 0 if record.passed else 1


# ---------------------------------------------------------------------------------------------------- parts


def _rows(front: Front, rows: list[tuple[str, str]]) -> None:
    if front.json:
        from pydantic import RootModel

        front.output.json(RootModel[dict[str, str]](dict(rows)))
    else:
        front.output.rows(rows)


def _used() -> Result[str]:
    from casava_os.paths import config_dir
    from casava_os.settings import load_settings
    from casava_syscalls.results import Err, Ok

    settings = load_settings(config_dir())
    return settings if isinstance(settings, Err) else Ok(value=settings.value.model)


def _wanted(name: str) -> Result[str]:
    from casava_syscalls.results import Ok

    return Ok(value=name) if name else _used()


def _loaded(name: str) -> Result[Model]:
    from casava_os.model import load
    from casava_syscalls.results import Err, Ok

    wanted = _wanted(name)
    if isinstance(wanted, Err):
        return wanted
    loaded = load(wanted.value)
    return loaded if isinstance(loaded, Err) else Ok(value=loaded.value)


def _entry(name: str) -> Result[Entry]:
    from casava_os.model import catalog
    from casava_syscalls.results import Err, Ok

    known = catalog.load()
    if isinstance(known, Err):
        return known
    entry = known.value.get(name)
    return catalog.unknown(name, known.value) if entry is None else Ok(value=entry)


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    models = typer.Typer(
        help="Models of the kernel: list, get, choose, measure.", rich_markup_mode=None, no_args_is_help=False
    )
    models.command("list")(list_models)
    for made in (pull, use, show, remove, bench, qualify):
        models.command(made.__name__)(made)

    @models.callback(invoke_without_command=True)
    def models_root(context: typer.Context) -> int:
        return list_models() if context.invoked_subcommand is None else 0

    app.add_typer(models, name="model", context_settings=_HELP_NAMES)
