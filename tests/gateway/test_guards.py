"""Who may ask, how often, how much, and what is told of it."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from soloist.gateway.keys import render_keys
from soloist.gateway.plan import ApiKeys, Jwt
from tests.gateway.conftest import MakePod
from tests.gateway.mount import Mount
from tests.gateway.running import eventually, running
from tests.gateway.test_ladder import plan_of
from tests.support.gateway_plans import API_KEYS, TOKEN_KEY

ISSUER = "https://id.example.com"


async def test_more_than_the_rate_is_refused_with_a_time_to_come_again(
    pod: MakePod, tmp_path: Path
) -> None:
    champion = await pod("7")
    async with running(plan_of(champion, rate_limit=5), tmp_path) as gateway:
        answers = [await gateway.ask() for _ in range(30)]
        refused = [one for one in answers if one.status_code == 429]
        assert 5 <= len(answers) - len(refused) < 30
        assert refused[0].headers["retry-after"] == "1"
        assert refused[0].json() == {
            "error": "More than 5 requests a second. Try again in a second."
        }
        assert len(champion.requests) == len(answers) - len(refused)


async def test_hundreds_that_come_at_once_wait_for_a_connection(
    pod: MakePod, tmp_path: Path
) -> None:
    """As after a pause of the node: at 500 a second 256 places were too few, and a second of it a failure."""
    champion = await pod("7")
    champion.seconds = 1.0
    async with (
        running(plan_of(champion, max_connections=1), tmp_path) as gateway,
        httpx.AsyncClient(limits=httpx.Limits(max_connections=400), timeout=30) as clients,
    ):
        address = f"{gateway.address}/invocations"
        asked = [
            asyncio.create_task(clients.post(address, json={"inputs": [1]})) for _ in range(400)
        ]

        async def the_first_is_there() -> bool:
            return bool(champion.requests)

        await eventually(the_first_is_there)
        champion.seconds = 0.0
        assert [one.status_code for one in await asyncio.gather(*asked)] == [200] * 400


async def test_a_body_that_is_too_large_never_reaches_a_pod(pod: MakePod, tmp_path: Path) -> None:
    champion = await pod("7")
    async with running(plan_of(champion, max_body_bytes=1000), tmp_path) as gateway:
        assert (await gateway.ask(json="x" * 900)).status_code == 200
        answer = await gateway.ask(json="x" * 1100)
        assert answer.status_code == 413
        assert "larger than 1000 bytes" in answer.json()["error"]
        assert len(champion.requests) == 1


async def test_an_api_key_lets_in_and_goes_no_further(pod: MakePod, tmp_path: Path) -> None:
    champion = await pod("7")
    mount = Mount(tmp_path / "keys")
    mount.write({"api-keys.json": render_keys(API_KEYS)})
    plan = plan_of(champion, api_keys=ApiKeys(str(mount.folder)))
    async with running(plan, tmp_path) as gateway:
        for wrong in ({}, {"x-api-key": "guess"}, {"authorization": "Bearer guess"}):
            answer = await gateway.ask(headers=wrong)
            assert answer.status_code == 401
            assert "x-api-key" in answer.json()["error"]
        key = API_KEYS["ada"]
        for right in ({"x-api-key": key}, {"authorization": f"Bearer {key}"}):
            assert (await gateway.ask(headers=right)).status_code == 200
        assert key not in json.dumps([one.headers for one in champion.requests])
        assert "ada" not in json.dumps([one.headers for one in champion.requests])
        mount.write({"api-keys.json": render_keys({"ada": "a-new-one"})})

        async def the_new_key_counts() -> bool:
            return (await gateway.ask(headers={"x-api-key": "a-new-one"})).status_code == 200

        await eventually(the_new_key_counts)
        assert (await gateway.ask(headers={"x-api-key": key})).status_code == 401
        assert key not in gateway.log.read_text()


async def test_without_a_file_of_keys_nobody_is_let_in(pod: MakePod, tmp_path: Path) -> None:
    champion = await pod("7")
    (tmp_path / "keys").mkdir()
    Mount(tmp_path / "keys").write({"api-keys.json": "{"})
    plan = plan_of(champion, api_keys=ApiKeys(str(tmp_path / "keys")))
    async with running(plan, tmp_path) as gateway:
        assert (await gateway.ask(headers={"x-api-key": "any"})).status_code == 401


def token(**claims: object) -> str:
    def encoded(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    head = {"alg": "HS256", "kid": TOKEN_KEY["kid"], "typ": "JWT"}
    body = {"iss": ISSUER, "aud": "flights", "sub": "ada", "exp": int(time.time()) + 60, **claims}
    signed = ".".join(encoded(json.dumps(part).encode()) for part in (head, body))
    key = base64.urlsafe_b64decode(TOKEN_KEY["k"] + "==")
    return f"{signed}.{encoded(hmac.digest(key, signed.encode(), 'sha256'))}"


async def test_a_token_lets_in_and_goes_no_further(pod: MakePod, tmp_path: Path) -> None:
    champion = await pod("7")
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [TOKEN_KEY]}))
    plan = plan_of(champion, jwt=Jwt(ISSUER, ("flights",), str(tmp_path)))
    async with running(plan, tmp_path) as gateway:

        async def status(given: str | None) -> int:
            headers = {"authorization": f"Bearer {given}"} if given else {}
            return (await gateway.ask(headers=headers)).status_code

        assert await status(token()) == 200
        assert await status(None) == 401
        assert await status(token(exp=1)) == 401
        assert await status(token(iss="https://else.example.com")) == 401
        assert await status(token(aud="others")) == 403
        assert await status(token()[:-4] + "AAAA") == 401
        assert [one.headers.get("authorization") for one in champion.requests] == [None]


async def test_what_a_client_and_a_pod_are_told(pod: MakePod, tmp_path: Path) -> None:
    champion = await pod("7")
    champion.headers = {"server": "uvicorn", "x-soloist-rung": "baseline"}
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    told = {
        "x-request-id": "mine-1",
        "traceparent": trace,
        "tracestate": "a=b",
        "authorization": "Basic c2VjcmV0",
        "cookie": "me=ada",
        "keep-alive": "5",
        "x-soloist-version": "99",
        "x-envoy-max-retries": "0",
        "x-envoy-upstream-rq-timeout-ms": "1",
    }
    async with running(plan_of(champion), tmp_path) as gateway:
        answer = await gateway.ask("/invocations?token=secret", headers=told)
        (at_pod,) = champion.requests
        assert answer.headers["server"] == "soloist"
        assert answer.headers["x-soloist-version"] == "7"
        assert answer.headers["x-soloist-rung"] == "champion", "the gateway says it, not the pod"
        assert answer.headers["x-request-id"] == at_pod.headers["x-request-id"] == "mine-1"
        assert (at_pod.headers["traceparent"], at_pod.headers["tracestate"]) == (trace, "a=b")
        kept = set(told) - {"x-request-id", "traceparent", "tracestate"}
        assert kept & set(at_pod.headers) == set()
        assert "x-forwarded-for" not in at_pod.headers
        by_envoy = [name for name in answer.headers if name.startswith("x-envoy")]
        assert by_envoy == []
        # Which try it is, in Envoy's own words: the attempts' counter reads it there.
        to_pod = [name for name in at_pod.headers if name.startswith("x-envoy")]
        assert to_pod == ["x-envoy-attempt-count"]
        assert len((await gateway.ask()).headers["x-request-id"]) == 36

        async def both_are_logged() -> bool:
            return len(gateway.log.read_text().splitlines()) == 2

        await eventually(both_are_logged)
        line = json.loads(gateway.log.read_text().splitlines()[0])
        assert line | {"time": "", "milliseconds": 0, "userAgent": "", "bytesIn": 0} == {
            "time": "", "method": "POST", "path": "/invocations", "status": 200, "version": "7",
            "rung": "champion", "milliseconds": 0, "attempts": 1, "flags": "-", "why": "via_upstream",
            "bytesIn": 0, "bytesOut": 16, "requestId": "mine-1", "traceparent": trace, "userAgent": "",
        }  # fmt: skip
        for secret in ("secret", "c2VjcmV0", "ada"):
            assert secret not in gateway.log.read_text()


@pytest.mark.parametrize(
    "path", ["/", "/stats", "/config_dump", "/quitquitquit", "/ready/../stats"]
)
async def test_the_admin_api_is_not_there_for_others(
    pod: MakePod, tmp_path: Path, path: str
) -> None:
    champion = await pod("7")
    async with running(plan_of(champion), tmp_path) as gateway:
        assert (await gateway.page(path)).status_code == 404
        assert (await gateway.page("/ready")).text == "LIVE\n"


async def test_a_slow_answer_is_given_up_and_a_pods_metrics_are_not_for_clients(
    pod: MakePod, tmp_path: Path
) -> None:
    champion = await pod("7")
    champion.seconds = 60
    async with running(plan_of(champion, timeout_seconds=0.3), tmp_path) as gateway:
        answer = await gateway.ask()
        assert (answer.status_code, "within 0.3 s" in answer.json()["error"]) == (504, True)
        assert (await gateway.client.get(gateway.address + "/metrics")).status_code == 404


async def test_a_renewed_certificate_is_taken_up(pod: MakePod, tmp_path: Path) -> None:
    from soloist.gateway.plan import Tls
    from tests.gateway.certificates import certificate, serial_of

    champion = await pod("7")
    mount = Mount(tmp_path / "tls")
    mount.write(certificate(1))
    plan = replace(plan_of(champion), tls=Tls(str(mount.folder)))
    async with running(plan, tmp_path) as gateway:
        assert (await gateway.ask()).status_code == 200
        assert await serial_of(gateway.plan.place.port) == 1
        mount.write(certificate(2))

        async def the_new_one_is_shown() -> bool:
            return await serial_of(gateway.plan.place.port) == 2

        await eventually(the_new_one_is_shown)
