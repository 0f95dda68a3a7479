"""Gateways that tests know: one for each thing that a plan can ask for, named by what it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from soloist.gateway.files import files
from soloist.gateway.keys import render_keys
from soloist.gateway.plan import ApiKeys, Backend, GatewayPlan, Jwt, Tls, WaitingRoom

API_KEYS = {"ada": "the-key-of-ada", "bob": "the-key-of-bob"}
# A secret that both sides know, as base64url. Real issuers publish public keys; the gateway treats both alike.
TOKEN_KEY = {
    "kty": "oct",
    "alg": "HS256",
    "kid": "test",
    "k": "b25seS1pbi10aGUtdGVzdHMtb2YtdGhlLWdhdGV3YXk",
}

CHAMPION = Backend("7", "flights-v7", 8080, "champion")
PREVIOUS = Backend("6", "flights-v6", 8080, "previous")
BASELINE = Backend("1", "flights-v1", 8080, "baseline")
CANDIDATE = Backend("8", "flights-v8", 8080, "candidate")

ALONE = GatewayPlan(namespace="tour", name="flights", model="tour.flights", champion=CHAMPION)
LADDER = replace(ALONE, fallbacks=(PREVIOUS, BASELINE))
PLANS: Mapping[str, GatewayPlan] = {
    "champion-alone": ALONE,
    "ladder": LADDER,
    "shadow": replace(LADDER, candidate=CANDIDATE, shadow_percent=20),
    "canary": replace(LADDER, candidate=CANDIDATE, weight=10, sticky_header="x-traveller-id"),
    "waiting": replace(ALONE, fallbacks=(PREVIOUS,), waiting=WaitingRoom(seconds=60)),
    "guarded": replace(
        ALONE,
        rate_limit=50,
        max_body_bytes=64 * 1024,
        timeout_seconds=2,
        api_keys=ApiKeys("/etc/soloist/keys"),
        tls=Tls("/etc/soloist/tls"),
    ),
    "tokens": replace(
        ALONE, jwt=Jwt("https://id.example.com", ("flights",), "/etc/soloist/jwks"), workers=2
    ),
}


def in_folder(plan: GatewayPlan, folder: Path) -> GatewayPlan:
    """The plan with its mounts where a test can write, and filled."""
    plan = replace(plan, place=replace(plan.place, folder=str(folder)))
    if plan.api_keys:
        (folder / "api-keys.json").write_text(render_keys(API_KEYS))
        plan = replace(plan, api_keys=replace(plan.api_keys, folder=str(folder)))
    if plan.jwt:
        (folder / "jwks.json").write_text(json.dumps({"keys": [TOKEN_KEY]}))
        plan = replace(plan, jwt=replace(plan.jwt, folder=str(folder)))
    for file, text in files(plan).items():
        (folder / file).write_text(text)
    return plan
