"""The server as clients of other makers see it: npm's SDKs and the official conformance suite."""
