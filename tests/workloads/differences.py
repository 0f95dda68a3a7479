"""Where the answers to `/invocations` differ from MLflow's on purpose. `docs/serving.md` tells the same to users.

Everything else is equal: status, content type and body of every prediction, status and error code of every refusal.
"""

from __future__ import annotations

# By the status that both give: what a refusal's body may have of its own.
BY_STATUS: dict[int, str] = {
    405: "MLflow answers in its framework's shape (`detail`), Soloist with an error code and a message as everywhere.",
    415: "MLflow answers with plain text and without an error code, Soloist with JSON as everywhere.",
}

# By a request's id: MLflow's status and Soloist's, and why they aren't the same.
STATUSES: dict[str, tuple[int, int, str]] = {
    "body-deeper-than-python-goes": (500, 400, "The request is wrong, not the server."),
    "no-signature-deeper-than-python-goes": (500, 400, "The request is wrong, not the server."),
    "type-absent": (500, 200, "A request without a content type is read as JSON."),
    "type-empty": (415, 200, "A request without a content type is read as JSON."),
    "type-semicolon-at-the-end": (415, 200, "HTTP allows an empty parameter."),
}

# By a request's id: equal statuses, other bodies.
BODIES: dict[str, str] = {
    "text-nul-inputs": "NumPy drops NUL characters at the end of a text; the model gets the text as it was sent.",
}

# By a request's id: equal statuses, other error codes.
TWICE = "A column that comes twice has one code; MLflow's depends on the column's type."
CODES: dict[str, str] = {
    "text-column-twice": TWICE,
    "time-column-twice": TWICE,
    "tensor-matrix-null-inputs": "null has no shape, so the shape is what is refused.",
    "tensor-matrix-null-instances": "null has no shape, so the shape is what is refused.",
}
