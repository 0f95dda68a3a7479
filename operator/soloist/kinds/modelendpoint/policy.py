"""Which version should be served, and when the change is made.

Record, then act, as everywhere: the version that is rolled out and the one that is served are first written to
status, with the artifact that they were resolved to, and the children are made from status alone. So nothing in
the registry, nor its absence, changes what is served behind the status' back.
"""

from __future__ import annotations

from datetime import timedelta

from soloist.api.conditions import parse_time, rfc3339
from soloist.api.platform import Platform
from soloist.api.v1alpha1.modelendpoint import ModelEndpointStatus, PinnedVersion
from soloist.core.effects import DropAlias, Effect, RegisteredVersion, SetAlias
from soloist.core.tally import ready_replicas
from soloist.kinds.modelendpoint.facts import EndpointFacts
from soloist.kinds.modelendpoint.names import Endpoint

CANDIDATE, CHAMPION, PREVIOUS = "candidate", "champion", "previous"
# Clients keep connections, and each node learns of the Service's new pods in its own time: the old pods go on
# answering for a while after the switch.
RETIRE_AFTER = timedelta(seconds=10)


def wanted(endpoint: Endpoint, facts: EndpointFacts, platform: Platform) -> PinnedVersion | None:
    """The version to serve: the candidate, else the champion; what was decided before where the registry is silent."""
    status = endpoint.status
    standing = status.target or status.served
    if facts.model is None:
        return standing
    aliases = facts.model.aliases
    number = aliases.get(CANDIDATE) or aliases.get(CHAMPION)
    if number is None:
        return status.served
    for known in (status.served, status.target):
        if known is not None and known.version == number and known.name == facts.model.name:
            return known
    found = next((one for one in facts.model.versions if one.version == number), None)
    return _pin(endpoint, found, platform) if found is not None else standing


def _pin(
    endpoint: Endpoint, version: RegisteredVersion, platform: Platform
) -> PinnedVersion | None:
    runtime = platform.runtime(endpoint.spec.runtime)
    if runtime is None:
        return None
    return PinnedVersion(
        name=endpoint.spec.model,
        version=version.version,
        artifact=version.artifact,
        image=runtime.image,
    )


def advance(endpoint: Endpoint, facts: EndpointFacts, platform: Platform) -> ModelEndpointStatus:
    """The versions in status, one step further."""
    status = endpoint.status
    choice = wanted(endpoint, facts, platform)
    if choice is not None and choice == status.target and is_available(endpoint, facts, choice):
        return status.model_copy(
            update={
                "served": choice,
                "target": None,
                "retiring": status.served,
                "last_change_time": rfc3339(facts.now),
            }
        )
    target = choice if choice != status.served else None
    if status.retiring is not None and not is_switched(status, facts):
        # The time to retire runs from the switch of the Service, which an operator may have died before.
        now = rfc3339(facts.now)
        return status.model_copy(update={"target": target, "last_change_time": now})
    retiring = None if has_retired(status, facts) else status.retiring
    return status.model_copy(update={"target": target, "retiring": retiring})


def is_switched(status: ModelEndpointStatus, facts: EndpointFacts) -> bool:
    """Whether the Service points at the version that is to be served."""
    return status.served is not None and facts.selected == status.served.version


def is_available(endpoint: Endpoint, facts: EndpointFacts, version: PinnedVersion) -> bool:
    """Whether every pod that the version should have is ready."""
    deployment = facts.deployments.get(version.version)
    if deployment is None:
        return False
    return ready_replicas(deployment) >= endpoint.spec.replicas.min


def has_retired(status: ModelEndpointStatus, facts: EndpointFacts) -> bool:
    """Whether the version before has answered long enough after the switch."""
    if status.last_change_time is None:
        return True
    return facts.now - parse_time(status.last_change_time) >= RETIRE_AFTER


def promotion(endpoint: Endpoint, facts: EndpointFacts) -> tuple[Effect, ...]:
    """What the registry has to learn of the version that is served: it is the champion, and who was before."""
    served, model = endpoint.status.served, facts.model
    if served is None or model is None or served.name != model.name:
        return ()  # a version of another model may have the same number
    if model.aliases.get(CANDIDATE) != served.version:
        return ()
    champion = model.aliases.get(CHAMPION)
    effects: tuple[Effect, ...] = ()
    if champion is not None and champion != served.version:
        effects += (SetAlias(model.name, PREVIOUS, champion),)
    if champion != served.version:
        effects += (SetAlias(model.name, CHAMPION, served.version),)
    return (*effects, DropAlias(model.name, CANDIDATE, served.version))
