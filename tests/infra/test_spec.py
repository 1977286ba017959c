"""A Compose file is understood, or refused with the place and the reason."""

from __future__ import annotations

import pytest

from casava_os.infra.graph import graph_of
from casava_os.infra.reading import read_spec
from casava_os.infra.spec import StackSpec
from casava_syscalls.results import Err, Ok


def spec(text: str, **settings: str) -> StackSpec:
    read = read_spec(text, "compose.yaml", settings)
    assert isinstance(read, Ok), read
    return read.value


def wrong(text: str, **settings: str) -> str:
    read = read_spec(text, "compose.yaml", settings)
    assert isinstance(read, Err), read
    return f"{read.title}: {read.message} → {read.hint}"


def test_short_and_long_forms_are_one() -> None:
    short = spec("""
services:
  web:
    image: nginx:1
    command: sh -c "echo hi"
    environment: [A=1, B=]
    ports: ["127.0.0.1:8080:80/tcp", 9000]
    volumes: ["data:/data:ro", "./src:/src"]
    depends_on: [db]
    mem_limit: 64m
  db: {image: "pg:1"}
volumes: {data: }
""")
    long = spec("""
services:
  web:
    image: nginx:1
    command: [sh, -c, echo hi]
    environment: {A: 1, B: ""}
    ports: [{target: 80, published: 8080, host_ip: 127.0.0.1}, {target: 9000}]
    volumes:
      - {type: volume, source: data, target: /data, read_only: true}
      - {type: bind, source: ./src, target: /src}
    depends_on: {db: {condition: service_started}}
    mem_limit: 67108864
  db: {image: "pg:1"}
volumes: {data: {}}
""")
    assert short == long


@pytest.mark.parametrize(
    ("written", "address", "ports", "target"),
    [
        ("80", "127.0.0.1", [], 80),
        ("8080:80", "127.0.0.1", [8080], 80),
        ("8080-8082:80", "127.0.0.1", [8080, 8081, 8082], 80),
        ("0.0.0.0:8080:80", "0.0.0.0", [8080], 80),
        ("[::1]:8080:80", "::1", [8080], 80),
    ],
)
def test_a_port_is_on_loopback_unless_it_says_otherwise(
    written: str, address: str, ports: list[int], target: int
) -> None:
    (port,) = spec(f"services: {{web: {{image: n, ports: ['{written}']}}}}").services["web"].ports
    assert (port.host_ip, list(port.host_ports), port.target) == (address, ports, target)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: {web: {image: n, imge: x}}", "services.web.imge: `imge` is not a key that is understood here; did you mean `image`?"),
        ("services: {web: {image: n, privileged: true}}", "services.web.privileged: `privileged` is refused: a privileged container"),
        ("services: {web: {image: n, network_mode: host}}", "`network_mode: host` is refused"),
        ("services: {web: {image: n, devices: [/dev/sda]}}", "`devices` is refused"),
        ("services: {web: {image: n, cap_add: [SYS_ADMIN]}}", "`cap_add` is refused"),
        ("services: {web: {build: .}}", "`build` is refused: images are built beforehand"),
        ("services: {web: {}}", "services.web: `image` is missing"),
        ("services: {web: {image: n, ports: ['80', 'x']}}", "services.web.ports[1]: 'x' is not a port"),
        ("services: {web: {image: n, ports: ['99999:80']}}", "services.web.ports[0]: 99999 is not a port"),
        ("services: {web: {image: n, volumes: [/data]}}", "an anonymous volume would be lost"),
        ("services: {web: {image: n, volumes: ['data:/x']}}", "there is no volume 'data' under `volumes`"),
        ("services: {web: {image: n, networks: [back]}}", "there is no network 'back'"),
        ("services: {web: {image: n, secrets: [x]}}", "services.web.secrets[0]: there is no secret 'x'"),
        ("services: {web: {image: n, depends_on: [db]}}", "there is no service 'db'"),
        ("services: {web: {image: n, depends_on: [web]}}", "it depends on itself"),
        ("services: {a: {image: n, depends_on: [b]}, b: {image: n, depends_on: [c]}, c: {image: n, depends_on: [a]}}", "in a circle"),
        ("services: {a: {image: n, depends_on: {b: {condition: service_healthy}}}, b: {image: n}}", "it can never be healthy"),
        ("services: {a: {image: n, ports: ['8080:80'], scale: 3}}", "3 replicas cannot share 8080: write a range such as 8080-8082:80"),
        ("services: {a: {image: n, ports: ['8080:80']}, b: {image: n, ports: ['8080:81']}}", "port 8080 is published by services.a.ports[0], too"),
        ("services: {a: {image: n, container_name: x, scale: 2}}", "2 replicas cannot have one name"),
        ("services: {a: {image: n, environment: [HOME]}}", "nothing is taken from this machine's environment in silence"),
        ("services: {a: {image: 'n:${TAG}'}}", "services.a.image: TAG has no value; give it with --set TAG=…"),
        ("services: {a: {image: 'n:${TAG'}}", "cannot be read"),
        ("services: {a: {image: n, healthcheck: {interval: 5}}}", "a health check needs a `test`"),
        ("services: {a: {image: n, healthcheck: {test: x, interval: soon}}}", "'soon' is not a duration"),
        ("services: {a: {image: n, mem_limit: lots}}", "'lots' is not a size"),
        ("services: {a: {image: n, deploy: {update_config: {order: start-first}}}}", "'start-first' is not supported here"),
        ("services: {a: {image: n, restart: sometimes}}", "services.a.restart: 'sometimes' is not written as it must be"),
        ("services: {a: {image: n}}\nsecrets: {x: {environment: TOKEN}}", "nothing is taken from this machine's environment"),
        ("services: {a: {image: n, mem_limit: 2g}}\nx-casava: {budget: {memory: 1g}}", "the limits add up to 2048 MiB, not 1024 MiB"),
        ("services: {a: {image: n}}\nx-casava: {leas: 2h}", "x-casava.leas"),
        ("services: {}", "services"),
        ("services: [a]", "services: "),
        ("services: {a: {image: n}}\nservices: {b: {image: n}}", "line 2, column 1: the key 'services' is given twice"),
        ("services: {a: {image: n}", "line 1"),
        ("[1, 2]", "it is not a mapping"),
        ("", "it is empty"),
        ("a: &a [*a]", "a reference leads back to itself"),
        ("services: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("a: " + "[" * 60 + "]" * 60, "nested deeper than 40 levels"),
        ("a: " + "x" * 2_000_000, "too large"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(text: str, said: str) -> None:
    assert said in wrong(text)


def test_a_bomb_of_references_is_found_before_it_grows() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
    )
    assert "more than 50000 values" in wrong(bomb)


def test_several_mistakes_are_told_at_once() -> None:
    told = wrong("services: {a: {image: n, foo: 1}, b: {image: n, ports: [x]}}")
    assert "services.a.foo" in told
    assert "services.b.ports[0]" in told


def test_settings_and_defaults_fill_names_and_nothing_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAG", "from-the-host")
    text = "services: {a: {image: 'n:${TAG:-1}', command: [echo, '$$HOME', '${SAY-x}', '${SAY:+said}']}}"
    assert spec(text).services["a"].image == "n:1"
    assert spec(text, TAG="2", SAY="y").services["a"].command == ("echo", "$HOME", "y", "said")
    assert spec(text).services["a"].command == ("echo", "$HOME", "x", "")
    assert "no setting 'TAGG'" in wrong(text, TAGG="2")


def test_a_parameter_has_a_default_and_a_form() -> None:
    text = "services: {a: {image: 'n:${TAG}'}}\nx-casava: {parameters: {TAG: {description: a number, default: 7, pattern: '\\d+'}}}"
    assert spec(text).services["a"].image == "n:7"
    assert "TAG=x does not fit: a number" in wrong(text, TAG="x")


def test_the_graph_orders_and_equal_specs_have_equal_digests() -> None:
    text = """
services:
  web: {image: n, depends_on: [app]}
  app: {image: n, depends_on: [db, cache], volumes: ["d:/d"]}
  db: {image: n}
  cache: {image: n}
volumes: {d: }
"""
    graph = graph_of(spec(text), {})
    order = [[node.name for node in level] for level in graph.levels()]
    assert order == [["default", "d"], ["cache", "db"], ["app"], ["web"]]
    assert graph.digests == graph_of(spec(text), {}).digests
    changed = graph_of(spec(text.replace("web: {image: n,", "web: {image: n, user: nobody,")), {})
    assert [n for n in graph.digests if graph.digests[n] != changed.digests[n]] == [
        node for node in graph.digests if (node.kind, node.name) == ("service", "web")
    ]
    scaled = graph_of(spec(text.replace("web: {image: n,", "web: {image: n, scale: 3, mem_limit: 64m,")), {})
    assert scaled.digests == graph.digests
