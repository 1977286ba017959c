"""The copy-on-write view of a workspace: overlay, changeset, commit, undo."""
