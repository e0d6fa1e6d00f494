"""The socket that a process answers on."""

from __future__ import annotations

import socket
import sys


def listen(host: str, port: int, setting: str) -> socket.socket | None:
    """A listening socket, or None once it has been said on stderr why there is none. `setting` names the port."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        print(f"Cannot listen on {host}:{port} ({error.strerror}): free it or set {setting}.", file=sys.stderr)
        return None
    return listener
