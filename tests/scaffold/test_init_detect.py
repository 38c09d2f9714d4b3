"""What is found in trees as they really look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.config.load import load
from orchestrator.config.model import Config
from orchestrator.scaffold.init import SetUp, set_up
from tests.conftest import MakeRepo

Tree = dict[str, str | None]


def package(scripts: dict[str, str], *dependencies: str) -> str:
    return json.dumps({"scripts": scripts, "dependencies": dict.fromkeys(dependencies, "1")})


def fitted(make_repo: MakeRepo, tree: Tree) -> tuple[SetUp, Config, str]:
    """Set up a repository with these files: what was done, the configuration, its text."""
    repo = make_repo(tree)
    done = set_up(repo)
    path = repo / "config/orchestrate.yaml"
    return done, load(path), path.read_text()


def checks(config: Config, layer: str) -> list[str]:
    return [check.name for check in config.layers[layer].checks]


def test_a_flask_application(make_repo: MakeRepo) -> None:
    done, config, text = fitted(
        make_repo,
        {
            "app/__init__.py": "",
            "app/routes.py": "",
            "app/templates/index.html": "<p>",
            "app/static/site.css": "",
            "tests/test_app.py": "",
            "requirements.txt": "Flask==3\npytest\n",
            "migrations/0001_first.sql": "SELECT 1;",
            "Dockerfile": "FROM python:3.12\n",
        },
    )
    assert done.preset == "web"
    assert "requirements.txt names flask" in text
    assert config.layers["service"].paths == ("app/**", "tests/**", "requirements.txt")
    assert "app/*" in config.instances["backend"].file_patterns
    assert "app/templates/**" in config.instances["frontend"].file_patterns
    assert config.layers["presentation"].paths == ("app/static/**", "app/templates/**")
    assert config.layers["data"].paths == ("migrations/**",)
    assert config.layers["service"].depends_on == ("data",)
    assert checks(config, "service") == ["pytest"]
    assert checks(config, "presentation") == ["accessibility"] or "components" in checks(
        config, "presentation"
    )
    assert config.verification.prepare[0].when_changed == ("requirements.txt",)
    assert config.verification.keep == (".venv",)
    assert "cache" not in config.layers and "  # cache:" in text


def test_vite_with_react(make_repo: MakeRepo) -> None:
    scripts = {"test": "vitest run", "lint": "eslint .", "build": "vite build", "dev": "vite"}
    done, config, _ = fitted(
        make_repo,
        {
            "package.json": package(scripts, "react", "vite"),
            "package-lock.json": "{}",
            "index.html": "<html lang=en><title>x</title></html>",
            "src/main.tsx": "",
            "src/components/Button.tsx": "",
            "src/hooks/use.ts": "",
            "src/api/client.ts": "",
            "node_modules/react/index.js": "",
        },
    )
    assert done.preset == "ui"
    assert checks(config, "presentation")[:3] == ["npm-lint", "npm-test", "npm-build"]
    assert config.layers["state"].paths == ("src/hooks/**",)
    assert config.layers["integration"].paths == ("src/api/**",)
    assert "src/**" in config.layers["presentation"].paths
    assert "src/components/**" in config.instances["components"].file_patterns
    assert config.verification.prepare[0].run.startswith("npm ci")
    assert "node_modules" not in " ".join(config.layers["presentation"].paths)


def test_a_dbt_project(make_repo: MakeRepo) -> None:
    done, config, text = fitted(
        make_repo,
        {
            "dbt_project.yml": "name: shop\n",
            "models/staging/orders.sql": "select 1",
            "models/marts/revenue.sql": "select 1",
            "models/schema.yml": "",
            "seeds/countries.csv": "code\nde\n",
            "macros/m.sql": "",
        },
    )
    assert done.preset == "data"
    assert config.layers["sources"].paths == ("seeds/**",)
    assert config.layers["output"].paths == ("models/marts/**",)
    assert config.layers["processing"].paths[:2] == ("macros/**", "models/**")
    owned = config.instances["processing"].file_patterns
    assert owned[:3] == ("macros/**", "models/*", "models/staging/**")
    assert config.instances["ingestion"].hands_off_to == "processing"
    assert "dbt parse" in text and "dbt-parse" not in checks(config, "processing")


def test_services_with_a_compose_file(make_repo: MakeRepo) -> None:
    compose = "".join(f"  {n}:\n    build: {n}\n" for n in ("cart", "pay", "gateway"))
    done, config, text = fitted(
        make_repo,
        {
            "compose.yaml": f"services:\n{compose}",
            "services/cart/main.go": "",
            "services/cart/go.mod": "module cart",
            "services/pay/app.py": "",
            "services/pay/db/q.sql": "",
            "gateway/nginx.conf": "",
            "k8s/cart.yaml": "",
            "proto/cart.proto": "",
        },
    )
    assert done.preset == "microservices"
    assert config.layers["service"].paths == ("services/**",)
    owned = config.instances["service"].file_patterns
    assert {"services/cart/**", "services/pay/*", "services/pay/db/**"} <= set(owned)
    assert config.layers["data"].paths == ("services/pay/db/**",)
    assert config.layers["gateway"].paths == ("gateway/**",)
    assert config.layers["infrastructure"].paths == ("k8s/**", "compose.yaml")
    assert "go-test-services-cart" in checks(config, "service")
    assert config.contracts == {} and "#     kind: protobuf" in text


def test_an_android_application(make_repo: MakeRepo) -> None:
    code = "app/src/main/java/org/example"
    done, config, _ = fitted(
        make_repo,
        {
            "build.gradle.kts": "",
            "gradlew": "",
            "app/src/main/AndroidManifest.xml": "<manifest><application/></manifest>",
            f"{code}/ui/Main.kt": "",
            f"{code}/data/Store.kt": "",
            f"{code}/domain/Rules.kt": "",
            "app/src/main/res/values/strings.xml": "<resources/>",
        },
    )
    assert done.preset == "mobile"
    assert config.layers["presentation"].paths == (f"{code}/ui/**", "app/src/main/res/**")
    assert config.layers["data"].paths == (f"{code}/data/**",)
    assert f"{code}/domain/**" in config.instances["logic"].file_patterns
    assert checks(config, "logic") == ["gradle-test", "manifests"]
    assert checks(config, "presentation") == ["localization"]


def test_terraform(make_repo: MakeRepo) -> None:
    done, config, _ = fitted(
        make_repo,
        {
            "main.tf": "",
            "modules/net/main.tf": "",
            "environments/prod/main.tf": "",
            "scripts/deploy.sh": "true\n",
        },
    )
    assert done.preset == "infrastructure"
    assert config.layers["foundation"].paths == ("environments/**", "modules/**", "*.tf")
    assert "terraform-format" in checks(config, "foundation")
    assert checks(config, "pipelines") == ["deployment"]
    assert config.layers["pipelines"].depends_on == ("foundation",)


def test_a_front_end_and_a_back_end_side_by_side(make_repo: MakeRepo) -> None:
    done, config, _ = fitted(
        make_repo,
        {
            "backend/pyproject.toml": "[project]\ndependencies=['fastapi']\n[tool.pytest]\n",
            "backend/app/main.py": "",
            "backend/app/db/models.py": "",
            "backend/tests/test_main.py": "",
            "frontend/package.json": package({"test": "vitest"}, "vue"),
            "frontend/pnpm-lock.yaml": "",
            "frontend/src/api/client.ts": "",
            "frontend/src/App.vue": "",
            "openapi.yaml": "openapi: 3.1.0\n",
        },
    )
    assert done.preset == "web"
    assert config.layers["presentation"].paths == ("frontend/**",)
    assert config.layers["service"].output == "openapi"
    assert config.contracts["openapi"].path == "openapi.yaml"
    assert config.layers["service"].checks[0].run == (
        "cd backend && python3 -m pytest -q --junitxml {report}"
    )
    assert "pnpm-test-frontend" in checks(config, "presentation")


def test_a_python_library(make_repo: MakeRepo) -> None:
    schema = json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema"})
    done, config, text = fitted(
        make_repo,
        {
            "pyproject.toml": "[project]\nname='x'\n",
            "mylib/__init__.py": "",
            "tests/test_x.py": "",
            "schemas/user.schema.json": schema,
        },
    )
    assert done.preset == "python"
    assert config.layers["package"].paths == ("mylib/**", "pyproject.toml")
    assert checks(config, "tests") == ["unit-tests"]
    assert config.contracts["user"].kind == "json-schema"
    assert config.verification.prepare == () and "# - run:" in text


def test_tests_that_only_pytest_runs_are_run_by_it(make_repo: MakeRepo) -> None:
    text = "def test_total():\n    assert True\n"
    tree: dict[str, str | None] = {
        "pyproject.toml": "[project]\nname='x'\n",
        "api/x.py": "",
        "api/tests/test_x.py": text,
    }
    _, config, _ = fitted(make_repo, tree)
    [check] = [c for each in config.layers.values() for c in each.checks if "pytest" in c.name]
    assert check.run == "cd api && python3 -m pytest -q --junitxml {report}"
    assert not [c for each in config.layers.values() for c in each.checks if c.name == "unit-tests"]


@pytest.mark.parametrize(
    ("manifest", "command"),
    [
        ("Cargo.toml", "cargo test --quiet"),
        ("go.mod", "go test ./..."),
        ("pom.xml", "mvn -q -B test"),
    ],
)
def test_another_language_gets_its_own_test_command(
    make_repo: MakeRepo, manifest: str, command: str
) -> None:
    done, config, _ = fitted(make_repo, {manifest: ""})
    assert done.preset is None
    assert [check.run for check in config.layers["project"].checks] == [command]


def test_make_is_used_when_nothing_better_is_there(make_repo: MakeRepo) -> None:
    _, config, _ = fitted(make_repo, {"Makefile": "all:\n\ntest: all\n\ttrue\n", "a.c": ""})
    assert [check.run for check in config.layers["project"].checks] == ["make test"]


def test_a_placeholder_npm_test_is_no_test(make_repo: MakeRepo) -> None:
    scripts = {"test": 'echo "Error: no test specified" && exit 1'}
    _, config, _ = fitted(make_repo, {"package.json": package(scripts, "react")})
    assert "npm-test" not in checks(config, "presentation")


def test_names_with_quotes_brackets_and_umlauts_load(make_repo: MakeRepo) -> None:
    _, config, _ = fitted(
        make_repo,
        {
            "setup.py": "",
            "we ird 'q\"[x]/ü.py": "",
            "src*/a.py": "",
            "requirements dev's.txt": "pytest\n",
            "we ird 'q\"[x]/package.json": package({"test": "x"}),
        },
    )
    assert "we ird 'q\"[[]x]/**" in config.layers["package"].paths
    assert "src[*]/**" in config.layers["package"].paths


@pytest.mark.parametrize("text", ["{", "[]", '"x"', '{"scripts": 3}', '{"scripts": {"test": 1}}'])
def test_a_manifest_that_makes_no_sense_stops_nothing(make_repo: MakeRepo, text: str) -> None:
    fitted(make_repo, {"package.json": text, "a.openapi.json": text, "x.schema.json": text})


def test_files_that_lead_out_of_the_tree_are_not_read(make_repo: MakeRepo) -> None:
    repo = make_repo()
    (repo.parent / "secret.txt").write_text("flask")
    (repo / "requirements.txt").symlink_to(repo.parent / "secret.txt")
    done = set_up(repo)
    assert "flask" not in "".join(done.reasons)


def test_a_tree_without_git_is_walked(tmp_path: Path) -> None:
    (tmp_path / "mylib").mkdir()
    (tmp_path / "mylib/core.py").write_text("")
    (tmp_path / "setup.py").write_text("")
    assert set_up(tmp_path).preset == "python"


def test_a_preset_asked_for_is_narrowed_to_what_exists(make_repo: MakeRepo) -> None:
    repo = make_repo({"src/backend/api/a.py": "", "src/components/a.html": "<p>"})
    set_up(repo, preset="web")
    path = repo / "config/orchestrate.yaml"
    config, text = load(path), path.read_text()
    assert set(config.layers) == {"service", "presentation"}
    assert config.layers["service"].paths == ("src/backend/**",)
    assert config.layers["presentation"].paths == ("src/components/**",)
    assert '      # - "src/frontend/**"' in text
    assert "  # delivery:" in text
    assert set(config.instances) == {"coordinator", "backend", "frontend"}
    assert config.instances["backend"].layers == ("service",)
