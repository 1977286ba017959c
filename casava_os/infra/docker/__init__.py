"""Stacks as containers, networks and volumes of the local Docker daemon."""
