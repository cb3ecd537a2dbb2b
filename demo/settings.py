"""What the launcher tells the two demo servers, through `VOLMACHT_DEMO_*` and in no other way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from demo.home import Home


class DemoSettingsError(Exception):
    """A variable of the demo is missing or makes no sense; the text names it."""

    code: ClassVar[str] = "invalid_demo_settings"


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """Addresses (without final slash) and the data folder. Three ports in a row: broker, ACM, vouchers."""

    port: int
    home: Home

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> DemoSettings:
        """Read VOLMACHT_DEMO_PORT and VOLMACHT_HOME, or their defaults. Raise `DemoSettingsError`."""
        text = environ.get("VOLMACHT_DEMO_PORT", "").strip() or "8000"
        if not (text.isascii() and text.isdigit() and 1024 <= int(text) <= 65533):
            raise DemoSettingsError(
                "VOLMACHT_DEMO_PORT must be a port from 1024 to 65533; the next two are used too."
            )
        folder = environ.get("VOLMACHT_HOME", "").strip() or ".volmacht"
        return cls(port=int(text), home=Home(Path(folder).expanduser().resolve()))

    @property
    def issuer(self) -> str:
        """The broker."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def acm_issuer(self) -> str:
        """The simulated ACM."""
        return f"http://127.0.0.1:{self.port + 1}/op"

    @property
    def vouchers(self) -> str:
        """The voucher service, both sides."""
        return f"http://127.0.0.1:{self.port + 2}"

    def for_children(self) -> dict[str, str]:
        """The variables from which `from_env` reads the same settings in a child process."""
        return {"VOLMACHT_DEMO_PORT": str(self.port), "VOLMACHT_HOME": str(self.home.folder)}
