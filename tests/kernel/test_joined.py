"""One broker of several."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from casava_os.broker import HostBroker
from casava_os.kernel.joined import JoinedBroker
from casava_os.kernel.ports import Errand
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Text, Value


class Echo:
    """Says who asks."""

    def __init__(self, *names: str) -> None:
        self._names = frozenset(names)

    def performs(self) -> frozenset[str]:
        return self._names

    async def perform(
        self, call: Mapping[str, object], *, seconds: float | None = None, errand: Errand | None = None
    ) -> Result[Value]:
        return Ok(value=Text(text=f"{sorted(self._names)} {seconds} {errand.pid if errand else None}"))


async def test_each_call_goes_to_its_part() -> None:
    joined = JoinedBroker((Echo("a.b", "a.c"), Echo("d.e")))
    assert joined.performs() == {"a.b", "a.c", "d.e"}
    said = await joined.perform({"call": "d.e"}, seconds=3, errand=Errand(pid=5))
    assert said == Ok(value=Text(text="['d.e'] 3 5"))
    nobody = await joined.perform({"call": "f.g"})
    assert isinstance(nobody, Err)
    assert nobody.code == "unavailable"


def test_two_may_not_perform_the_same() -> None:
    with pytest.raises(ValueError, match=r"system\.cpu"):
        JoinedBroker((HostBroker(), Echo("system.cpu")))
