"""Addresses of flows: what stands for a service in them, and which stay on this machine. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from urllib.parse import urlsplit

__all__ = ["filled", "is_loopback", "loopback_host", "mentioned"]

#: ``{orders.port}`` or ``{orders.url}``; other braces belong to the shell.
_SERVICE = re.compile(r"\{([A-Za-z0-9][A-Za-z0-9._-]*)\.(port|url)\}")


def filled(text: str, value: Callable[[str, str], str | None]) -> str:
    """``text`` with ``value(name, "port" or "url")`` in place of each; None leaves it alone."""
    return _SERVICE.sub(lambda found: value(found[1], found[2]) or found[0], text)


def mentioned(text: str) -> list[str]:
    """The names that stand before ``.port`` or ``.url`` in braces, in order."""
    return [found[1] for found in _SERVICE.finditer(text)]


def is_loopback(url: str) -> bool:
    """Whether an http address leads to this machine itself. Nothing is looked up."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and loopback_host(parts.hostname or "")
    except ValueError:
        return False


def loopback_host(host: str) -> bool:
    """Whether a host is this machine by its name or number."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
