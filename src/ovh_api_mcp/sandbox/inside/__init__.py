"""The only code that shares a process with untrusted JavaScript.

It is started as a process (`python -m ovh_api_mcp.sandbox.inside.zygote`), never imported by the
server, and imports nothing of the project but `sandbox.frames` and the numbers of `limits`.
"""
