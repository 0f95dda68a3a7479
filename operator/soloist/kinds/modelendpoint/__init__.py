"""`ModelEndpoint`: a registered model, served."""

from __future__ import annotations

from soloist.api import resources
from soloist.core.kind import Kind
from soloist.core.objects import HTTP_ROUTE, INGRESS, MODEL_ENDPOINT, POD
from soloist.kinds.modelendpoint.desired import desire
from soloist.kinds.modelendpoint.facts import CHILDREN, EndpointFacts, assemble, needs
from soloist.kinds.modelendpoint.status import summarize

KIND: Kind[EndpointFacts] = Kind(
    resource=resources.MODEL_ENDPOINT,
    ref=MODEL_ENDPOINT,
    children=CHILDREN,
    needs=needs,
    assemble=assemble,
    desire=desire,
    summarize=summarize,
    watched=(POD,),
    apart=(INGRESS, HTTP_ROUTE),
)
