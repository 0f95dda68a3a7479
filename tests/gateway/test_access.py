"""Keys as a user gives them, from the Secret to the answer; and a gateway that is asked for what it has no files for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from soloist.gateway.files import files
from soloist.gateway.key_script import is_rendered, key_script
from soloist.gateway.plan import ApiKeys, GatewayPlan, Jwt, Tls
from tests.gateway.conftest import MakePod
from tests.gateway.mount import Mount
from tests.gateway.running import Gateway, eventually, running
from tests.gateway.test_ladder import plan_of
from tests.support.gateway_plans import TOKEN_KEY


@asynccontextmanager
async def scribe(secret: Mount, keys: Path) -> AsyncIterator[None]:
    """The pod's other container: it renders the mounted Secret; Envoy is started when its probe says so."""
    await asyncio.to_thread(keys.mkdir)
    process = await asyncio.create_subprocess_exec(*key_script(str(secret.folder), str(keys)))

    async def the_file_is_there() -> bool:
        probe = await asyncio.create_subprocess_exec(*is_rendered(str(keys)))
        return await probe.wait() == 0

    try:
        await eventually(the_file_is_there)
        yield
    finally:
        process.terminate()
        await process.wait()


async def status(gateway: Gateway, key: str) -> int:
    return (await gateway.ask(headers={"x-api-key": key})).status_code


async def test_a_secret_of_plain_values_lets_its_clients_in_and_a_change_counts_soon(
    pod: MakePod, tmp_path: Path
) -> None:
    champion = await pod("7")
    secret = Mount(tmp_path / "secret")
    secret.write({"shop": "key-of-shop", "depot": "key-of-depot", "broken": 'a"b'})
    keys = tmp_path / "keys"
    plan = plan_of(champion, api_keys=ApiKeys(str(keys)))
    async with scribe(secret, keys), running(plan, tmp_path) as gateway:
        assert await status(gateway, "key-of-shop") == 200
        assert await status(gateway, "key-of-depot") == 200
        assert await status(gateway, 'a"b') == 401
        assert (await gateway.ask()).status_code == 401
        secret.write({"shop": "key-of-shop", "depot": "another"})

        async def the_new_key_counts() -> bool:
            return await status(gateway, "another") == 200

        await eventually(the_new_key_counts)
        assert await status(gateway, "key-of-depot") == 401
        assert await status(gateway, "key-of-shop") == 200
        secret.write({})

        async def nobody_is_let_in() -> bool:
            return await status(gateway, "key-of-shop") == 401

        await eventually(nobody_is_let_in)


async def test_the_same_key_twice_would_stop_envoy_so_the_second_is_left_out(
    pod: MakePod, tmp_path: Path
) -> None:
    champion = await pod("7")
    secret = Mount(tmp_path / "secret")
    secret.write({"shop": "same", "depot": "same", "ada": "own"})
    plan = plan_of(champion, api_keys=ApiKeys(str(tmp_path / "keys")))
    async with scribe(secret, tmp_path / "keys"), running(plan, tmp_path) as gateway:
        assert await status(gateway, "own") == 200
        assert await status(gateway, "same") == 200


GUARDS = {
    "keys": {"api_keys": ApiKeys("/nowhere/keys")},
    "tokens": {"jwt": Jwt("https://id.example.com", (), "/nowhere/jwks")},
}


@pytest.mark.parametrize("guard", GUARDS)
async def test_a_pod_without_the_files_goes_on_as_before(
    pod: MakePod, tmp_path: Path, guard: str
) -> None:
    """While new pods start, which mount them: the old ones read the new files of the gateway too."""
    champion = await pod("7")
    async with running(plan_of(champion), tmp_path) as gateway:
        address = gateway.address + "/invocations"
        previous = replace(champion.backend("previous"), version="6")
        # In the same moment something that shows that the new files were read.
        changed = replace(gateway.plan, fallbacks=(previous,), **GUARDS[guard])
        gateway.mount.write(files(changed))

        async def the_files_were_read() -> bool:
            return (await gateway.reading()).pods("6").healthy == 1

        await eventually(the_files_were_read)
        assert (await gateway.client.post(address, json={})).status_code == 200


async def test_a_pod_without_the_certificate_answers_nobody_in_the_clear(
    pod: MakePod, tmp_path: Path
) -> None:
    champion = await pod("7")
    async with running(plan_of(champion), tmp_path) as gateway:
        address = gateway.address + "/invocations"
        await gateway.change(replace(gateway.plan, tls=Tls("/nowhere/tls")))

        async def nobody_is_answered() -> bool:
            try:
                await gateway.client.post(address, json={})
            except httpx.TransportError:
                return True
            return False

        await eventually(nobody_is_answered)


async def test_a_guard_that_is_taken_off_is_off_at_once(pod: MakePod, tmp_path: Path) -> None:
    champion = await pod("7")
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [TOKEN_KEY]}))
    plan: GatewayPlan = plan_of(champion, jwt=Jwt("https://id.example.com", (), str(tmp_path)))
    async with running(plan, tmp_path) as gateway:
        assert (await gateway.ask()).status_code == 401
        await gateway.change(replace(plan, jwt=None))

        async def anyone_is_let_in() -> bool:
            return (await gateway.ask()).status_code == 200

        await eventually(anyone_is_let_in)


@pytest.mark.parametrize("code", [200, 400, 404, 422, 500])
async def test_every_answer_of_a_pod_says_who_gave_it(
    pod: MakePod, tmp_path: Path, code: int
) -> None:
    champion = await pod("7")
    champion.status = code
    async with running(plan_of(champion), tmp_path) as gateway:
        answer = await gateway.ask()
        told = (answer.headers.get("x-soloist-version"), answer.headers.get("x-soloist-rung"))
        assert (answer.status_code, *told) == (code, "7", "champion")
