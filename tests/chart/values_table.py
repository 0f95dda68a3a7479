"""The table of values in the chart's README, made from the comments in values.yaml.

`python -m tests.chart.values_table` rewrites it; a test compares.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import yaml

from tests.chart.helm import CHART

# What Kubernetes' users know by name; a comment at each of the three components would say nothing more.
USUAL = {
    "repository": "The image, without tag.",
    "tag": "Without it: the chart's appVersion.",
    "digest": "sha256:...; wins over the tag.",
    "pullPolicy": "As in a container.",
    "requests": "As in a container.",
    "limits": "As in a container.",
    "podAnnotations": "More annotations of its pods.",
    "podLabels": "More labels of its pods.",
    "nodeSelector": "As in a pod's spec.",
    "tolerations": "As in a pod's spec.",
    "affinity": "As in a pod's spec.",
    "priorityClassName": "As in a pod's spec.",
    "size": "Size of the volume; fixed at its making unless the StorageClass can expand.",
    "storageClass": "StorageClass of the volume; without it the cluster's default.",
    "accessMode": "As in a claim's accessModes.",
    "existingClaim": "An existing claim instead of one that the chart makes.",
    "secretName": "The Secret's name.",
    "secretKey": "The key in it.",
    "image": "The image.",
    "nameOverride": "Another name than the chart's.",
}
BEGIN, END = "<!-- values: begin -->", "<!-- values: end -->"


def rewritten(readme: str) -> str:
    """The README with the table as it should be."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def table() -> str:
    text = (CHART / "values.yaml").read_text()
    lines = text.splitlines()
    root = yaml.compose(text)
    assert isinstance(root, yaml.MappingNode)
    rows = [
        f"| `{path}` | {default} | {comment} |" for path, default, comment in entries(root, lines)
    ]
    return "\n".join(["| value | default | meaning |", "| --- | --- | --- |", *rows])


def entries(
    node: yaml.MappingNode, lines: list[str], path: str = ""
) -> Iterator[tuple[str, str, str]]:
    """Path, default and comment of each value. A mapping in one line is a value; one over several lines is a part."""
    for key, value in node.value:
        here = f"{path}.{key.value}" if path else key.value
        comment = comment_above(lines, key.start_mark.line)
        if isinstance(value, yaml.MappingNode) and value.value and not value.flow_style:
            if comment:
                yield here, "", comment
            yield from entries(value, lines, here)
        else:
            plain = yaml.safe_load(yaml.serialize(value))
            yield here, f"`{json.dumps(plain)}`", comment or USUAL[key.value]


def comment_above(lines: list[str], line: int) -> str:
    words: list[str] = []
    while line > 0 and (above := lines[line - 1].strip()).startswith("#"):
        words.insert(0, above.removeprefix("#").strip())
        line -= 1
    return " ".join(words)


def main() -> None:
    readme = CHART / "README.md"
    readme.write_text(rewritten(readme.read_text()))


if __name__ == "__main__":
    main()
