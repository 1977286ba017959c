"""The kernel models: what turns a request into tokens of the plan language."""
