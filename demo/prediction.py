"""A question to the served model, and its answer beside what happened."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from demo.commands import Commands
from tests.cluster.phases import say
from tests.cluster.trouble import Trouble

# A flight of the data's last weeks, which the model was not trained on: DL 426 from New York to Los Angeles, on Friday,
# 20 December 2013, at 18:15, in the weather of that hour. It came 5 minutes late.
QUESTION = "DL 426, JFK to LAX, Friday 20 December 2013, 18:15"
TRUTH = 5
FLIGHT = {
    "carrier": "DL", "origin": "JFK", "dest": "LAX", "distance": 2475.0, "weekday": 4.0,
    "departure_minute": 1095.0, "scheduled_minutes": 215.0, "plane_year": 1991.0, "seats": 290.0, "engines": 2.0,
    "temp": 46.04, "dewp": 37.94, "humid": 73.18, "wind_dir": 200.0, "wind_speed": 9.20624, "wind_gust": None,
    "precip": 0.0, "pressure": 1016.2, "visib": 10.0,
}  # fmt: skip


def ask(commands: Commands, endpoint: str) -> None:
    port = commands(
        "get",
        "service",
        endpoint,
        "-o",
        "jsonpath={.spec.ports[0].port}",
        why="Reading the Service",
    )
    with commands.forwarded(endpoint, int(port)) as address:
        body = json.dumps({"dataframe_records": [FLIGHT]}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{address}/invocations", data=body, headers=headers)
        try:
            # Loopback only: a proxy of the machine's has no business here.
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                request, timeout=20
            ) as answer:
                (minutes,) = json.load(answer)["predictions"]
                version = (
                    f"{answer.headers['X-Model-Name']} version {answer.headers['X-Model-Version']}"
                )
        except urllib.error.HTTPError as error:
            raise Trouble(
                f"The endpoint answered {error.code}: {error.read().decode(errors='replace')[:500]}"
            ) from None
        except urllib.error.URLError as error:
            raise Trouble(f"The endpoint can't be asked: {error.reason}") from None
    say(f"  {QUESTION}: {minutes:+.1f} minutes, says {version}; it came {TRUTH:+d}.")
