"""Images: listed, fetched, built; and files copied in and out, as tar files that the agent packs."""

import io
import tarfile
from pathlib import Path

import pytest

from casava_os.containers.images import Share, base_images, no_image
from casava_os.containers.looking import is_image
from tests.containers.conftest import Casava


def packed(path: Path, files: dict[str, str]) -> Path:
    """What the agent packs."""
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            data = content.encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


async def test_the_images(casava: Casava) -> None:
    repository = casava.image.partition(":")[0]
    (row,) = await casava.rows("container.images", name_contains=repository)
    assert row["name"] == casava.image
    assert row["size"] > 1_000_000
    assert await casava.rows("container.images", name_contains="casava-test-none") == []


async def test_pulling_what_is_nowhere(casava: Casava) -> None:
    err = await casava.err("container.pull", image="casava-test-nowhere.invalid/none:1")
    assert err.code == "not-found"
    assert "docker load" in err.hint


@pytest.mark.parametrize(
    ("said", "title"),
    [
        (
            "pull access denied for x, repository does not exist or may require 'docker login'",
            "There is no image",
        ),
        ("manifest for x:9 not found: manifest unknown: manifest unknown", "There is no image"),
        ("Get https://r/v2/: dial tcp: lookup r: no such host", "no registry answers"),
        ("Get https://r/v2/: net/http: request canceled (Client.Timeout exceeded)", "no registry answers"),
        ("write /var/lib/docker/tmp/x: no space left on device", "There is no room"),
        ("toomanyrequests: You have reached your pull rate limit", "cannot be fetched"),
    ],
)
def test_why_an_image_cannot_be_had(said: str, title: str) -> None:
    assert title in no_image("x:9", said).title


def test_how_far_a_pull_is() -> None:
    assert Share().share is None
    share = Share()
    share.add(
        {"id": "a", "status": "Downloading", "progressDetail": {"current": 5_000_000, "total": 10_000_000}}
    )
    share.add({"id": "b", "status": "Downloading", "progressDetail": {"current": 0, "total": 30_000_000}})
    assert (share.share, share.text()) == (0.125, ": 5 of 40 MB")
    share.add({"id": "b", "status": "Download complete"})
    share.add({"id": "a", "status": "Pull complete"})
    assert share.share == 1.0


def test_what_a_dockerfile_begins_from() -> None:
    text = "ARG V\nFROM --platform=linux/amd64 \\\n golang:1 AS build\nRUN x\nfrom build\nFROM scratch\nFROM base:$V\nFROM redis"
    assert list(base_images(text)) == ["golang:1", "redis"]


@pytest.mark.parametrize(
    ("wanted", "image", "same"),
    [
        ("nginx", "nginx:1.27", True),
        ("nginx:1.27", "nginx:1.27", True),
        ("nginx:1.26", "nginx:1.27", False),
        ("nginx", "registry.example:5000/team/nginx:2", True),
        ("team/nginx", "registry.example:5000/team/nginx:2", False),
        ("ngin", "nginx", False),
        ("redis", "redis", True),
    ],
)
def test_whose_image_it_is(wanted: str, image: str, same: bool) -> None:
    assert is_image(wanted, image, "sha256:abc") is same


# -------------------------------------------------------------------------------------------------- build


async def test_building(casava: Casava, tmp_path: Path) -> None:
    files = {
        "Dockerfile": f'FROM {casava.image}\nCOPY conf /etc/conf\nRUN echo loud; echo made > /srv/made\nCMD ["sleep", "600"]\n',
        "conf/a.ini": "a=1",
        "conf/secret.txt": "no",
        ".dockerignore": "conf/secret.txt\n",
    }
    casava.cargo = packed(tmp_path / "cargo.tar", files)
    tag = f"{casava.image.partition(':')[0]}:two"
    told = await casava.facts("container.build", tag=tag)
    assert (told["image"], told["state"]) == (tag, "built")
    assert any("Step 2 of" in doing and share for doing, share in casava.heard.progress)
    assert bytes(casava.heard.output) == b"loud\n", (
        "what the commands print, and not what the daemon says of itself"
    )
    casava.cargo = None
    run = await casava.facts("container.run", image=tag, command="cat /srv/made; ls /etc/conf", detach=False)
    assert run["output"] == "made\na.ini\n", "what .dockerignore names stayed out"
    other = casava.name()
    made = casava.api.create_container(tag, name=other)
    casava.foreign.append(str(made["Id"]))
    rows = {row["name"]: row["by"] for row in await casava.rows("container.list", all=True)}
    assert rows[other] == "other", "a container of an image that Casava built is not for that Casava's"


async def test_a_build_that_fails_says_where(casava: Casava, tmp_path: Path) -> None:
    casava.cargo = packed(
        tmp_path / "cargo.tar", {"Dockerfile": f"FROM {casava.image}\nRUN echo about to fail; exit 5\n"}
    )
    err = await casava.err("container.build")
    assert err.code == "failed"
    assert "about to fail" in err.message


async def test_a_build_without_a_dockerfile(casava: Casava, tmp_path: Path) -> None:
    casava.cargo = packed(tmp_path / "cargo.tar", {"Dockerfile.slim": "FROM scratch\n"})
    err = await casava.err("container.build")
    assert (err.code, err.hint) == ("not-found", "did you mean Dockerfile.slim?")


async def test_a_base_image_that_is_nowhere(casava: Casava, tmp_path: Path) -> None:
    casava.cargo = packed(tmp_path / "cargo.tar", {"Dockerfile": "FROM casava-test-nowhere.invalid/none:1\n"})
    err = await casava.err("container.build")
    assert "registry" in err.title


# -------------------------------------------------------------------------------------------------- copying


async def test_copying_in_and_out(casava: Casava, tmp_path: Path) -> None:
    name = await casava.started()
    casava.cargo = packed(tmp_path / "in.tar", {"conf/a.ini": "a=1", "conf/b.ini": "b=2"})
    told = await casava.facts("container.copy_in", container=name, source="conf", to="/srv")
    assert told["files"] == 2
    told = await casava.facts("container.copy_in", container=name, source="conf", to="/srv/other")
    ran = await casava("container.exec", container=name, command="cat /srv/conf/a.ini /srv/other/b.ini")
    assert ran.value.stdout == "a=1b=2"  # type: ignore[union-attr]
    assert any("Not undoable" in note for note in casava.heard.notes)
    casava.cargo = tmp_path / "out.tar"
    told = await casava.facts("container.copy_out", container=name, source="/srv/conf")
    assert told["bytes"] > 0
    with tarfile.open(tmp_path / "out.tar") as tar:
        assert "conf/b.ini" in tar.getnames()


async def test_copying_to_a_folder_that_is_not_there(casava: Casava, tmp_path: Path) -> None:
    name = await casava.started()
    casava.cargo = packed(tmp_path / "in.tar", {"a": "1"})
    err = await casava.err("container.copy_in", container=name, source="a", to="/nowhere/a")
    assert (err.code, "/nowhere" in err.title) == ("not-found", True)
    err = await casava.err("container.copy_in", container=name, source="a", to="srv/a")
    assert (err.code, err.hint) == ("usage", "write it from the top: /srv/a")
    err = await casava.err("container.copy_out", container=name, source="/nowhere")
    assert err.code == "not-found"


async def test_the_packed_files_are_not_reached_through_a_link(casava: Casava, tmp_path: Path) -> None:
    """The sandbox sees the scratch space: what lies under the name of a tar file may be of its making."""
    name = await casava.started()
    (tmp_path / "in.tar").symlink_to("/etc/hostname")
    casava.cargo = tmp_path / "in.tar"
    assert (await casava.err("container.copy_in", container=name, source="a", to="/srv")).code == "failed"
    assert (await casava.err("container.copy_out", container=name, source="/etc/motd")).code == "failed"
