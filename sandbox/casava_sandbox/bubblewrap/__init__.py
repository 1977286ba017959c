"""The bubblewrap driver: the same promises without a daemon, from Linux namespaces."""
