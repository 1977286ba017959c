"""A stack on AWS with the real Terraform against a moto server: up, unchanged, killed, drifted, down; and what goes wrong.

Each step costs Terraform seconds, so one journey does them all. On a machine without Terraform or its AWS provider the same
journey ends where a person's would, with an error that says what to do; what is emitted is then checked by its schema alone
(test_terraform.py, which runs everywhere).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from casava_os.containers import labels
from casava_os.infra.engine import Engine
from casava_os.infra.performing import engine_of
from casava_os.infra.reading import read_spec
from casava_os.infra.terraform import program, state
from casava_os.infra.wishes import Errand, Wish
from casava_os.paths import private_dir, state_dir
from casava_syscalls.results import Ok
from tests.infra import aws
from tests.infra.conftest import bad, good

SPEC = """
services:
  web:
    image: nginx:1.27
    ports: ["8080-8083:80"]
    secrets: [word]
    scale: 1
  db:
    image: postgres:16
    networks: [back]
    volumes: ["data:/var/lib/postgresql/data"]
networks: {back: {internal: true}}
volumes: {data: }
secrets: {word: {file: word.txt}}
x-casava:
  terraform: {region: eu-central-1, endpoint: ENDPOINT, prepared: true, ami: AMI, ingress: 203.0.113.0/24}
"""
WORD = "open sesame, said the forty-first"

APPLY = """
import sys
from pathlib import Path
from casava_os.infra.performing import engine_of
from casava_os.infra.reading import read_spec
from casava_os.infra.wishes import Errand, Wish
from casava_os.paths import state_dir
workspace = Path(sys.argv[1])
spec = read_spec((workspace / "compose.yaml").read_text(), "compose.yaml").value
print(engine_of(state_dir()).apply(Wish("shop", spec, workspace, driver="terraform"), Errand(pid=4)))
"""


@dataclass
class Cloud:
    """An installation, and an AWS of its own."""

    workspace: Path
    endpoint: str
    told: list[str] = field(default_factory=list)
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = engine_of(private_dir(state_dir()))
        (self.workspace / "word.txt").write_text(WORD)

    def client(self, name: str) -> Any:  # noqa: ANN401 - boto3 has no types
        import boto3

        return boto3.client(name, endpoint_url=self.endpoint, region_name="eu-central-1")

    def spec(self, replicas: int = 1) -> str:
        image = self.client("ec2").describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        text = SPEC.replace("ENDPOINT", self.endpoint).replace("AMI", image)
        text = text.replace("scale: 1", f"scale: {replicas}")
        (self.workspace / "compose.yaml").write_text(text)
        return text

    def wish(self, replicas: int = 1) -> Wish:
        return Wish(
            "shop", good(read_spec(self.spec(replicas), "compose.yaml")), self.workspace, driver="terraform"
        )

    def errand(self) -> Errand:
        return Errand(pid=3, reason="the test asks for it", seconds=600, tell=self.told.append)

    def instances(self) -> dict[str, str]:
        """State by name and replica; those that are gone are left out."""
        found = {}
        for reservation in self.client("ec2").describe_instances()["Reservations"]:
            for one in reservation["Instances"]:
                tags = {tag["Key"]: tag["Value"] for tag in one.get("Tags", [])}
                if one["State"]["Name"] != "terminated":
                    assert tags[labels.OWNER] == self.engine.owner
                    found[f"{tags['casava-os.resource']}-{tags['casava-os.replica']}"] = one["State"]["Name"]
        return found

    def ours(self) -> set[str]:
        """Kinds of what is ours: by its tags, and outside of EC2 by its name."""
        ec2, filters = self.client("ec2"), [{"Name": "tag-key", "Values": [labels.OWNER]}]
        kinds = ("Vpcs", "InternetGateways", "RouteTables", "Subnets", "SecurityGroups", "Volumes")
        calls = ("vpcs", "internet_gateways", "route_tables", "subnets", "security_groups", "volumes")
        found = {
            kind
            for kind, call in zip(kinds, calls, strict=True)
            if getattr(ec2, f"describe_{call}")(Filters=filters)[kind]
        }
        found |= {"Instances"} if self.instances() else set()
        roles = self.client("iam").list_roles()["Roles"]
        found |= {"Roles" for one in roles if one["RoleName"].startswith("casava-")}
        return found | {"Parameters" for _ in self.client("ssm").describe_parameters()["Parameters"]}


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "http_proxy",
        "https_proxy",
        "AWS_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAFORTHETESTONLY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-of-this-test-alone")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("TF_PLUGIN_CACHE_DIR", "")
    mirror = aws.mirror()
    if mirror is not None:
        monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(aws.cli_config(tmp_path, mirror)))
    elif not os.path.exists(os.environ.get("TF_CLI_CONFIG_FILE", "/")):
        monkeypatch.delenv("TF_CLI_CONFIG_FILE")
    (tmp_path / "workspace").mkdir()
    with aws.moto() as endpoint:
        made = Cloud(tmp_path / "workspace", endpoint)
        yield made
        made.engine.close()
        for pid in program.survivors(made.engine.store.place("shop") / "driver"):
            os.kill(pid, signal.SIGKILL)


def complete() -> bool:
    """Whether this machine has what the journey needs."""
    return aws.has_terraform() and aws.mirror() is not None


def cannot(cloud: Cloud) -> None:
    """What a person is told on a machine that lacks it."""
    told = bad(cloud.engine.plan(cloud.wish(), cloud.errand()))
    assert told.code == "unavailable"
    assert told.hint


@pytest.mark.timeout(1800)
def test_a_stack_on_aws_from_up_to_down(cloud: Cloud) -> None:
    if not complete():
        return cannot(cloud)
    engine, place = cloud.engine, cloud.engine.store.place("shop") / "driver"
    up = good(engine.apply(cloud.wish(), cloud.errand()))
    assert {row.action for row in up.plan.rows} == {"create"}
    assert [(one.service, one.state, one.running, one.drift) for one in up.state.services] == [
        ("web", "running", 1, ()),
        ("db", "running", 1, ()),
    ]
    assert up.state.services[0].ports[0].endswith(":8080→80/tcp")
    assert cloud.instances() == {"web-1": "running", "db-1": "running"}
    assert any(said.startswith("Creating instance web-1") for said in cloud.told)
    everything = {"Vpcs", "InternetGateways", "RouteTables", "Subnets", "SecurityGroups", "Volumes"}
    assert cloud.ours() == everything | {"Instances", "Roles", "Parameters"}
    _as_it_should_be(cloud)
    _nothing_secret_is_written(cloud)

    assert good(engine.plan(cloud.wish(), cloud.errand())).rows == ()
    engine.close()

    _killed_in_the_middle(cloud)
    assert cloud.instances().keys() >= {"web-1", "db-1"}
    told = engine_of(engine.store.state).reconcile(cloud.told.append)
    assert told == (
        "The stack shop was being changed when Casava was killed: the version before runs again.",
    )
    assert cloud.instances() == {"web-1": "running", "db-1": "running"}  # no web-2 without a master

    _somebody_meddles(cloud)
    (found,) = good(engine.status("shop"))
    state_now = good(found.state)
    web, db = state_now.services
    assert (web.state, web.drift) == ("missing", ("web is missing",))
    assert (db.state, db.drift) == ("stopped", ("db is stopped",))
    assert "security group ports-web has other ingress" in state_now.other

    rows = good(engine.destroy("shop", volumes=False, errand=cloud.errand()))
    assert ("destroy", "vpc") in {(row.action, row.kind) for row in rows}
    assert cloud.ours() == {"Volumes"}
    (kept,) = good(engine.status("shop"))
    assert kept.record is not None
    assert kept.record.kept == ("data",)
    assert [row.name for row in good(engine.destroy("shop", volumes=True, errand=cloud.errand()))] == ["data"]
    assert cloud.ours() == set()
    assert not place.parent.exists()
    assert not list((engine.store.state / "terraform").iterdir())
    return None


def _as_it_should_be(cloud: Cloud) -> None:
    """What AWS itself says."""
    ec2 = cloud.client("ec2")
    rules = [
        rule for group in ec2.describe_security_groups()["SecurityGroups"] for rule in group["IpPermissions"]
    ]
    opened = {(rule.get("FromPort"), one["CidrIp"]) for rule in rules for one in rule["IpRanges"]}
    assert opened == {(8080, "203.0.113.0/24")}
    (volume,) = [one for one in ec2.describe_volumes()["Volumes"] if one.get("Tags")]
    assert (volume["Size"], volume["Encrypted"]) == (8, True)
    assert [one["State"] for one in volume["Attachments"]] == ["attached"]
    (parameter,) = cloud.client("ssm").describe_parameters()["Parameters"]
    assert parameter["Type"] == "SecureString"
    import base64

    value = cloud.client("ssm").get_parameter(Name=parameter["Name"], WithDecryption=True)["Parameter"][
        "Value"
    ]
    assert base64.b64decode(value).decode() == WORD


def _nothing_secret_is_written(cloud: Cloud) -> None:
    """Neither the secret nor the credentials, but for the secret's own file."""
    import base64

    store = cloud.engine.store
    secret = {
        WORD.encode(),
        base64.b64encode(WORD.encode()),
        b"a-secret-of-this-test-alone",
        b"AKIAFORTHETESTONLY",
    }
    for path in store.state.rglob("*"):
        if path.is_file() and path.parent != store.place("shop") / "files":
            content = path.read_bytes()
            assert not [one for one in secret if one in content], path
    assert not any(WORD in said for said in cloud.told)
    driver = store.place("shop") / "driver"
    assert driver.stat().st_mode & 0o777 == 0o700


def _killed_in_the_middle(cloud: Cloud) -> None:
    """Kills an apply of another replica, Terraform and all, while the instance comes to be and before that is written down."""
    cloud.spec(2)
    place = cloud.engine.store.place("shop") / "driver"
    apply = subprocess.Popen([sys.executable, "-c", APPLY, str(cloud.workspace)], stdout=subprocess.PIPE)
    while "web-2" not in cloud.instances():
        assert apply.poll() is None, apply.communicate()
        time.sleep(0.25)
    apply.kill()
    apply.communicate()
    for pid in set(program.survivors(place)):
        os.kill(pid, signal.SIGKILL)
    assert "aws_instance.web-2" not in state.read(place).resources
    _forgotten(place, "aws_iam_instance_profile", "aws_iam_role")
    assert json.loads((place / "applied.json").read_text())["resource"]["aws_instance"]["web-2"]


def _forgotten(place: Path, *kinds: str) -> None:
    """What else may have been made a moment before: whether Terraform had it written down is chance."""
    path = place / state.FILE
    known = json.loads(path.read_text())
    kept = [one for one in known["resources"] if one["type"] not in kinds]
    assert {one["type"] for one in known["resources"] if one not in kept} == set(kinds)
    path.write_text(json.dumps({**known, "resources": kept, "serial": known["serial"] + 1}))


def _somebody_meddles(cloud: Cloud) -> None:
    ec2 = cloud.client("ec2")
    for reservation in ec2.describe_instances()["Reservations"]:
        for one in reservation["Instances"]:
            name = {tag["Key"]: tag["Value"] for tag in one["Tags"]}["casava-os.resource"]
            if one["State"]["Name"] == "running":
                stop = ec2.terminate_instances if name == "web" else ec2.stop_instances
                stop(InstanceIds=[one["InstanceId"]])
    (group,) = [
        one for one in ec2.describe_security_groups()["SecurityGroups"] if "ports-web" in one["GroupName"]
    ]
    ec2.authorize_security_group_ingress(
        GroupId=group["GroupId"], IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0"
    )


@pytest.mark.timeout(900)
def test_an_answer_that_is_lost(cloud: Cloud) -> None:
    """AWS makes a route, the answer is lost, the provider asks again, and is told that there is one already."""
    if not complete():
        return cannot(cloud)
    with aws.forgetful(cloud.endpoint, "CreateRoute") as cloud.endpoint:
        up = good(cloud.engine.apply(cloud.wish(), cloud.errand()))
        assert [one.state for one in up.state.services] == ["running", "running"]
        assert any("there already" in said for said in cloud.told)
        assert cloud.instances() == {"web-1": "running", "db-1": "running"}
        (routes,) = [
            one["Routes"]
            for one in cloud.client("ec2").describe_route_tables(
                Filters=[{"Name": "tag-key", "Values": [labels.OWNER]}]
            )["RouteTables"]
        ]
        assert "0.0.0.0/0" in {route.get("DestinationCidrBlock") for route in routes}
        assert good(cloud.engine.plan(cloud.wish(), cloud.errand())).rows == ()
        cloud.engine.close()
        good(cloud.engine.destroy("shop", volumes=True, errand=cloud.errand()))
        assert cloud.ours() == set()
    return None


def test_credentials_that_aws_does_not_know(cloud: Cloud) -> None:
    if not complete():
        return cannot(cloud)
    import urllib.request

    wish = cloud.wish()
    strict = urllib.request.Request(
        f"{cloud.endpoint}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"}
    )
    urllib.request.urlopen(strict, timeout=10).close()
    refused = bad(cloud.engine.apply(wish, cloud.errand()))
    assert refused.code == "denied", refused
    assert "AWS_PROFILE" in refused.hint
    assert "a-secret-of-this-test-alone" not in str(refused)
    assert not cloud.engine.store.place("shop").exists()
    return None


def test_a_provider_that_cannot_be_had(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not aws.has_terraform():
        return cannot(cloud)
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(aws.cli_config(tmp_path, tmp_path / "empty")))
    missing = bad(cloud.engine.plan(cloud.wish(), cloud.errand()))
    assert missing.code == "unavailable"
    assert "provider" in missing.title
    assert "hashicorp/aws" in missing.message
    assert "TF_PLUGIN_CACHE_DIR" in missing.hint
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(tmp_path / "nowhere.rc"))
    nowhere = bad(engine_of(cloud.engine.store.state).plan(cloud.wish(), cloud.errand()))
    assert nowhere.code == "unavailable"
    assert "TF_CLI_CONFIG_FILE" in nowhere.hint
    return None


def test_the_whole_of_a_spec_is_valid_to_the_provider(cloud: Cloud, tmp_path: Path) -> None:
    if not complete():
        return cannot(cloud)
    from tests.infra.test_terraform import RICH, emitted

    (tmp_path / "word.txt").write_text(WORD)
    found = good(program.find())
    folder = private_dir(tmp_path / "rich")
    (folder / "main.tf.json").write_text(json.dumps(emitted(cloud.engine, RICH)))
    for command in (["init", "-no-color"], ["validate", "-json"]):
        ran = program.run(
            [found.path, *command], folder, program.environment({}), until=time.monotonic() + 240
        )
        assert isinstance(ran, Ok)
        assert ran.value.code == 0, ran.value.text
    return None
