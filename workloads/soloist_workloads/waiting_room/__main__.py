"""`python -m soloist_workloads.waiting_room`: beside the gateway of an endpoint whose pods go while nobody asks."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys

from soloist_workloads.environment import SettingsError
from soloist_workloads.last_words import leave_last_words
from soloist_workloads.waiting_room.champion import Champion
from soloist_workloads.waiting_room.page import tell
from soloist_workloads.waiting_room.room import Room
from soloist_workloads.waiting_room.settings import WaitingSettings, parse_waiting

# Ahead of what is asked for; more than the longest head that the gateway lets through.
READ_BYTES = 40 * 1024


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        asyncio.run(serve(parse_waiting(os.environ)))
    except SettingsError as error:
        leave_last_words(str(error))
        return 1
    return 0


async def serve(settings: WaitingSettings) -> None:
    """Until SIGTERM, which comes after the gateway has ended: by then nobody waits."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    room = Room(Champion(settings.host, settings.port), seconds=settings.seconds)
    # Requests come from the gateway in the same pod only; how many are held, the operator asks from outside.
    async with (
        await asyncio.start_server(room.take, sock=door(settings.own_port), limit=READ_BYTES),
        await asyncio.start_server(tell(room), "0.0.0.0", settings.held_port),
    ):
        await stop.wait()


def door(port: int) -> socket.socket:
    """Where the gateway knocks. Connections inherit its small buffer: what nobody reads yet stays with the gateway."""
    made = socket.create_server(("127.0.0.1", port))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, READ_BYTES)
    return made


if __name__ == "__main__":
    sys.exit(main())
