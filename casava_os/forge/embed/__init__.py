"""Makes the embedding model: what tells memory that two requests mean the same though they share no word."""
