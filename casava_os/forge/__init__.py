"""Makes the kernel model: synthesize, tokenize, train, export, evaluate (extra: forge)."""
