"""`python -m ovh_api_mcp` is the command `ovh-api-mcp`."""

from ovh_api_mcp.cli.main import main

if __name__ == "__main__":
    main()
