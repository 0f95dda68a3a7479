"""How a gateway stops without losing a request.

Envoy leaves at SIGTERM with whatever it's in the middle of. So before that signal the pod tells it to fail its readiness
page, from when on each answer ends its connection, and waits: first until every node has heard that the pod is gone,
then until the last request is answered.

The admin API wants a POST, and listens where only the pod's own programs reach it. bash can talk to it by itself: it's in
the image that this project builds and in Envoy's own (the distroless one has no shell, and no way to stop well).
"""

from __future__ import annotations

import math

from soloist.gateway.plan import GatewayPlan

_SCRIPT = """\
ask() {{
  exec 3<>/dev/tcp/{address}/{port} || return 0
  printf '%s HTTP/1.1\\r\\nHost: envoy\\r\\nConnection: close\\r\\nContent-Length: 0\\r\\n\\r\\n' "$1" >&3
  cat <&3
  exec 3>&-
}}
ask 'POST /healthcheck/fail' >/dev/null
sleep {drain}
for _ in $(seq {longest}); do
  case "$(ask 'GET /stats?filter=^http.gateway.downstream_rq_active$')" in
    *'rq_active: 0'*) exit 0 ;;
    '') exit 0 ;;
  esac
  sleep 1
done
"""


def pre_stop(plan: GatewayPlan) -> tuple[str, ...]:
    """The command of the container's `preStop`."""
    script = _SCRIPT.format(
        address=plan.place.admin_address,
        port=plan.place.admin_port,
        drain=plan.drain_seconds,
        longest=math.ceil(plan.longest_seconds),
    )
    return ("bash", "-c", script)


def grace_seconds(plan: GatewayPlan) -> int:
    """The pod's `terminationGracePeriodSeconds`: the drain, the longest request, and a moment to leave."""
    return plan.drain_seconds + math.ceil(plan.longest_seconds) + 5
