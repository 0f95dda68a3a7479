"""How many retries there may be when they don't help.

A retry that is answered well costs nothing, however many there are: a thousand requests that a dying champion drops at once
are all asked again one rung down. A retry that fails as well costs one of a stock, which grows by a fifth of the requests
and by a few a second. While the stock is empty a request that fails is not asked again: in an outage of everything,
retries are load without use on pods that have too much of it.

Envoy's own budget limits how many retries are under way at once, as a share of the requests under way. That is the wrong
measure on both sides (docs/adr/0018): it fails requests that the next rung would answer, and where failures are quick it
lets almost all of them be asked again.
"""

from __future__ import annotations

from soloist.gateway.plan import GatewayPlan
from soloist.gateway.routes import TRIES_HEADER
from soloist.gateway.xds import Message, extension

SHARE = 0.2
# Of retries without use, at once, after a calm time.
STOCK = 10
# Envoy's own word by which a request says how often it may be asked again; a client's is taken off before.
MOST_RETRIES = "x-envoy-max-retries"

# One stock for each of Envoy's threads, and there is one. A request is charged when it was answered: those under way when
# the stock runs out may still be asked again.
_SCRIPT = """\
local stock, before = {stock}, nil
function envoy_on_request(handle)
  local now = tonumber(handle:timestamp())
  stock = math.min({stock}, stock + {share} + (now - (before or now)) * {each_second} / 1000)
  before = now
  if stock < 1 then
    handle:headers():replace("{most}", "0")
  end
end
function envoy_on_response(handle)
  local headers = handle:headers()
  local tries = tonumber(headers:get("{tries}")) or 1
  headers:remove("{tries}")
  if tries > 1 and (tonumber(headers:get(":status")) or 0) >= 500 then
    stock = stock - (tries - 1)
  end
end
"""


def retry_budget(plan: GatewayPlan) -> Message:
    """The filter. It looks at headers only, so it holds no body back."""
    script = _SCRIPT.format(
        stock=STOCK,
        share=SHARE,
        each_second=f"{plan.retry_floor:g}",
        most=MOST_RETRIES,
        tries=TRIES_HEADER,
    )
    return extension(
        "envoy.filters.http.lua",
        "envoy.extensions.filters.http.lua.v3.Lua",
        default_source_code={"inline_string": script},
    )
