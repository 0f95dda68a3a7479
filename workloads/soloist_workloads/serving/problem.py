"""What goes wrong with a request or a model, as sentences for the person who sent it."""

from __future__ import annotations

import json
from typing import Any

BAD_REQUEST = "BAD_REQUEST"
INVALID_PARAMETER_VALUE = "INVALID_PARAMETER_VALUE"
LONGEST_SHOWN = 60

# What numpy, pandas and pyarrow raise at data that they can't convert.
REFUSALS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    NotImplementedError,
)


class RequestProblem(Exception):
    """The request can't be answered; `status` and `code` are MLflow's.

    `is_models`: the request has the right form, and the model failed at it. MLflow answers this with 400 too; for whoever
    judges a new version it is the version's failure.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        code: str = BAD_REQUEST,
        is_models: bool = False,
    ) -> None:
        super().__init__(message)
        self.is_models = is_models
        self.message = message
        self.status = status
        self.code = code

    def forget_origin(self) -> None:
        """Its traceback leads to the frames that hold the request, and they to it: a circle that stays until Python looks for circles."""
        self.__traceback__ = self.__cause__ = self.__context__ = None


class ModelProblem(Exception):
    """The model can't be served; the message says why and what to do."""


def show(value: Any) -> str:
    """A value as the sender wrote it, short enough for a sentence."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError):
        text = str(value)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def json_type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case int() | float():
            return "number"
        case list():
            return "array"
        case dict():
            return "object"
        case _:
            return type(value).__name__
