"""`casava-os stack … --driver kubernetes` as a person types it."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.infra.kubernetes_world import SHOP, Cluster


def casava(cluster: Cluster, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "casava_os", "stack", *arguments], cwd=cluster.workspace, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=250, env={**os.environ, "NO_COLOR": "1"}, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_planned_approved_applied_looked_at_and_taken_down(cluster: Cluster) -> None:
    (cluster.workspace / "compose.yaml").write_text(SHOP)
    code, out, err = casava(cluster, "plan", "compose.yaml", "--driver", "kubernetes")
    assert code == 0, err
    assert "on cluster" in out.splitlines()[1]
    digest = next(word for word in err.split() if word.startswith("sha256:")).rstrip(";")
    code, out, err = casava(cluster, "apply", "compose.yaml", "--driver", "kubernetes", "--approve", digest)
    assert code == 0, err
    assert "shop\tweb\trunning\t1/1" in out
    assert cluster.other.names("Deployment") == ["shop-db", "shop-web"]
    code, out, err = casava(cluster, "list")
    assert "\tkubernetes\t" in out, err
    code, out, err = casava(cluster, "destroy", "shop", "--volumes", "--yes")
    assert code == 0, err
    assert cluster.other.everything() == {}


def test_what_a_cluster_cannot_do_is_told_with_its_place(cluster: Cluster) -> None:
    (cluster.workspace / "compose.yaml").write_text(
        "services: {web: {image: nginx, volumes: ['./site:/srv']}}\n"
    )
    code, _, err = casava(cluster, "plan", "compose.yaml", "--driver", "kubernetes")
    assert code != 0
    assert "services.web.volumes[0]: ./site lies on this machine" in err
