"""A sample as named figures: what history keeps, and what alarms look at."""

from __future__ import annotations

from casava_os.meters.rates import share
from casava_os.meters.readings import Sample


def figures(sample: Sample) -> dict[str, float | None]:
    """Figures by name ("memory", "disk.read", "gpu.0000:01:00.0.use"), in the units of the readings; shares in per cent."""
    found: dict[str, float | None] = {}
    if cpu := sample.cpu:
        found["cpu"], found["cpu.temperature"] = cpu.use_percent, cpu.temperature
    if memory := sample.memory:
        found["memory"] = share(memory.used, memory.total)
    if swap := sample.swap:
        found["swap"] = share(swap.used, swap.total)
    if disk := sample.disk:
        found["disk.read"], found["disk.written"] = disk.read, disk.written
        found["disk.full"] = disk.full_percent
    if network := sample.network:
        found["network.received"], found["network.sent"] = network.received, network.sent
    for resource, pressure in sample.pressure.items():
        found[f"pressure.{resource}"] = pressure.some
    if power := sample.power:
        found["power"] = power.watts
    for gpu in sample.gpus:
        found[f"gpu.{gpu.key}.use"] = gpu.use_percent
        found[f"gpu.{gpu.key}.memory"] = share(gpu.memory_used, gpu.memory_total)
        found[f"gpu.{gpu.key}.temperature"] = gpu.temperature
        found[f"gpu.{gpu.key}.watts"] = gpu.watts
    for sandbox in sample.sandboxes:
        found[f"sandbox.{sandbox.key}.cpu"] = sandbox.cpu_percent
        found[f"sandbox.{sandbox.key}.memory"] = share(sandbox.memory, sandbox.memory_limit)
    if own := sample.own:
        found["own.cpu"] = own.cpu_percent
    return found
