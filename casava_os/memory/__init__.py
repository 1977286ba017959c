"""Memory: what past sessions left, so that the next one is better. The store, recall, proven plans and the person's rights."""
