"""Programs in the background."""

import os
import time

from tests.agent.here import Here


def state(here: Here, job: object) -> object:
    return next(row[2] for row in here.rows("process.list") if row[0] == job)


def test_spawn_wait_and_logs(here: Here) -> None:
    here.make({"d": None})
    job = here(
        "process.spawn", command="echo out; echo err >&2; echo $X; pwd; exit 3", cwd="d", env={"X": "given"}
    )
    done = here("process.wait", job=job)
    assert (done["code"], done["stderr"], done["truncated"]) == (3, "err\n", False)
    assert done["stdout"] == f"out\ngiven\n{here.root}/d\n"
    assert here.text("process.logs", job=job).count("\n") == 4
    assert here.text("process.logs", job=job["value"], last=1) in ("err\n", f"{here.root}/d\n")
    assert state(here, job["value"]) == "exited 3"
    here.fails("process.signal", "not-found", job=job)


def test_logs_of_what_still_runs_and_signals(here: Here) -> None:
    job = here(
        "process.spawn", command="trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done"
    )
    until = time.monotonic() + 20
    while here.text("process.logs", job=job) != "ready\n" and time.monotonic() < until:
        time.sleep(0.02)
    assert state(here, job["value"]) == "running"
    assert "still runs" in here.fails("process.wait", "timeout", job=job, seconds=0).title
    assert here.number("process.signal", job=job, signal="STOP") == job["value"]
    while state(here, job["value"]) != "stopped" and time.monotonic() < until:
        time.sleep(0.02)
    assert state(here, job["value"]) == "stopped"
    here("process.signal", job=job, signal="CONT")
    here("process.signal", job=job)
    done = here("process.wait", job=job, seconds=20)
    assert (done["code"], done["stdout"]) == (7, "ready\nbye\n")


def test_kill_takes_the_children_too(here: Here) -> None:
    job = here("process.spawn", command="sleep 300 & echo $!; setsid sleep 301 & echo $!; wait")
    until = time.monotonic() + 20
    while here.text("process.logs", job=job).count("\n") < 2 and time.monotonic() < until:
        time.sleep(0.02)
    children = [int(pid) for pid in here.text("process.logs", job=job).split()]
    here("process.signal", job=job, signal="KILL")
    assert here("process.wait", job=job, seconds=20)["code"] == -9
    assert state(here, job["value"]) == "ended by KILL"
    assert not [pid for pid in children if os.path.exists(f"/proc/{pid}") and alive(pid)]


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_the_latest_output_is_kept(here: Here) -> None:
    here.limits = {"output_bytes": 1000}
    job = here("process.spawn", command="seq 1 20000; echo end")
    done = here("process.wait", job=job, seconds=30)
    assert done["truncated"] is True
    assert len(str(done["stdout"])) == 1000
    assert str(done["stdout"]).endswith("20000\nend\n")


def test_a_program_that_outlives_its_shell_is_ended(here: Here) -> None:
    job = here("process.spawn", command="sleep 302 & echo $!")
    done = here("process.wait", job=job, seconds=20)
    assert done["code"] == 0
    assert not alive(int(str(done["stdout"])))


def test_a_waiting_call_can_be_cancelled(here: Here) -> None:
    job = here("process.spawn", command="sleep 303")
    context = here.context(seconds=0.2)
    here.context = lambda seconds=0.0: context  # type: ignore[method-assign]
    assert "too long" in here.fails("process.wait", "timeout", job=job).title
    assert state(here, job["value"]) == "running"
    here("process.signal", job=job, signal="KILL")


def test_jobs_that_are_not(here: Here) -> None:
    here.fails("process.wait", "not-found", job=999)
    here.fails("process.spawn", "not-found", command="true", cwd="nope")
