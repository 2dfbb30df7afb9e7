"""Step 3: decides whether a call may leave."""
