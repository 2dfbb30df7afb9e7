"""An MCP server for the whole OVHcloud API, v1 and v2, through two tools: search and execute."""

__version__ = "0.1.0"
