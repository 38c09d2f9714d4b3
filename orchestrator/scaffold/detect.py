"""Which preset fits a tree, and why. Looks at names and at the text of a few manifests.

A table of rules, most specific first; the first that has a reason wins. It
proposes: the result is written into the configuration with its reasons, for
its owner to correct.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.scaffold.tree import Tree

__all__ = ["Guess", "guess_preset", "package_names"]


@dataclass(frozen=True, slots=True)
class Guess:
    """``preset`` is None where nothing is recognised; ``reasons`` are sentences."""

    preset: str | None
    reasons: tuple[str, ...] = ()


_PYTHON_WEB = re.compile(
    r"\b(flask|fastapi|django|starlette|litestar|aiohttp|bottle|tornado)\b", re.I
)
_NODE_WEB = {"express", "fastify", "koa", "@nestjs/core", "hapi", "@hapi/hapi", "hono"}
_NODE_UI = {
    "react", "vue", "svelte", "@angular/core", "preact", "solid-js", "next", "nuxt", "vite",
    "astro", "lit",
}  # fmt: skip
_NODE_MOBILE = {"react-native", "expo", "@capacitor/core", "nativescript"}
_MANIFESTS = ("pyproject.toml", "setup.py", "setup.cfg", "requirements*.txt", "Pipfile")


def guess_preset(tree: Tree) -> Guess:
    """The preset of the first rule that finds a reason."""
    for preset, rule in _RULES:
        reasons = rule(tree)
        if reasons:
            return Guess(preset, tuple(reasons[:6]))
    return Guess(None)


def package_names(tree: Tree, manifest: str) -> set[str]:
    """What a ``package.json`` depends on; empty when it cannot be read."""
    try:
        value = json.loads(tree.text(manifest))
        return {
            name for key in ("dependencies", "devDependencies") for name in value.get(key) or {}
        }
    except (ValueError, AttributeError, TypeError):
        return set()


def _node(tree: Tree, wanted: set[str]) -> list[str]:
    return [
        f"{name} uses {', '.join(sorted(found))}"
        for name in tree.named("package.json")
        if (found := package_names(tree, name) & wanted)
    ]


def _python_web(tree: Tree) -> list[str]:
    return [
        f"{name} names {found.group().lower()}"
        for name in tree.named(*_MANIFESTS)
        if (found := _PYTHON_WEB.search(tree.text(name)))
    ]


def _mobile(tree: Tree) -> list[str]:
    found = [f"{n} is an Android application" for n in tree.named("AndroidManifest.xml")[:1]]
    found += [f"{n} is a Flutter project" for n in tree.named("pubspec.yaml")[:1]]
    found += [f"{n} lists iOS libraries" for n in tree.named("Podfile")[:1]]
    xcode = sorted({f.split(".xcodeproj/")[0] for f in tree.folders if ".xcodeproj" in f + "/"})
    found += [f"{name} is an Xcode project" for name in xcode[:1]]
    return found + _node(tree, _NODE_MOBILE)


def _microservices(tree: Tree) -> list[str]:
    compose = tree.named("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
    found = [
        f"{name} builds {built} services"
        for name in compose
        if (built := len(re.findall(r"^\s+build\s*:", tree.text(name), re.M))) >= 3
    ]
    images = [n for n in tree.named("Dockerfile") if re.match(r"(services|apps)/[^/]+/", n)]
    if len(images) >= 2:
        found.append(f"{len(images)} services with a Dockerfile each, such as {images[0]}")
    return found


def _data(tree: Tree) -> list[str]:
    found = [f"{n} is a dbt project" for n in tree.named("dbt_project.yml")[:1]]
    found += [f"{n} describes a DVC pipeline" for n in tree.named("dvc.yaml")[:1]]
    tools = re.compile(r"\b(apache-airflow|airflow|prefect|dagster|pyspark|great.expectations)\b")
    found += [
        f"{name} names {hit.group()}"
        for name in tree.named(*_MANIFESTS)
        if (hit := tools.search(tree.text(name)))
    ]
    return found


def _web(tree: Tree) -> list[str]:
    front, back = _node(tree, _NODE_UI), _python_web(tree) + _node(tree, _NODE_WEB)
    back += [f"{n} is a server in another language" for n in _other_servers(tree)]
    pages = [f"{n} is a page" for n in tree.named("*.html", "*.jinja", "*.jinja2")[:1]]
    return [*back[:2], *front[:2], *pages[:1]] if back and (front or pages) else []


def _other_servers(tree: Tree) -> list[str]:
    """Servers beside a front end: Go, Rust, Java, Ruby, PHP in a folder of their own."""
    manifests = ("go.mod", "Cargo.toml", "pom.xml", "build.gradle", "Gemfile", "composer.json")
    return tree.named(*manifests)[:1]


def _api(tree: Tree) -> list[str]:
    documents = tree.named("openapi.json", "openapi.yaml", "openapi.yml", "swagger.json")
    found = [f"{n} describes an API" for n in documents[:1]]
    return found + _python_web(tree) + _node(tree, _NODE_WEB)


def _infrastructure(tree: Tree) -> list[str]:
    found = [f"{n} is Terraform" for n in tree.named("*.tf")[:1]]
    found += [f"{n} is a Helm chart" for n in tree.named("Chart.yaml")[:1]]
    found += [f"{n} is Ansible" for n in tree.named("ansible.cfg", "playbook.yml")[:1]]
    found += [f"{n} is Kustomize" for n in tree.named("kustomization.yaml")[:1]]
    return found


def _python(tree: Tree) -> list[str]:
    found = [f"{n} makes it a Python project" for n in tree.named(*_MANIFESTS)[:1]]
    scripts = tree.named("*.py")
    return found or ([f"{scripts[0]} is Python"] if scripts else [])


def _ui_alone(tree: Tree) -> list[str]:
    pages = [n for n in tree.named("*.html") if n.count("/") == 0]
    return _node(tree, _NODE_UI) or [f"{n} is a page" for n in pages[:1]]


_RULES: tuple[tuple[str, Callable[[Tree], list[str]]], ...] = (
    ("mobile", _mobile),
    ("microservices", _microservices),
    ("data", _data),
    ("web", _web),
    ("ui", _ui_alone),
    ("api", _api),
    ("infrastructure", _infrastructure),
    ("python", _python),
)
