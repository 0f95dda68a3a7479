"""What a browser asks for: the try-it page and its document come through the gateway as the pod gave them."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

from soloist.gateway.keys import render_keys
from soloist.gateway.plan import ApiKeys
from tests.gateway.conftest import MakePod
from tests.gateway.mount import Mount
from tests.gateway.running import Gateway, running
from tests.gateway.test_ladder import plan_of
from tests.support.gateway_plans import API_KEYS

PAGES = ("/docs", "/openapi.json")
POLICY = "default-src 'none'; script-src 'sha256-abc'"


async def get(gateway: Gateway, path: str, **headers: str) -> httpx.Response:
    return await gateway.client.get(gateway.address + path, headers=headers)


async def test_the_page_and_the_document_come_with_their_policy_and_who_answered(
    pod: MakePod, tmp_path: Path
) -> None:
    champion = await pod("7")
    champion.headers = {"content-security-policy": POLICY, "content-type": "text/html"}
    async with running(plan_of(champion), tmp_path) as gateway:
        for path in PAGES:
            answer = await get(gateway, path)
            assert answer.status_code == 200
            assert answer.headers["content-security-policy"] == POLICY
            assert answer.headers["content-type"] == "text/html"
            assert answer.headers["x-soloist-version"] == "7"
            assert answer.headers["x-soloist-rung"] == "champion"
    assert [one.path for one in champion.requests] == list(PAGES)


async def test_behind_keys_both_ask_for_one_because_an_example_may_be_confidential(
    pod: MakePod, tmp_path: Path
) -> None:
    champion = await pod("7")
    mount = Mount(tmp_path / "keys")
    mount.write({"api-keys.json": render_keys(API_KEYS)})
    async with running(plan_of(champion, api_keys=ApiKeys(str(mount.folder))), tmp_path) as gateway:
        for path in PAGES:
            refused = await get(gateway, path)
            assert refused.status_code == 401
            # What the page shows as it is.
            assert "x-api-key" in json.loads(refused.text)["error"]
            assert (await get(gateway, path, **{"x-api-key": API_KEYS["ada"]})).status_code == 200
    assert len(champion.requests) == len(PAGES)
