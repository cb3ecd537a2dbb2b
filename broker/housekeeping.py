"""What no request should wait for, in a thread of its own.

The journal is sequenced every two seconds, and status indices that mean nothing any
more are let go about once a minute. Any number of processes may do this: of two that
try at the same moment one wins, and the database sees to it that a row gets one leaf,
a size one checkpoint, and an index that is in use stays.
"""

from __future__ import annotations

import logging
import threading
from time import sleep

from broker.flows.journal import Sequencer
from broker.port_errors import PortError
from broker.ports import Services
from keys.errors import KeysError
from mandates.model import Instant

log = logging.getLogger("volmacht.housekeeping")
SECONDS = 2.0
RETIRE_EVERY = 60
"""Seconds between two looks for status indices that are free."""
RETIRE_PLACES = 32_768
"""Places of one list that are looked at: some ten milliseconds, and a whole list within hours."""


class Housekeeper:
    """One daemon thread; a store that is away is tried again at the next round."""

    def __init__(self, services: Services, seconds: float = SECONDS) -> None:
        self._services = services
        self._seconds = seconds
        self._sequencer = Sequencer()
        self._retired_at: Instant = 0
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin; the thread ends with the process."""
        self._thread.start()

    def round(self, now: Instant) -> None:
        """Do once what is due."""
        try:
            self._sequencer.run(self._services, now)
        except (PortError, KeysError) as error:
            log.warning("journal not sequenced: %s", error.code)
        try:
            self._retire(now)
        except PortError as error:
            log.warning("status indices not retired: %s", error.code)

    def _retire(self, now: Instant) -> None:
        if now - self._retired_at < RETIRE_EVERY:
            return
        self._retired_at = now
        with self._services.database.write() as uow:
            uow.status.retire(now, RETIRE_PLACES)
            uow.commit()

    def _run(self) -> None:
        while True:
            sleep(self._seconds)
            self.round(self._services.clock())
