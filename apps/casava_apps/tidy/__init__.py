"""Tidy: sorts a messy folder by rules."""
