"""Manifests against the published OpenAPI schema of Kubernetes, as the `kubernetes` package carries it: its typed models.

Validated: every field is known at its place, under its published (camelCase) name; what the schema requires is there; types,
all the way down. Not validated, because it is not in that schema but in the API server's code: the form of names, quantities and
ports, values that exclude each other, what may change later, and what admission in a certain cluster thinks of it. For
those the driver asks the cluster by a dry run before anything is done.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

Json = dict[str, Any]


def _model(kind: str) -> Any:  # noqa: ANN401 - a model of the client
    from kubernetes import client

    return getattr(client, f"V1{kind}")


def problems(manifest: Json) -> list[str]:
    """What the schema has against a manifest, a line each."""
    try:
        read = _model(str(manifest["kind"])).model_validate(manifest)
    except ValidationError as wrong:
        return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in wrong.errors(include_url=False)]
    written = json.loads(read.to_json())
    return [] if written == manifest else [f"it reads as {json.dumps(written, sort_keys=True)}"]


def unknown_fields(manifest: Json) -> list[str]:
    """Fields that the schema does not know, as the server's strict decoding tells them."""
    try:
        _model(str(manifest["kind"])).model_validate(manifest)
    except ValidationError as wrong:
        return [
            ".".join(map(str, one["loc"]))
            for one in wrong.errors(include_url=False)
            if one["type"] == "extra_forbidden"
        ]
    return []
