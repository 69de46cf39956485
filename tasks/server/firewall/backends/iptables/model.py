"""What is known of iptables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.server.firewall.model import Firewall, InputChain


@dataclass(frozen=True, slots=True, kw_only=True)
class Iptables(Firewall):
    """Its INPUT chains as they run, and as its service will load them."""

    manager: str = "iptables"
    path: str
    """Where the file of IPv4 stands."""
    persistent: str | None
    path6: str
    persistent6: str | None
    saved: tuple[InputChain, ...]
    """The input chains of both files."""

    @property
    def texts(self) -> Mapping[str, str | None]:
        """The file of IPv4 alone."""
        return {"persistent file": self.persistent}

    @property
    def kept(self) -> object:
        """Both files."""
        return self.persistent, self.persistent6
