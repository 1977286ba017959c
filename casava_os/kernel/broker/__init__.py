"""Performs on the host what cannot run inside the sandbox."""
