"""Every blueprint that ships is a spec, with a pinned image and room for the machine that it lands on."""

from __future__ import annotations

import pytest
import yaml

from casava_os.infra.blueprints import ALSO_CALLED, blueprint, catalog, names
from casava_os.infra.tables import catalog_table
from casava_syscalls.results import Err, Ok

WANTED = {"postgres", "redis", "nginx", "minio", "jupyter", "monitoring", "llm-server", "rag"}


def test_the_catalogue_has_what_it_promises() -> None:
    assert set(names()) >= WANTED
    table = catalog_table(catalog())
    assert isinstance(table, Ok)
    assert {row[0] for row in table.value.rows} == set(names())


@pytest.mark.parametrize("name", sorted(WANTED))
def test_a_blueprint_is_whole(name: str) -> None:
    found = blueprint(name)
    assert isinstance(found, Ok), found
    spec = found.value.spec
    assert spec.x_casava.description
    for service in spec.services.values():
        tag = service.image.rpartition("/")[2].partition(":")[2]
        assert tag, f"{service.image} has no tag"
        assert tag != "latest"
        assert service.memory_limit, "without a limit the fit check knows nothing"
        assert all(port.host_ip == "127.0.0.1" for port in service.ports)
        assert not any(mount.type == "bind" for mount in service.volumes)
    for name_, config in spec.configs.items():
        assert yaml.safe_load(config.content or ""), name_


def test_settings_reach_a_blueprint_and_wrong_ones_do_not() -> None:
    found = blueprint("postgres", {"PORT": "15432", "MEMORY": "1g"})
    assert isinstance(found, Ok)
    service = found.value.spec.services["db"]
    assert list(service.ports[0].host_ports) == [15432]
    assert service.memory_limit == 2**30
    wrong = blueprint("postgres", {"PORT": "many"})
    assert isinstance(wrong, Err)
    assert "PORT=many does not fit" in wrong.message
    free = blueprint("redis", {"PORT": ""})
    assert isinstance(free, Ok)
    assert not free.value.spec.services["cache"].ports[0].host_ports


def test_other_names_and_unknown_ones() -> None:
    for other, name in ALSO_CALLED.items():
        found = blueprint(other)
        assert isinstance(found, Ok)
        assert found.value.name == name
    unknown = blueprint("postgress")
    assert isinstance(unknown, Err)
    assert "postgres" in unknown.hint
