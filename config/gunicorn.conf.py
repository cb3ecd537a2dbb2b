"""How the broker is served: in the demo as in production."""

import gc
import os
import sys

from config.logging import configure
from config.settings import Settings

_settings = Settings.from_env(os.environ)
configure(_settings.log_level)

bind = _settings.bind
workers = _settings.workers
threads = _settings.threads
worker_class = "gthread"
# Import before the fork, so that a broken configuration stops the start and not each worker.
preload_app = False
timeout = 60
graceful_timeout = 10
keepalive = 5
limit_request_line = 8190
limit_request_fields = 60
# The control socket would open a door in the home directory that nobody asked for.
control_socket_disable = True
# The access log names paths only: query strings carry codes and states.
access_log_format = '%(h)s "%(m)s %(U)s" %(s)s %(b)s %(M)sms'
accesslog = None
errorlog = "-"
loglevel = _settings.log_level.lower()


def post_worker_init(worker: object) -> None:
    """Tell the interpreter how this worker works: many small things, threads that mostly wait.

    What was made until here stays, so the collector need not look at it again; a request leaves
    few cycles behind, and by default it would run several times in one. And a thread that comes
    back from a wait gets its turn after a millisecond, not five: its group commit waits for it.
    """
    del worker
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    sys.setswitchinterval(0.001)
