"""Which Wabase this is."""

# As in pyproject.toml; a checkout is not installed and has no metadata to read it from.
VERSION = "0.1.0"
