"""What a value must look like, said once: pydantic checks it in the operator, CEL at `kubectl apply`.

A pattern in a schema is refused with "should match '^...$'", which tells nobody what to write. A form carries the words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from soloist.api.amounts import quantity_value

VALIDATIONS = "x-kubernetes-validations"
# Key rules are not written into a key's schema (maps have one for values only): the map's rules take them up.
KEY_FORM = "x-soloist-key-form"


@dataclass(frozen=True, slots=True)
class Rule:
    """A CEL rule of the field (or object) that it stands on, and the sentence that refuses what breaks it."""

    rule: str
    message: str
    """What is wrong and what to do. The API server writes the field's path before it."""
    expression: str = ""
    """The same as a CEL expression, where the sentence quotes a value."""
    field: str = ""
    """Path of the field to blame, where it is not the one that the rule stands on."""

    def validation(self) -> dict[str, str]:
        """One entry of `x-kubernetes-validations`."""
        said = {"rule": self.rule, "message": self.message}
        said |= {"messageExpression": self.expression} if self.expression else {}
        return said | ({"fieldPath": self.field} if self.field else {})

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return with_rules(handler(schema), self)


@dataclass(frozen=True, slots=True)
class Form:
    """A text's form: every pattern matches the whole of it."""

    what: str
    """What it is and how to write it, as in "'x' is not <what>"."""
    patterns: tuple[str, ...]
    least: str = ""
    """The smallest amount, for a Kubernetes quantity."""

    def check(self, text: str) -> str:
        """The text, if it has the form. Raises ValueError with the sentence that the API server says as well."""
        if all(re.fullmatch(pattern, text) for pattern in self.patterns) and not self._less(text):
            return text
        raise ValueError(f"'{text}' is not {self.what}")

    def _less(self, text: str) -> bool:
        return self.least != "" and quantity_value(text) < quantity_value(self.least)

    def test(self, subject: str) -> str:
        """The CEL condition on a text."""
        matches = [f"{subject}.matches({_raw(pattern)})" for pattern in self.patterns]
        if self.least:
            matches.append(f"!quantity({subject}).isLessThan(quantity('{self.least}'))")
        return " && ".join(matches)

    def rule(self, subject: str = "self", field: str = "") -> Rule:
        """The rule of a field that has this form."""
        return Rule(self.test(subject), f"this is not {self.what}", self._quote(subject), field)

    def key_rule(self) -> Rule:
        """The rule of a map whose keys have this form."""
        test = self.test("key")
        first = f"self.filter(key, !({test}))[0]"
        return Rule(f"self.all(key, {test})", f"a key is not {self.what}", self._quote(first))

    def _quote(self, subject: str) -> str:
        # `format`, since the API server's cost estimator refuses a `+` of texts whose length it can't know.
        sentence = json.dumps(f"'%s' is not {self.what}")
        return f"{sentence}.format([{subject}])"

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        made = handler(schema)
        either = made.get("x-kubernetes-int-or-string", False)
        return {
            **with_rules(made, self.rule("string(self)" if either else "self")),
            KEY_FORM: self.key_rule().validation(),
        }


def with_rules(schema: Mapping[str, Any], *rules: Rule) -> dict[str, Any]:
    """The schema with these rules after those that it has."""
    told = [*schema.get(VALIDATIONS, ()), *(rule.validation() for rule in rules)]
    return {**schema, VALIDATIONS: told} if told else dict(schema)


def _raw(pattern: str) -> str:
    if "'" in pattern:
        raise ValueError(f"a pattern with a quote can't be a raw string of CEL: {pattern}")
    return f"r'{pattern}'"
