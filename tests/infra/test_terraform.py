"""What is emitted for AWS: checked against a schema on every machine, Terraform or not, and what cannot be said is refused."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from jsonschema import Draft202012Validator

from casava_os.containers import labels
from casava_os.infra.drivers import Action, Deployment, Row
from casava_os.infra.engine import Engine
from casava_os.infra.performing import engine_of
from casava_os.infra.reading import read_spec
from casava_os.infra.record import Record
from casava_os.infra.terraform import program, state
from casava_os.infra.terraform.driver import TerraformDriver
from casava_os.infra.terraform.emission import DATA, ORDER, Block, Resources, resources_of
from casava_os.infra.terraform.emit import emit
from casava_os.infra.terraform.marks import ADDRESS, VOLATILE, called, label
from casava_os.infra.terraform.problems import failed
from casava_os.infra.terraform.rows import lost, rows_of, within
from casava_os.infra.terraform.tell import drifted, refreshed, state_of
from casava_os.infra.wishes import Errand, Wish
from casava_os.paths import private_dir, state_dir
from tests.infra import aws
from tests.infra.conftest import bad, good

RICH = """
services:
  web:
    image: nginx:1.27
    command: [sh, -c, 'echo "%{if} $$A"; exec nginx']
    environment: {A: "a 'b' ${X:-}", PRICE: "$$5 $${HOME}"}
    ports: ["8080-8081:80", "0.0.0.0:9443-9444:443"]
    expose: ["9000", "9100-9102/udp"]
    networks: {default: , back: {aliases: [www]}}
    depends_on: [db]
    secrets: [word]
    configs: [{source: conf, target: /etc/x.conf, mode: 0440}]
    volumes: ["media:/media:ro"]
    tmpfs: /run
    healthcheck: {test: wget -q -O /dev/null http://127.0.0.1/, interval: 20s}
    restart: unless-stopped
    read_only: true
    deploy: {replicas: 2, resources: {limits: {memory: 256m, cpus: 0.5}}}
  db:
    image: postgres:16
    networks: [default, back]
    volumes: ["data:/var/lib/postgresql/data"]
    secrets: [word, made]
    labels: {team: "blue & green"}
networks: {back: {internal: true}}
volumes: {data: {labels: {kind: rows}}, media: }
secrets: {word: {file: word.txt}, made: {x-casava: {generate: 32}}}
configs: {conf: {content: "hello $${x}"}}
x-casava:
  terraform:
    region: eu-central-1
    endpoint: http://127.0.0.1:5000
    instance_types: {db: t3.small}
    ingress: 203.0.113.0/24
    volumes: {data: {size: 20g}, media: {store: s3}}
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path / "home"))
    (tmp_path / "word.txt").write_text("open sesame")
    return engine_of(private_dir(state_dir()))


def wanted(
    engine: Engine, text: str = RICH, *, reason: str = "because, it's time", operation: str = "op"
) -> Deployment:
    spec = good(read_spec(text, "compose.yaml"))
    wish = Wish("shop", spec, engine.store.state.parent.parent, driver="terraform")
    return good(engine._wanted(wish, Errand(pid=3, reason=reason), operation))


def emitted(
    engine: Engine, text: str = RICH, known: state.Known | None = None, kept: Resources | None = None
) -> Block:
    made = wanted(engine, text)
    configs = dict.fromkeys(made.files, b"hello")
    return good(emit(made, "eu-central-1", known or state.Known(), configs, kept or {}))


def blocks(config: Mapping[str, object], kind: str) -> dict[str, Block]:
    return resources_of(config).get(kind, {})


def refusal(engine: Engine, text: str) -> str:
    made = wanted(engine, text)
    refused = bad(emit(made, "eu-central-1", state.Known(), dict.fromkeys(made.files, b""), {}))
    assert refused.code == "unsupported"
    return refused.message


def test_every_resource_is_as_the_schema_says(engine: Engine) -> None:
    config = emitted(engine)
    validator = Draft202012Validator(aws.schema())
    assert [problem.message for problem in validator.iter_errors(config)] == []
    assert set(resources_of(config)) == set(aws.RESOURCES) == set(ORDER)
    wrong = json.loads(json.dumps(config).replace('"instance_type"', '"instance_typ"'))
    assert len(list(validator.iter_errors(wrong))) == 3


def test_references_lead_to_what_is_there(engine: Engine) -> None:
    import re

    config = emitted(engine)
    there = {f"{kind}.{name}" for kind, named in resources_of(config).items() for name in named}
    text = json.dumps(config["resource"]).replace("$${", "")
    led = set(re.findall(r"(?<!data\.)\b(aws_[a-z0-9_]+\.[A-Za-z_][A-Za-z0-9_-]*)(?=\.|\")", text))
    assert led
    assert led <= there


def test_no_secret_and_no_credential_is_written(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret-key")
    text = json.dumps(emitted(engine))
    assert "open sesame" not in text
    assert "very-secret-key" not in text
    assert "b3BlbiBzZXNhbWU" not in text
    config = emitted(engine)
    assert config["variable"] == {
        name: {"type": "string", "ephemeral": True, "sensitive": True}
        for name in ("secret_word", "secret_made")
    }
    for block in blocks(config, "aws_ssm_parameter").values():
        assert "value" not in block
        assert str(block["value_wo"]).startswith("${var.secret_")
    statements = json.loads(str(blocks(config, "aws_iam_role_policy")["web"]["policy"]))["Statement"]
    read = next(one for one in statements if one["Action"] == "ssm:GetParameter")
    assert [arn.rpartition("/")[2] for arn in read["Resource"]] == ["word"]  # its own, and no other


def test_nobody_comes_in_unless_the_spec_says_so(engine: Engine) -> None:
    plain = """
services: {web: {image: nginx, ports: ["8080:80", "127.0.0.1:9090:90"]}}
x-casava: {terraform: {region: eu-central-1}}
"""
    groups = blocks(emitted(engine, plain), "aws_security_group")
    assert set(groups) == {"network-default"}
    (rule,) = cast("list[Block]", groups["network-default"]["ingress"])
    assert (rule["self"], rule["cidr_blocks"], rule["ipv6_cidr_blocks"]) == (True, [], [])
    groups = blocks(emitted(engine), "aws_security_group")
    rules = cast("list[Block]", groups["ports-web"]["ingress"])
    assert [(r["from_port"], r["to_port"], r["cidr_blocks"], r["ipv6_cidr_blocks"]) for r in rules] == [
        (8080, 8081, ["203.0.113.0/24"], []),
        (9443, 9444, ["0.0.0.0/0"], ["::/0"]),
    ]


def test_an_internal_network_has_no_way_out(engine: Engine) -> None:
    config = emitted(engine)
    assert set(blocks(config, "aws_route_table_association")) == {"default"}
    subnets = blocks(config, "aws_subnet")
    assert (subnets["default"]["map_public_ip_on_launch"], subnets["back"]["map_public_ip_on_launch"]) == (
        True,
        False,
    )
    egress = cast("list[Block]", blocks(config, "aws_security_group")["network-back"]["egress"])
    assert [(rule["self"], rule["cidr_blocks"]) for rule in egress] == [(True, [])]
    web = blocks(config, "aws_instance")["web-1"]
    assert web["subnet_id"] == "${aws_subnet.default.id}"
    closed = "services: {a: {image: n, networks: [b]}}\nnetworks: {b: {internal: true}}\nx-casava: {terraform: {prepared: true}}"
    made = emitted(engine, closed)
    assert "aws_internet_gateway" not in resources_of(made)
    assert "docker pull" not in str(blocks(made, "aws_instance")["a-1"]["user_data"])


def test_what_an_instance_runs_is_a_script(engine: Engine, tmp_path: Path) -> None:
    for name, block in blocks(emitted(engine), "aws_instance").items():
        text = str(block["user_data"])
        assert len(text.encode()) < 16_384
        plain = text.replace("$${", "${").replace("%%{", "%{")
        path = tmp_path / name
        path.write_text(plain)
        assert subprocess.run(["bash", "-n", path], check=False).returncode == 0
        run = next(line for line in plain.splitlines() if line.startswith("docker run"))
        assert "--cap-drop ALL" in run
        assert "no-new-privileges" in run
        assert "--privileged" not in run
    web = str(blocks(emitted(engine), "aws_instance")["web-2"]["user_data"])
    for part in (
        "-p 8081:80/tcp",
        "-p 80:80/tcp",
        "-p 9444:443/tcp",
        "-p 9101:9101/udp",
        "--memory 268435456",
        "'PRICE=$5 $${HOME}'",
        "%%{if} $A",
    ):
        assert part in web, part
    fields = [b["metadata_options"] for b in blocks(emitted(engine), "aws_instance").values()]
    assert fields[0] == [
        {"http_tokens": "required", "http_endpoint": "enabled", "http_put_response_hop_limit": 1}
    ]


def test_everything_bears_its_owner_process_stack_and_reason(engine: Engine) -> None:
    tagged = 0
    for kind, named in resources_of(emitted(engine)).items():
        for name, block in named.items():
            if "tags" in aws.RESOURCES[kind]:
                tags = cast("dict[str, str]", block["tags"])
                assert tags[labels.OWNER] == labels.owner()
                assert (tags[labels.STACK], tags[labels.PID], tags[ADDRESS]) == (
                    "shop",
                    "3",
                    f"{kind}.{name}",
                )
                assert tags[labels.REASON] == "because_ it_s time"
                tagged += 1
    assert tagged == 20


def test_what_is_there_keeps_the_tags_that_tell_how_it_came_to_be(engine: Engine) -> None:
    config = emitted(engine)
    there = {
        f"{kind}.{name}": block
        for kind, named in resources_of(config).items()
        for name, block in named.items()
    }
    later = replace(wanted(engine, operation="another"), pid=9, reason="again")
    again = good(emit(later, "eu-central-1", state.Known(there), dict.fromkeys(later.files, b"hello"), {}))
    assert again == config
    fresh = good(emit(later, "eu-central-1", state.Known(), dict.fromkeys(later.files, b"hello"), {}))
    assert fresh != config
    digests = [[row.digest for row in rows_of(_created(one), one)] for one in (config, fresh)]
    assert digests[0] == digests[1]  # a plan does not depend on them
    assert set(cast("dict[str, str]", blocks(config, "aws_vpc")["stack"]["tags"])) | {labels.LEASE} > VOLATILE


def _created(config: Block) -> dict[str, object]:
    """What Terraform shows of a plan that makes all of it."""
    changes = [
        {
            "mode": "managed",
            "type": kind,
            "name": name,
            "change": {"actions": ["create"], "before": None, "after": block},
        }
        for kind, named in resources_of(config).items()
        for name, block in named.items()
    ]
    return {"resource_changes": changes}


def test_a_subnet_keeps_its_place_and_a_volume_outlives_the_spec(engine: Engine) -> None:
    config = emitted(engine)
    there = {
        f"{kind}.{name}": block
        for kind, named in resources_of(config).items()
        for name, block in named.items()
    }
    less = RICH.replace(
        "networks: {default: , back: {aliases: [www]}}", "networks: [back, front, default]"
    ).replace("networks: {back:", "networks: {front: , back:")
    changed = emitted(engine, less, state.Known(there))
    places = {name: block["cidr_block"] for name, block in blocks(changed, "aws_subnet").items()}
    assert places["back"] == blocks(config, "aws_subnet")["back"]["cidr_block"]
    assert places["default"] == blocks(config, "aws_subnet")["default"]["cidr_block"]
    assert len(set(places.values())) == 3
    data = {"aws_ebs_volume": blocks(config, "aws_ebs_volume")}
    bare = emitted(engine, "services: {a: {image: n}}", state.Known(there), data)
    assert set(blocks(bare, "aws_ebs_volume")) == {"data"}
    assert "aws_volume_attachment" not in resources_of(bare)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("services: {a: {image: n, gpus: 1}}", "services.a.gpus"),
        ("services: {a: {image: n, network_mode: none}}", "services.a.network_mode"),
        ("services: {a: {image: n, volumes: ['./x:/x']}}", "services.a.volumes[0]"),
        ("services: {a: {image: n, extra_hosts: ['h:host-gateway']}}", "services.a.extra_hosts"),
        ("services: {a: {image: n, ports: ['10.0.0.1:80:80']}}", "services.a.ports[0]"),
        ("services: {a: {image: n, networks: [b]}}\nnetworks: {b: {internal: true}}", "services.a.networks"),
        ("services: {a: {image: n, networks: [b]}}\nnetworks: {b: {external: true}}", "networks.b.external"),
        ("services: {a: {image: n, volumes: ['v:/v'], scale: 2}}\nvolumes: {v: }", "services.a.volumes"),
        ("services: {a: {image: n}}\nx-casava: {idle: {after: 1h}}", "x-casava.idle"),
        ("services: {a: {image: n}}\nx-casava: {terraform: {instance_types: {b: t3.nano}}}", "x-casava.terraform.instance_types.b"),
        ("services: {a: {image: n}}\nx-casava: {terraform: {volumes: {b: {store: s3}}}}", "x-casava.terraform.volumes.b"),
        (
            "services: {a: {image: n, depends_on: {b: {condition: service_completed_successfully}}}, b: {image: n}}",
            "services.a.depends_on.b.condition",
        ),
    ],
)  # fmt: skip
def test_what_aws_cannot_be_told_is_refused_with_its_place(engine: Engine, text: str, place: str) -> None:
    assert refusal(engine, text).startswith(f"{place}: ")


@pytest.mark.parametrize(
    "part",
    [
        "zone: bb",
        "ami: x",
        "endpoint: 'ftp://x'",
        "endpoint: 'http://me:word@x'",
        "cidr: 8.8.8.0/20",
        "ingress: [x]",
        "sise: 1",
        "region: here",
    ],
)
def test_wrong_settings_are_told_with_their_place(part: str) -> None:
    wrong = bad(
        read_spec(f"services: {{a: {{image: n}}}}\nx-casava: {{terraform: {{{part}}}}}", "compose.yaml")
    )
    assert f"x-casava.terraform.{part.partition(':')[0]}" in wrong.message


def test_names_never_meet(engine: Engine) -> None:
    key = engine.key("shop")
    assert len({label(name) for name in ("a.b", "a_b", "1a", "_1a", "a-b")}) == 5
    assert len({called(key, name, 63) for name in ("x" * 70, "x" * 71, "a.b", "a_b")}) == 4
    assert all(len(called(key, "x" * n)) <= 63 for n in (1, 40, 90))


def test_user_data_that_is_too_long_is_refused(engine: Engine) -> None:
    made = wanted(engine, "services: {a: {image: n, configs: [c]}}\nconfigs: {c: {content: x}}")
    long = bad(emit(made, "eu-central-1", state.Known(), dict.fromkeys(made.files, b"x" * 20000), {}))
    assert long.code == "limit"
    assert "services.a" in long.message


def test_a_plan_that_loses_data_says_so() -> None:
    rows = tuple(Row(action="replace", kind=kind.removeprefix("aws_"), name="data") for kind in DATA)
    assert lost(rows) == list(rows[:2])
    assert not lost((Row(action="change", kind="ebs_volume", name="data"),))


@pytest.mark.parametrize(
    ("approved", "rest", "is_within"),
    [
        ("create", "create", True),
        ("create", "replace", True),  # made, but not to its end
        ("replace", "create", True),  # what was there before is gone already
        ("change", "change", True),
        ("change", "replace", False),
        ("change", "destroy", False),
        ("create", "destroy", False),
        ("destroy", "destroy", True),
        ("destroy", "replace", False),
    ],
)
def test_only_the_rest_of_what_was_approved_is_done_once_more(
    approved: Action, rest: Action, is_within: bool
) -> None:
    before, after = Row(action=approved, kind="vpc", name="stack"), Row(action=rest, kind="vpc", name="stack")
    assert within((after,), (before,)) is is_within
    assert not within((after, Row(action=rest, kind="vpc", name="other")), (before,))
    assert within((), (before,))


def test_rows_say_what_a_person_has_to_know(engine: Engine) -> None:
    config = emitted(engine)
    told = {f"{row.action} {row.kind} {row.name}": row.why for row in rows_of(_created(config), config)}
    assert next(iter(told)) == "create vpc stack"
    assert told["create security_group ports-web"] == (
        "opens 8080-8081/tcp to 203.0.113.0/24; opens 9443-9444/tcp to 0.0.0.0/0, ::/0"
    )
    assert told["create ebs_volume data"] == "20 GiB gp3"
    groups = blocks(config, "aws_security_group")
    before, after = groups["ports-web"] | {"ingress": []}, groups["ports-web"]
    closed: dict[str, object] = {"actions": ["update"], "before": after, "after": before}
    opened: dict[str, object] = {"actions": ["update"], "before": before, "after": after}
    smaller = {
        "actions": ["delete", "create"],
        "before": {"instance_type": "a"},
        "after": {"instance_type": "b"},
    }
    changes = [
        ("aws_security_group", "a", closed),
        ("aws_security_group", "b", opened),
        ("aws_instance", "c", smaller),
    ]
    shown = {
        "resource_changes": [{"mode": "managed", "type": t, "name": n, "change": c} for t, n, c in changes]
    }
    assert [(row.action, row.why) for row in rows_of(shown, config)] == [
        ("change", "closes all ports to outside"),
        ("change", told["create security_group ports-web"]),
        ("replace", "instance_type a → b"),
    ]


def test_drift_is_told_of_what_the_spec_says(engine: Engine) -> None:
    config = emitted(engine)
    disk = {"encrypted": True, "volume_type": "gp3", "volume_size": 16}
    before: dict[str, object] = {
        "instance_type": "t3.micro",
        "tags": {"Name": "shop.web"},
        "public_ip": "1.2.3.4",
    }
    before |= {"instance_state": "running", "root_block_device": [disk]}
    shown: dict[str, object] = {
        "resource_drift": [
            _drift(
                "aws_instance",
                "web-1",
                before,
                before | {"instance_type": "t3.large", "root_block_device": [disk | {"iops": 3}]},
            ),
            _drift("aws_instance", "web-2", before, None),
            _drift("aws_vpc", "stack", {"tags": {labels.PID: "1"}}, {"tags": {labels.PID: "2"}}),
            _drift("aws_security_group", "ports-web", {"ingress": []}, {"ingress": [1]}),
        ]
    }
    known = state.Known(
        {f"aws_instance.{n}": {"instance_state": s} for n, s in (("web-2", "running"), ("db-1", "stopped"))}
    )
    told = state_of(wanted(engine), refreshed(known, shown), drifted(shown, config))
    web, db = told.services
    assert (web.state, web.running, web.wanted) == ("partial", 1, 2)
    assert web.drift == ("web-1 has instance_type t3.large, not t3.micro", "web-2 is missing")
    assert (db.state, db.drift) == ("stopped", ("db is stopped",))
    assert told.other == ("security group ports-web has other ingress",)


def _drift(kind: str, name: str, before: object, after: object) -> dict[str, object]:
    change = {"actions": ["delete" if after is None else "update"], "before": before, "after": after}
    return {"address": f"{kind}.{name}", "type": kind, "name": name, "change": change}


def test_a_damaged_state_gives_way_to_the_copy_from_before(tmp_path: Path) -> None:
    whole = {
        "version": 4,
        "resources": [
            {
                "mode": "managed",
                "type": "aws_vpc",
                "name": "stack",
                "instances": [{"attributes": {"id": "vpc-1"}}],
            }
        ],
    }
    (tmp_path / state.FILE).write_text(json.dumps(whole)[:-20])
    (tmp_path / f"{state.FILE}.backup").write_text(json.dumps(whole))
    with pytest.raises(ValueError, match="Expecting"):
        state.read(tmp_path)
    assert state.mend(tmp_path)
    assert state.read(tmp_path).text("aws_vpc.stack", "id") == "vpc-1"
    assert not state.mend(tmp_path)


def test_a_stack_without_its_record_is_found_by_its_tags(engine: Engine) -> None:
    config = emitted(engine)
    resources = [
        {"mode": "managed", "type": kind, "name": name, "instances": [{"attributes": block}]}
        for kind, named in resources_of(config).items()
        for name, block in named.items()
    ]
    place = private_dir(engine.store.place("shop") / "driver")
    (place / state.FILE).write_text(json.dumps({"version": 4, "resources": resources}))
    (found,) = good(TerraformDriver(engine.store.state).found(engine.owner))
    assert (found.key.name, found.services, found.volumes) == ("shop", ("db", "web"), ("data", "media"))
    assert (found.pid, found.reason, found.driver) == (3, "because_ it_s time", "terraform")
    assert good(TerraformDriver(engine.store.state).found("somebody else")) == ()
    lost = bad(engine.destroy("shop", volumes=True, errand=Errand()))
    assert "applied.json" in lost.message
    assert "apply the spec again" in lost.hint
    record = engine.store.read("shop")
    assert isinstance(record, Record)
    assert (record.driver, record.rebuilt) == ("terraform", True)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("No valid credential sources found", "denied"),
        (
            "validating provider credentials: retrieving caller identity from STS: StatusCode: 403, api error",
            "denied",
        ),
        ("validating provider credentials: dial tcp 127.0.0.1:1: connect: connection refused", "unavailable"),
        ("api error UnauthorizedOperation: You are not authorized to perform this operation", "denied"),
        ("api error VcpuLimitExceeded: You have requested more", "limit"),
        ("api error InvalidParameterValue: something else", "failed"),
    ],
)
def test_what_aws_complains_of_is_told(
    said: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAVERYSECRET")
    one = {"severity": "error", "summary": said, "detail": "AKIAVERYSECRET", "address": "aws_vpc.stack"}
    told = failed(program.Ran(1, tmp_path, [{"type": "diagnostic", "diagnostic": one}]), "It failed")
    assert told.code == code
    assert told.message.startswith(f"aws_vpc.stack: {said}")
    assert "AKIAVERYSECRET" not in told.message


# ------------------------------------------------------------------------------------------------ the program


def test_without_a_program_the_next_step_is_told(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    text = "services: {a: {image: n}}\nx-casava: {terraform: {region: eu-central-1}}"
    none = bad(TerraformDriver(engine.store.state).plan(wanted(engine, text)))
    assert none.code == "unavailable"
    assert "neither tofu nor terraform" in none.title
    assert "install" in none.hint
    assert good(TerraformDriver(engine.store.state).found(engine.owner)) == ()


def test_an_endpoint_that_is_down_and_a_region_that_nobody_names(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "http_proxy",
        "https_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    driver = TerraformDriver(engine.store.state)
    assert "Which region" in bad(driver.plan(wanted(engine, "services: {a: {image: n}}"))).title
    down = "services: {a: {image: n}}\nx-casava: {terraform: {region: eu-central-1, endpoint: 'http://127.0.0.1:1'}}"
    silent = bad(driver.plan(wanted(engine, down)))
    assert silent.code == "unavailable"
    assert "http://127.0.0.1:1" in silent.title


def _fake(folder: Path, script: str) -> list[str]:
    path = folder / "fake"
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)
    return [str(path)]


def test_a_run_is_interrupted_in_an_orderly_way(tmp_path: Path) -> None:
    command = _fake(
        tmp_path,
        "trap 'echo \\{\\\"ended\\\": true\\}; exit 1' INT\necho '{\"begun\": true}'\nwhile :; do sleep 0.05; done",
    )
    heard: list[program.Line] = []
    over = bad(
        program.run(
            command,
            tmp_path,
            os.environ,
            hear=heard.append,
            until=time.monotonic() + 60,
            cancelled=lambda: bool(heard),
        )
    )
    assert over.code == "interrupted"
    assert heard == [{"begun": True}, {"ended": True}]
    late = bad(program.run(command, tmp_path, os.environ, until=time.monotonic()))
    assert late.code == "timeout"


def test_what_a_killed_program_left_running_is_ended_first(tmp_path: Path) -> None:
    command = _fake(tmp_path, "trap 'touch ended; exit 0' INT\ntouch begun\nwhile :; do sleep 0.05; done")
    env = {**os.environ, program.MARK: str(tmp_path)}
    left = subprocess.Popen(command, cwd=tmp_path, env=env, start_new_session=True)
    while not (tmp_path / "begun").exists():
        time.sleep(0.02)
    assert left.pid in set(program.survivors(tmp_path))
    program.quieten(tmp_path, lambda _: None)
    assert left.wait() == 0
    assert (tmp_path / "ended").exists()
    assert not set(program.survivors(tmp_path))


def test_the_environment_has_credentials_and_no_surprises(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "TF_VAR_secret_word",
        "TF_CLI_ARGS_apply",
        "TF_LOG",
        "TF_DATA_DIR",
        "AWS_PROFILE",
        "TF_CLI_CONFIG_FILE",
    ):
        monkeypatch.setenv(name, "x")
    env = program.environment({"A": "b"})
    assert {"AWS_PROFILE", "TF_CLI_CONFIG_FILE", "A"} <= set(env)
    assert not {"TF_VAR_secret_word", "TF_CLI_ARGS_apply", "TF_LOG", "TF_DATA_DIR"} & set(env)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret-key")
    assert program.scrubbed("said very-secret-key") == "said ••••••"


def test_settings_are_put_in_before_they_are_read(engine: Engine) -> None:
    text = "services: {a: {image: n}}\nx-casava: {terraform: {region: '${WHERE:-eu-west-1}', instance_type: '${SIZE}'}}"
    spec = good(read_spec(text, "compose.yaml", {"SIZE": "t3.nano"}))
    assert (spec.x_casava.terraform.region, spec.x_casava.terraform.instance_type) == ("eu-west-1", "t3.nano")
    wrong = bad(read_spec(text, "compose.yaml", {"SIZE": "large"}))
    assert "x-casava.terraform.instance_type" in wrong.message
