"""Runs the scripts of tests/interop/node: a client of another house, told what it registered, in JSON."""

import json
import subprocess
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from stock_client import CALLBACK

NODE = Path(__file__).parent / "interop" / "node"


def key_pair(folder: Path, kid: str) -> tuple[dict[str, Any], Path]:
    """The private key that a client keeps, and the file of public ones that it registers."""
    key = ECKey.generate_key("P-256", {"kid": kid, "alg": "ES256", "use": "sig"})
    jwks = folder / f"{kid}.jwks.json"
    jwks.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    return key.as_dict(private=True), jwks


def run(script: str, village: Any, **told: Any) -> dict[str, Any]:
    """What the script found; its own checks have passed, or this raises with what it said."""
    told |= {"issuer": village.broker, "redirect_uri": CALLBACK}
    done = subprocess.run(
        ["node", script],
        cwd=NODE,
        env=village.environ | {"TOLD": json.dumps(told)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
