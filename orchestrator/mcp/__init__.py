"""The MCP server: the tools an instance's client offers to its model. ``orchestrate mcp``."""
