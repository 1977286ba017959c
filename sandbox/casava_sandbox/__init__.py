"""Where effects happen: the sandbox drivers, the layer, and the agent inside."""
