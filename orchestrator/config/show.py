"""A configuration as it can be written again: every default filled in, nothing repeated.

What this gives, written as YAML, loads to the same configuration.
"""

from __future__ import annotations

from orchestrator.config.model import Config
from orchestrator.plugins.spec import Json

__all__ = ["as_yaml", "written"]

#: Wider than any line: a rule that is folded cannot be read at a glance, nor found with grep.
_UNFOLDED = 1_000_000

#: Sections by name; the name stands once, as the key.
_TABLES = {
    "instances": "id",
    "layers": "name",
    "contracts": "name",
    "services": "name",
    "flows": "name",
    "benchmarks": "name",
}


def written(config: Config) -> dict[str, Json]:
    """The data of a file that says the same; durations in seconds, shares as fractions."""
    data = {key: _plain(value) for key, value in config.to_json().items()}
    for section, name in _TABLES.items():
        data[section] = {
            key: {field: value for field, value in entry.items() if field != name}
            for key, entry in data[section].items()
        }
    _payloads(data, config)
    first = {"version": data.pop("version"), "project": data.pop("project")}
    return {**first, **data}


def as_yaml(data: Json) -> str:
    """The text of a file with ``data``, keys in their order."""
    import yaml

    text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=_UNFOLDED)
    return text


def _payloads(data: dict[str, Json], config: Config) -> None:
    """Put back what users wrote as JSON of their own: there a null means something."""
    for name, flow in config.flows.items():
        for step, entry in zip(flow.steps, data["flows"][name]["steps"], strict=True):
            if step.input is not None:
                entry["input"] = step.input
    groups = [
        (layer.checks, data["layers"][name]["checks"]) for name, layer in config.layers.items()
    ]
    groups.append((config.integration_tests, data["integration_tests"]))
    for checks, entries in groups:
        for check, entry in zip(checks, entries, strict=True):
            if check.uses is None:
                del entry["options"]
            else:
                entry["options"] = dict(check.options)


def _plain(value: Json) -> Json:
    """Lists for tuples, whole numbers without ``.0``, and nothing that is not set."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
