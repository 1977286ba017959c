"""torch is no part of `make test`: it comes by `make forge`, and with it the tests of the network are collected."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = (
    []
    if find_spec("torch")
    else ["test_embed.py", "test_net.py", "test_train.py", "test_export.py", "test_make.py"]
)
