"""Step 2: runs a script where it can do no harm."""
