"""Builds the Docker sandbox's image on this machine, for when no registry can be reached."""
