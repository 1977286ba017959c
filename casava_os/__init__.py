"""The kernel of Casava OS and its faces."""
