"""Containers and stacks on the real daemon: what the metrics tell of them, spans of their making, and the monitoring blueprint's way in."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path

import pytest
import yaml

from casava_os.infra.blueprints import blueprint
from casava_os.infra.docker.observe import observe
from casava_os.telemetry.containers import containers
from casava_os.telemetry.kept import kept
from casava_os.telemetry.stacks import stacks
from casava_syscalls.results import Err, Ok
from tests.infra.conftest import Yard, api, good, image, shop, yard
from tests.telemetry.conftest import Collector, Home, facts
from tests.telemetry.test_metrics import of, value
from tests.telemetry.test_serving import Served

__all__ = ["api", "image", "shop", "yard"]


TWO = """
services:
  web:
    image: IMAGE
    command: [httpd, -f, -p, "80", -h, /srv]
    stop_signal: SIGKILL
    healthcheck: {test: wget -q -O /dev/null http://127.0.0.1/index.html, interval: 1s, timeout: 3s}
    deploy: {replicas: 2, resources: {limits: {memory: 32m}}}
  db: {image: IMAGE, command: [sleep, "1000"], stop_signal: SIGKILL}
"""


def healthy(yard: Yard) -> None:
    """Waits until the daemon's own checks have said so."""
    for _ in range(300):
        if all(one.health == "healthy" for one in yard.there().of("web")):
            return
        time.sleep(0.1)
    raise AssertionError("the check never passed")


def test_a_stack_is_told_as_it_is(yard: Yard) -> None:
    good(yard.up(TWO))
    healthy(yard)
    found = {**of(good(containers())), **of(good(stacks(yard.state)))}
    about = {"stack": "shop", "driver": "docker"}
    assert value(found, "casava_stacks") == 1
    assert value(found, "casava_stack_up", **about) == 1
    assert value(found, "casava_stack_drift", **about) == 0
    web = {"stack": "shop", "service": "web"}
    assert value(found, "casava_service_replicas_wanted", **web) == 2
    assert value(found, "casava_service_replicas_running", **web) == 2
    assert value(found, "casava_service_memory_limit_bytes", **web) == 32 * 2**20
    assert 0 < value(found, "casava_service_memory_used_bytes", **web) < 64 * 2**20
    assert value(found, "casava_service_healthy", **web) == 1
    container = {"name": yard.container("web").name, "stack": "shop"}
    assert value(found, "casava_container_up", **container) == 1
    assert value(found, "casava_container_health", **container) == 1
    assert value(found, "casava_container_restarts_total", **container) == 0
    assert value(found, "casava_container_memory_limit_bytes", **container) == 32 * 2**20
    assert value(found, "casava_container_memory_used_bytes", **container) > 0
    assert value(found, "casava_container_cpu_seconds_total", **container) > 0
    assert value(found, "casava_containers", state="running", by="casava") == 3
    good(yard.engine.extend("shop", 3600, yard.errand()))
    leases = of(kept(yard.state, yard.state / "none"))
    assert 0 < value(leases, "casava_lease_remaining_seconds", kind="stack", name="shop") <= 3600

    yard.api.stop(yard.container("db").id, timeout=0)
    after = of(good(stacks(yard.state)))
    assert value(after, "casava_stack_up", **about) == 0
    assert value(after, "casava_service_up", stack="shop", service="db") == 0
    assert value(after, "casava_service_up", **web) == 1
    assert value(after, "casava_stack_drift", **about) > 0


def test_a_record_without_a_daemon_is_said_not_guessed(shop: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    for found in (containers(), stacks(shop.state)):
        assert isinstance(found, Err)
        assert found.code == "unavailable"


@pytest.fixture
def yards_home(yard: Yard, home: Home) -> Home:
    """The command line on the yard's installation."""
    return Home(yard.workspace, yard.state.parent)


SMALL = """
name: demo
services:
  web: {image: IMAGE, command: [httpd, -f, -p, "80", -h, /srv], stop_signal: SIGKILL, deploy: {resources: {limits: {memory: 32m}}}}
"""


def test_what_a_stack_is_made_by_are_spans_below_its_syscall(
    yard: Yard, yards_home: Home, collector: Collector
) -> None:
    (yard.workspace / "compose.yaml").write_text(SMALL.replace("IMAGE", yard.image))
    up = yards_home("stack", "apply", "compose.yaml", "--yes", **collector.environment)
    assert up.code == 0, up.err
    syscall = collector.one("infra.apply")
    assert set(facts(syscall)["casava.effects"]) >= {"provision"}  # type: ignore[call-overload]
    (made,) = [span for span in collector.spans if span.name == "docker.apply"]
    assert made.parent_span_id == syscall.span_id
    asked = collector.below(made)
    assert "POST /containers/create" in asked
    assert (
        asked.index("POST /networks/create")
        < asked.index("POST /containers/create")
        < asked.index("POST /containers/{id}/start")
    )
    create = collector.one("POST /containers/create")
    assert facts(create)["http.response.status_code"] == 201
    sent = b"".join(collector.bodies)
    for word in (b"demo", yard.image.encode(), b"httpd", yard.container("web", name="demo").id[:12].encode()):
        assert word not in sent
    listed = yards_home("call", "container.list", **collector.environment)
    assert listed.code == 0, listed.err
    assert "GET /containers/json" in collector.below(collector.one("container.list"))
    down = yards_home("stack", "destroy", "demo", "--yes", **collector.environment)
    assert down.code == 0, down.err
    assert "docker.destroy" in collector.below(collector.one("infra.destroy"))
    assert yard.there("demo").empty


SCRAPER = """
services:
  scraper:
    image: IMAGE
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    extra_hosts: ["host.docker.internal:host-gateway"]
    secrets: [metrics]
secrets: {metrics: {x-casava: {generate: 48}}}
"""
"""What the blueprint has in common with every stack that scrapes: where it looks, and what it shows."""


def test_containers_of_a_monitoring_stack_get_in_and_others_do_not(yard: Yard, yards_home: Home) -> None:
    good(yard.up(SCRAPER, "monitoring"))
    process = yards_home.start("metrics", "--stack", "monitoring", "--port", "0")
    try:
        served = Served(process)
        assert served.host != "127.0.0.1"
        url = f"http://host.docker.internal:{served.port}/metrics"
        scraper = yard.container("scraper", name="monitoring")
        shown = f'wget -q -O - --header "Authorization: Bearer $(cat /run/secrets/metrics)" {url}'
        code, text = yard.run(scraper, "sh", "-c", shown)
        assert code == 0, text
        assert 'casava_up{part="docker"} 1.0' in text
        assert re.search(
            r'^casava_container_up{name="[^"]*scraper[^"]*",stack="monitoring"} 1.0$', text, re.MULTILINE
        )
        code, text = yard.run(scraper, "wget", "-q", "-O", "-", url)
        assert code != 0
        assert "401" in text
        assert served.end(signal.SIGINT)[0] == 0
    finally:
        process.kill()
        process.communicate()


def test_the_blueprint_scrapes_what_is_served(tmp_path: Path) -> None:
    found = blueprint("monitoring")
    assert isinstance(found, Ok)
    spec = found.value.spec
    scrape = yaml.safe_load(spec.configs["scrape"].content or "")
    (job,) = scrape["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["host.docker.internal:9464"]}]
    file = Path(job["authorization"]["credentials_file"])
    prometheus = spec.services["prometheus"]
    assert [secret.source for secret in prometheus.secrets] == [file.name] == ["metrics"]
    assert file.parent == Path("/run/secrets")
    assert spec.secrets["metrics"].x_casava is not None
    board = json.loads(spec.configs["overview"].content or "")
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    used = {name for text in expressions for name in re.findall(r"casava_\w+", text)}
    told = set(re.findall(r'"(casava_\w+)"', "".join(p.read_text() for p in sorted(_room().glob("*.py")))))
    told |= {f"casava_{kind}_{what}_bytes" for kind in ("ram", "swap") for what in ("size", "used")}
    assert {name.removesuffix("_bucket") for name in used} <= told


def _room() -> Path:
    import casava_os.telemetry

    return Path(casava_os.telemetry.__file__).parent


def test_nothing_foreign_is_named(yard: Yard) -> None:
    """A container of somebody else is counted, and no label has its name."""
    made = yard.api.create_container(yard.image, ["true"], name=f"{yard.image.partition(':')[0]}-foreign")
    try:
        found = of(good(containers()))
        assert value(found, "casava_containers", state="created", by="other") >= 1
        assert not any("foreign" in text for _, labels in found for _, text in labels)
    finally:
        yard.api.remove_container(made["Id"], force=True)
    assert observe(yard.api, yard.engine.key("none")).empty
