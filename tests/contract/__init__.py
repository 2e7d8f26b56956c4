"""The contract suites: they need nothing but the address of a server. `python -m tests.contract [URL]`."""
