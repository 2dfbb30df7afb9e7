"""Step 1: what an MCP client sees."""
