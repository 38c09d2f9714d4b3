"""Is the API's description sound, and do its own examples keep to it?

For every operation of each OpenAPI 3 document: it has an id used nowhere
else, an answer for success, every ``{parameter}`` of its path is declared,
every ``$ref`` leads somewhere, and every example fits its schema. What changed
since the last version is compared by the contract of kind ``openapi`` in the
configuration, not here.

Writes JUnit, one case per operation. YAML documents need PyYAML.
"""

import json
import re

import checklib

METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"]
TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list,
         "object": dict, "null": type(None)}


def load(name):
    """A document as plain data; the check ends when it cannot be read."""
    text = checklib.read(name)
    if name.endswith(".json"):
        try:
            return json.loads(text)
        except ValueError as error:
            return {"broken": str(error)}
    try:
        import yaml
    except ImportError:
        checklib.give_up(f"{name} is YAML and PyYAML is not installed")
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        return {"broken": str(error)}


def follow(document, node):
    """``node`` with its ``$ref`` followed; KeyError when that leads nowhere."""
    seen = set()
    while isinstance(node, dict) and "$ref" in node:
        target = node["$ref"]
        if not target.startswith("#/") or target in seen:
            raise KeyError(target)
        seen.add(target)
        node = document
        for part in target[2:].split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, dict) or part not in node:
                raise KeyError(target)
            node = node[part]
    return node


def misfit(document, schema, value, place="example"):
    """Why ``value`` does not fit ``schema``, or None. Types, required, enum, items, bounds."""
    schema = follow(document, schema)
    if not isinstance(schema, dict) or (value is None and schema.get("nullable")):
        return None
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    right = [t for t in types if isinstance(value, TYPES.get(t, object))
             and not (isinstance(value, bool) and t in ("integer", "number"))]
    if types and not right:
        return f"{place} is {json.dumps(value)}, not {' or '.join(types)}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{place} is {json.dumps(value)}, not one of {json.dumps(schema['enum'])}"
    if isinstance(value, (int, float)) and value < schema.get("minimum", value):
        return f"{place} is {value}, less than {schema['minimum']}"
    if isinstance(value, dict):
        missing = [key for key in schema.get("required", []) if key not in value]
        if missing:
            return f"{place} has no {missing[0]!r}"
        parts = [(f"{place}.{key}", part, value[key])
                 for key, part in schema.get("properties", {}).items() if key in value]
    else:
        items = value if isinstance(value, list) and "items" in schema else []
        parts = [(f"{place}[{i}]", schema["items"], item) for i, item in enumerate(items)]
    reasons = (misfit(document, part, item, where) for where, part, item in parts)
    return next((reason for reason in reasons if reason), None)


def references(node):
    """Every ``$ref`` below ``node``."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def example_problems(document, operation):
    bodies = [operation.get("requestBody", {}), *operation.get("responses", {}).values()]
    for body in bodies:
        for media in follow(document, body).get("content", {}).values():
            examples = [media["example"]] if "example" in media else []
            examples += [follow(document, e).get("value") for e in media.get("examples", {}).values()]
            for example in examples:
                reason = misfit(document, media.get("schema", {}), example)
                if reason:
                    yield reason


def operation_problems(document, path, shared, operation):
    for node in references(operation):
        try:
            follow(document, node)
        except KeyError as error:
            return [f"the reference {error} leads nowhere"]
    problems = []
    answers = [str(code) for code in operation.get("responses", {})]
    if not any(code[0] in "23" or code == "default" for code in answers):
        problems.append("no answer for success is described")
    declared = {
        p.get("name")
        for p in (follow(document, p) for p in [*shared, *operation.get("parameters", [])])
        if p.get("in") == "path"
    }
    problems += [f"the path parameter {{{name}}} is not declared"
                 for name in re.findall(r"{([^}]+)}", path) if name not in declared]
    return problems + list(example_problems(document, operation))


def examine(document):
    """Yields (operation, problems)."""
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3."):
        broken = document.get("broken") if isinstance(document, dict) else None
        yield "document", [broken or "this is not an OpenAPI 3 document"]
        return
    ids = {}
    for path, item in document.get("paths", {}).items():
        for method in (m for m in METHODS if m in item):
            name, operation = f"{method.upper()} {path}", item[method]
            problems = operation_problems(document, path, item.get("parameters", []), operation)
            identifier = operation.get("operationId")
            if identifier in ids:
                problems.append(f"the operationId {identifier!r} is also {ids[identifier]}'s")
            elif identifier:
                ids[identifier] = name
            else:
                problems.append("it has no operationId")
            yield name, problems


def main():
    options = checklib.arguments(__doc__, globs={"positional": True, "nargs": "*"})
    report = checklib.Report("api-contract")
    wanted = [f"*{n}.{e}" for n in ("openapi", "swagger") for e in ("json", "yaml", "yml")]
    for name in checklib.files(*(options.globs or wanted)):
        for operation, problems in examine(load(name)):
            report.case(f"{name} {operation}", problems, file=name)
    report.finish(options.report)


if __name__ == "__main__":
    main()
