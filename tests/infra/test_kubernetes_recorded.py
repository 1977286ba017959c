"""The tests' own API server against recorded answers of a real one: field by field, who owns what, what is refused and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import load_kube_config

from tests.infra.kubernetes_api import Api
from tests.infra.kubernetes_exchanges import FILE, NAMESPACE, REQUESTS, asked, through
from tests.infra.kubernetes_world import kubeconfig

RECORDED = json.loads(FILE.read_text(encoding="utf-8"))["exchanges"]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    path: Path = tmp_path_factory.mktemp("recorded") / "kubeconfig"
    with Api() as api:
        api.namespaces.add(NAMESPACE)
        configuration = Configuration()
        load_kube_config(config_file=str(kubeconfig(path, api.url)), client_configuration=configuration)  # type: ignore[no-untyped-call]
        client = ApiClient(configuration)
        found = list(asked(through(client)))
        client.close()  # type: ignore[no-untyped-call]
    return found


def test_the_recording_is_of_these_requests() -> None:
    assert [(one["method"], one["url"]) for one in RECORDED] == [
        (method, url) for method, url, _, _ in REQUESTS
    ]


@pytest.mark.parametrize("number", range(len(REQUESTS)))
def test_it_answers_as_the_real_one_did(answers: list[dict[str, object]], number: int) -> None:
    assert answers[number] == RECORDED[number]
