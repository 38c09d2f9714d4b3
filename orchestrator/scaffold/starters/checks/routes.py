"""Does the gateway lead everywhere it should, and nowhere else?

Reads ``contracts/routes.json`` beside this folder: which path prefix goes to
which service, and the OpenAPI document (JSON) of each service.

    {"services": {"orders": "contracts/orders.openapi.json"},
     "routes": [{"prefix": "/orders", "service": "orders"}]}

Every route names a known service, no prefix is given twice or hides behind an
earlier one, and every described path is reached by a route of its own service.
Writes JUnit, one case per route and per described path.
"""

import json
from pathlib import Path

import checklib

HERE = Path(__file__).resolve().parents[1]


def load(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        checklib.give_up(f"{path}: {error}")


def under(path, prefix):
    """True when ``path`` is ``prefix`` or below it, by whole segments."""
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")


def route_problems(routes, services):
    """Yields (route, problems)."""
    for number, route in enumerate(routes):
        problems = []
        if route["service"] not in services:
            problems.append(f"the service {route['service']!r} is not known")
        for earlier in routes[:number]:
            if under(route["prefix"], earlier["prefix"]):
                problems.append(f"is never reached: {earlier['prefix']} comes first")
        yield f"route {route['prefix']}", problems


def path_problems(routes, services, documents):
    """Yields (service and path, problems)."""
    for service in services:
        for path in documents[service].get("paths", {}):
            first = next((r for r in routes if under(path, r["prefix"])), None)
            if first is None:
                yield f"{service} {path}", ["no route leads there"]
            else:
                wrong = first["service"] != service
                yield f"{service} {path}", [f"goes to {first['service']!r}"] if wrong else []


def main():
    options = checklib.arguments(__doc__, file={"positional": True, "nargs": "?",
                                                "default": str(HERE / "contracts/routes.json")})
    plan = load(Path(options.file))
    routes, services = plan.get("routes", []), plan.get("services", {})
    documents = {name: load(HERE / path) for name, path in services.items()}
    report = checklib.Report("routes")
    for name, problems in route_problems(routes, services):
        report.case(name, problems)
    for name, problems in path_problems(routes, services, documents):
        report.case(name, problems)
    report.finish(options.report)


if __name__ == "__main__":
    main()
