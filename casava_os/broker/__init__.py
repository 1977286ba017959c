"""The broker: performs on the host what cannot run inside the sandbox."""

from casava_os.broker.host import HostBroker

__all__ = ["HostBroker"]
