"""The load that is too much: wrk by a clock, and a probe beside it that looks at single answers.

Twice what a quick server can do is more than a load in Python can send from one core, and then it is the load that is measured.
wrk can, but tells a refusal from an answer only in their number. So how long each takes is seen by the probe, a request every ten
milliseconds on connections of its own.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from dataclasses import replace
from typing import Any

from tests.benchmarks.load import MOST_CONNECTIONS, Load, command_of_wrk, parse_wrk, run_open

PROBES_PER_SECOND = 100
# wrk is asked how long each request still has to wait. Who is late sends at once, so that the load makes up for pauses.
CLOCK = """
local ffi = require("ffi")
ffi.cdef[[ typedef struct { long s; long ns; } timespec; int clock_gettime(int, timespec *); ]]
local moment = ffi.new("timespec")
local function milliseconds()
  ffi.C.clock_gettime(1, moment)
  return tonumber(moment.s) * 1e3 + tonumber(moment.ns) / 1e6
end
local due
function delay()
  local now = milliseconds()
  due = due or now
  local wait = due - now
  due = due + %f
  return wait > 0 and wait or 0
end
"""


def run_overload(
    port: int,
    path: str,
    body: Any,
    *,
    per_second: int,
    seconds: int,
    connections: int = MOST_CONNECTIONS,
) -> Load:
    """Good answers of wrk; times of the probe's, refusals from when they were sent, answers from when they were due."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(CLOCK % (1e3 / per_second))
        command = command_of_wrk(file, port, path, body, connections=connections, seconds=seconds)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as wrk:
            time.sleep(0.5)  # until it has its connections
            probe = run_open(
                port, path, body, per_second=PROBES_PER_SECOND, seconds=max(seconds - 1, 1)
            )
            text = wrk.communicate()[0]
        if wrk.returncode:
            raise RuntimeError(f"wrk ended with {wrk.returncode}: {json.dumps(text)}")
    pressed = parse_wrk(text)
    good = pressed.requests - pressed.refused
    return replace(
        probe,
        requests=good,
        per_second=pressed.per_second * good / max(pressed.requests, 1),
        refused=pressed.refused,
        failed=pressed.failed + probe.failed,
    )
