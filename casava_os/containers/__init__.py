"""Containers: performs the `container` family with the Docker daemon, and knows what of it is Casava's own."""
