"""The starter checks and example contracts that presets refer to, as one table.

A starter is a script of ``starters/checks``; it is written into the repository
and belongs to it from then on. This module only says what there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

__all__ = ["CONTRACTS", "STARTERS", "ExampleContract", "Starter", "text_of"]


@dataclass(frozen=True, slots=True)
class Starter:
    """One starter check.

    ``script`` is in ``checks/``; ``report`` is the format it writes.
    ``looks_at`` are names of files it examines: in a repository that has none,
    it is written down switched off. ``inputs`` are files it reads, ``examples``
    what it examines in an empty repository (both relative to ``verification``).
    """

    script: str
    about: str
    report: str = "junit"
    looks_at: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExampleContract:
    """A contract for an empty repository; paths relative to ``verification``."""

    kind: str
    path: str
    samples: tuple[str, ...] = ()


_API = ("contracts/orders.openapi.json",)
_SCRIPTS = ("*.js", "*.mjs", "*.jsx", "*.ts", "*.tsx", "*.vue", "*.svelte")
_PAGES = ("*.html", "*.htm")
_PAGE = ("examples/page.html", "examples/page.js", "examples/words.js")

STARTERS: dict[str, Starter] = {
    "secret-scan": Starter("secret_scan.py", "no secret is in the repository", "sarif", ("*",)),
    "unit-tests": Starter(
        "unit_tests.py", "Python compiles, and its unittest tests pass", looks_at=("*.py",)
    ),
    "api-contract": Starter(
        "api_contract.py",
        "the API's description is sound and its examples fit",
        looks_at=("*openapi.json", "*swagger.json"),
        examples=_API,
    ),
    "endpoints": Starter(
        "endpoints.py",
        "the running API answers as it should",
        inputs=("flows/endpoints.json", "examples/api.py"),
    ),
    "routes": Starter(
        "routes.py",
        "the gateway leads to every described path",
        inputs=("contracts/routes.json", *_API),
    ),
    "components": Starter(
        "components.py",
        "every import and asset of the interface is there",
        looks_at=(*_SCRIPTS, *_PAGES),
        examples=_PAGE,
    ),
    "accessibility": Starter(
        "accessibility.py",
        "everybody can use the pages",
        "sarif",
        looks_at=_PAGES,
        examples=_PAGE,
    ),
    "data-quality": Starter(
        "data_quality.py",
        "the data keep the rules of contracts/quality.json",
        inputs=("contracts/quality.json", "examples/orders.csv"),
    ),
    "schema-evolution": Starter(
        "schema_evolution.py",
        "the schema changes only in ways that running systems survive",
        looks_at=("*/migrations/*.sql",),
        examples=("examples/migrations/0001_orders.sql",),
    ),
    "deployment": Starter(
        "deployment.py",
        "what is deployed is pinned, complete and unprivileged",
        looks_at=("*Dockerfile*", "*.yaml", "*.yml", "*.sh"),
        examples=("examples/Dockerfile", "examples/compose.yaml"),
    ),
    "localization": Starter(
        "localization.py",
        "every text is there in every language",
        looks_at=("*/values*/strings.xml", "*.lproj/*.strings", "*.arb", "*locales/*.json"),
        examples=("examples/res/values/strings.xml", "examples/res/values-de/strings.xml"),
    ),
    "manifests": Starter(
        "manifests.py",
        "stores and systems would take the application",
        looks_at=("*AndroidManifest.xml", "*Info.plist"),
        examples=("examples/AndroidManifest.xml", "examples/Info.plist"),
    ),
}

CONTRACTS: dict[str, ExampleContract] = {
    "orders-api": ExampleContract("openapi", "contracts/orders.openapi.json"),
    "order": ExampleContract(
        "json-schema", "contracts/order.schema.json", ("contracts/samples/order/open.json",)
    ),
}


def text_of(name: str) -> str:
    """The text of a file below ``starters``."""
    folder = resources.files("orchestrator.scaffold").joinpath("starters")
    return folder.joinpath(*name.split("/")).read_text(encoding="utf-8")
