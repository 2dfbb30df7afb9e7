"""The only code that shares a process with untrusted JavaScript.

It is started as a process (`python -m ovh_api_mcp.sandbox.inside.zygote`), never imported by the
server, and imports nothing of the project but `sandbox.frames`, `sandbox.walls` and the numbers of
`limits`. The trial of the walls (trial.py, attempts.py) is started in the same way.
"""
