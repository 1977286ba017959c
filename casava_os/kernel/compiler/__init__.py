"""From a request to a typed plan."""
