"""Userland: each app is a folder with an app.toml."""
