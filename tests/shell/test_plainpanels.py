"""Containers, stacks and memory line by line: on a real terminal with the real daemon, and in a pipe without one."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from casava_os.containers import labels
from tests.shell.panels import api, image
from tests.shell.test_plain import SECONDS, Home, Reader, home, reader

if TYPE_CHECKING:
    from docker import APIClient

__all__ = ["api", "home", "image", "reader"]


def test_told_and_done_by_words(
    reader: Reader, tmp_path: Path, api: APIClient, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path / "home"))
    name = f"casava-panel-{secrets.token_hex(4)}"
    config = api.create_host_config(network_mode="none")
    marked = labels.labels(pid=7, reason="run it for me")
    made = api.create_container(
        image, ["sh", "-c", "echo hello; exec sleep 600"], name=name, host_config=config, labels=marked
    )
    try:
        api.start(made["Id"])
        reader.until("Request: ")
        reader.type("/containers\n")
        assert f"{name}: " in reader.until("Request: ")
        reader.type(f"/containers {name}\n")
        said = reader.until("Request: ")
        assert "reason: run it for me" in said
        assert "It printed, the last 1 lines:\n  hello\n" in said
        reader.type(f"/containers remove {name}\n")
        said = reader.until("Answer yes or no: ")
        assert f"Remove {name}, running or not" in said
        reader.type("yes\n")
        reader.until("Request: ")
        assert not any(f"/{name}" in one["Names"] for one in api.containers(all=True))
    finally:
        if any(f"/{name}" in one["Names"] for one in api.containers(all=True)):
            api.remove_container(made["Id"], force=True)

    reader.type("/stacks\n")
    assert "No stack is set up here." in reader.until("Request: ")
    reader.type("/memory remember the printer is in room 12\n")
    reader.until("Answer yes or no: ")
    reader.type("yes\n")
    reader.until("Request: ")
    reader.type("/memory printer\n")
    found = re.search(r"(f\d+), fact of ", reader.until("the printer is in room 12"))
    assert found is not None
    reader.until("Request: ")
    reader.type(f"/memory forget {found[1]}\n")
    reader.until(f"Forget {found[1]} for good?")
    reader.type("yes\n")
    reader.until("1 entry is forgotten.")
    reader.until("Request: ")
    reader.type("/memory private\n")
    reader.until("Private mode is on")
    reader.until("Request: ")  # a Ctrl-D before it is lost, with every program that uses Readline
    reader.type("\x04")
    reader.until("Goodbye.")
    assert reader.process.wait(SECONDS) == 0
    assert reader.heard.isascii()
    assert "\x1b" not in reader.heard


def test_what_cannot_be_told_says_why(home: Home, tmp_path: Path) -> None:
    home.environment["DOCKER_HOST"] = f"unix://{tmp_path}/none.sock"
    told = home.piped(
        "/containers\n/containers a b c\n/stacks scale a b many\n/stacks nowhere\n/memory forget f9\n/memory forget\n"
    )
    for said in (
        "Error: There is no Docker daemon.",
        "/containers takes: all, NAME, stop NAME, extend NAME TIME",
        "'many' is no number of replicas",
        "Nothing was forgotten.",
    ):
        assert said in told.stderr, told.stderr
    assert told.returncode == 1
