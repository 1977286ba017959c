"""The Docker driver: a hardened container over an overlay volume that the daemon mounts."""
