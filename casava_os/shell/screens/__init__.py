"""What fills the terminal: the conversation, and what comes up over it."""
