"""What no request should wait for: sequencing the journal, every two seconds, in a thread of its own.

Any number of processes may do this: of two that try at the same moment one wins, and
the database sees to it that a row gets one leaf and a size one checkpoint.
"""

from __future__ import annotations

import logging
import threading
from time import sleep

from broker.flows.journal import Sequencer
from broker.port_errors import PortError
from broker.ports import Services
from keys.errors import KeysError

log = logging.getLogger("volmacht.housekeeping")
SECONDS = 2.0


class Housekeeper:
    """One daemon thread; a store that is away is tried again at the next round."""

    def __init__(self, services: Services, seconds: float = SECONDS) -> None:
        self._services = services
        self._seconds = seconds
        self._sequencer = Sequencer()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin; the thread ends with the process."""
        self._thread.start()

    def _run(self) -> None:
        while True:
            sleep(self._seconds)
            try:
                self._sequencer.run(self._services, self._services.clock())
            except (PortError, KeysError) as error:
                log.warning("journal not sequenced: %s", error.code)
