"""The program as its users meet it: a real process, a real client, a simulated API, the whole catalogue."""
