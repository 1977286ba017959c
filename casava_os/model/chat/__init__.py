"""Models that chat: any instruct GGUF, any OpenAI-compatible endpoint. They read the ABI and write plans as JSON."""
