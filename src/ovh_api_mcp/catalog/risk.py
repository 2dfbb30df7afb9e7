"""What an operation can do to an account."""

from enum import StrEnum


class Label(StrEnum):
    """One thing that an operation does."""

    READ = "read"
    WRITE = "write"
    DESTROYS = "destroys"
    SPENDS = "spends"
    SECRETS = "secrets"
    ACCESS = "access"
