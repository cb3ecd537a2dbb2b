"""How long one decision about a bearer token takes with warm caches. Runs for about five seconds."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "guard"), str(ROOT / "tests")]

from cryptography.hazmat.primitives import hashes  # noqa: E402 - the checkout is not installed
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA  # noqa: E402

from guard_builders import (  # noqa: E402
    AUDIENCE,
    ISSUER,
    JWKS,
    KEY,
    NOW,
    delegated_claims,
    list_claims,
    sign,
    sign_list,
)
from volmacht_guard import Guard, HttpKeySource, HttpStatusSource  # noqa: E402
from volmacht_guard.fetch import Fetched  # noqa: E402

SECONDS = 3.5


def durations(work: Callable[[], object], seconds: float) -> list[float]:
    """Return how long each run took, in microseconds."""
    taken = []
    clock = time.perf_counter
    end = clock() + seconds
    while (start := clock()) < end:
        work()
        taken.append((clock() - start) * 1e6)
    return taken


def main() -> None:
    keys = HttpKeySource(f"{ISSUER}/jwks", fetch=lambda *_: Fetched(json.dumps(JWKS).encode()))
    status = HttpStatusSource(ISSUER, keys, fetch=lambda *_: Fetched(sign_list(list_claims())))
    guard = Guard(ISSUER, AUDIENCE, keys, status, clock=lambda: NOW)
    tokens = [sign({**delegated_claims(), "jti": f"jti-{number}"}) for number in range(64)]
    turn = iter(range(10**9))

    def decide() -> object:
        return guard.verify(tokens[next(turn) % 64], power="vouchers:order", serves={"self", "delegated"})

    durations(decide, 0.3)
    taken = sorted(durations(decide, SECONDS))
    signed = tokens[0].rsplit(".", 1)[0].encode()
    algorithm, public = ECDSA(hashes.SHA256()), KEY.public_key()
    signature = KEY.sign(signed, algorithm)
    raw = statistics.median(durations(lambda: public.verify(signature, signed, algorithm), 1.0))
    median = statistics.median(taken)
    print(f"figure: guard_decisions_per_s {len(taken) / (sum(taken) / 1e6):.0f} 1/s")
    print(f"figure: guard_decision_median {median:.1f} us")
    print(f"figure: guard_decision_p99 {taken[len(taken) * 99 // 100]:.1f} us")
    print(f"figure: guard_es256_verify_median {raw:.1f} us")
    print(f"figure: guard_decision_per_es256_verify {median / raw:.2f} ratio")


if __name__ == "__main__":
    main()
