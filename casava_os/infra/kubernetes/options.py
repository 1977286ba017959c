"""What a spec may say about the cluster: `x-casava: {kubernetes: …}`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from casava_os.infra.parts import Name, Part, Plain, Size

NamespaceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
VolumeSize = Annotated[Size, Field(ge=2**20)]


class Kubernetes(Part):
    """Where in which cluster a stack runs, and what Compose has no word for. Only the kubernetes driver reads it."""

    context: Plain | None = None
    """Of the kubeconfig; None: its current one at the first apply."""
    namespace: NamespaceName | None = None
    """It must be there; None: the context's."""
    storage_class: Plain | None = None
    """Of volumes; None: the cluster's default."""
    access: Literal["ReadWriteOnce", "ReadWriteMany"] = "ReadWriteOnce"
    """Whether one pod alone has a volume, or several share it; the latter takes storage that can."""
    size: VolumeSize = 2**30
    """Of each volume, where `volumes` says nothing else."""
    volumes: dict[Name, VolumeSize] = Field(default_factory=dict)
    """Sizes of volumes by name."""
    pull_secrets: tuple[Name, ...] = ()
    """Secrets of the namespace with which images are pulled."""
