"""How thousands of accounts take a step: one source, interpreted, compiled, shared by threads, or on a GPU."""
