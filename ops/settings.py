"""The command's settings: the project and its key, as the processes have them."""

from __future__ import annotations

from store.settings import ProjectSettings


class Settings(ProjectSettings):
    """Each field is the environment variable of the same name in capitals."""
