"""What every served benchmark prints of one kind of request: rate, cost, latency, and where the cost is."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from shared import load, shares
from shared.places import figure
from shared.plain import app as plain_app
from shared.serving import SECONDS, Place, cpu, plain_flask

from broker.app import create_app

AHEAD = 3_000
"""Requests made for each second that is measured: more than can be answered."""


@dataclass(frozen=True)
class Floor:
    """What a Flask route that does nothing does on this machine now."""

    rate: float
    http: float
    """Seconds of CPU that the server takes before and after the application."""


def plain() -> Floor:
    """Measured in the same run as what is compared with it."""
    with plain_flask() as (port, worker):
        request = load.get("/", port)
        before = cpu(worker)
        run = load.flat_out(port, itertools.repeat(request), b"ok", 3)
        served = (cpu(worker) - before) / run.count
    figure("plain_flask_per_s", run.rate, "1/s")
    figure("plain_flask_cpu_us", served * 1e6, "us")
    return Floor(run.rate, served - shares.alone(plain_app, request))


def measure(
    name: str, floor: Floor, country: Place, requests: Callable[[int], list[bytes]], marker: bytes
) -> float:
    """Flat out, then steady at 70 % of that, then sampled; returns answers a second."""
    with country.started() as worker:
        load.flat_out(country.port, iter(requests(2 * AHEAD)), marker, 1.5)  # connections, plans
        ready = iter(requests(int(SECONDS * AHEAD)))
        before = cpu(worker)
        run = load.flat_out(country.port, ready, marker, SECONDS)
        served = (cpu(worker) - before) / run.count
        figure(f"{name}_per_s", run.rate, "1/s")
        figure(f"{name}_cpu_us", served * 1e6, "us")
        figure(f"{name}_per_cpu_s", 1 / served, "1/s")
        figure(f"{name}_against_plain", floor.rate / run.rate, "times slower")
        ready = iter(requests(int(SECONDS * run.rate)))
        steady = load.steady(country.port, ready, marker, SECONDS, 0.7 * run.rate)
        figure(f"{name}_p50_at_70", steady.percentile(0.5), "ms")
        figure(f"{name}_p99_at_70", steady.percentile(0.99), "ms")
    app = create_app(country.services.settings, country.services)
    shares.tell(name, served, floor.http, shares.sampled(app, requests(2_000)))
    return run.rate
