"""The MCP server, by the SDK's own client over real pipes."""
