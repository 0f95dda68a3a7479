"""The configuration: read once, and one sentence when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from soloist import app
from soloist.settings import BadSettings, read_settings

GOOD = "runtimes: {default: {image: 'example/runtime:1'}}\n"


def written(folder: Path, text: str, **more: str) -> dict[str, str]:
    path = folder / "config.yaml"
    path.write_text(text)
    return {"SOLOIST_CONFIG": str(path), **more}


def test_a_file_and_an_environment_make_settings(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, GOOD, POD_NAME="p", POD_NAMESPACE="n"))
    assert (settings.identity, settings.namespace, settings.workers) == ("p", "n", 16)
    assert settings.platform.runtimes["default"].image == "example/runtime:1"


@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        ("a: [", {}, "is no YAML in line"),
        ("- a\n", {}, "is not a mapping"),
        ("{}\n", {}, "is wrong at runtimes: Field required"),
        (GOOD + "nonsense: 1\n", {}, "is wrong at nonsense"),
        (GOOD + "defaultRuntime: gpu\n", {}, "'gpu'"),
        (GOOD, {"SOLOIST_WORKERS": "many"}, "SOLOIST_WORKERS is 'many'"),
        (GOOD, {"SOLOIST_WORKERS": "0"}, "above zero"),
        (GOOD + "mlflow: {usernameEnv: U, passwordEnv: P}\n", {"U": "u"}, "variable P"),
    ],
    ids=["no YAML", "a list", "empty", "unknown key", "unknown runtime", "word", "zero", "secret"],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, more: dict[str, str], said: str) -> None:
    with pytest.raises(BadSettings) as caught:
        read_settings(written(tmp_path, text, **more))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_exit_code_2_and_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOLOIST_CONFIG", "/nowhere/config.yaml")
    assert app.main() == 2
    said = capsys.readouterr().err
    assert said.startswith("The configuration file /nowhere/config.yaml can't be read")
    assert said.count("\n") == 1
