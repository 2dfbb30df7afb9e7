"""The only code that shares a process with untrusted JavaScript."""
