"""An example of a verification plugin: refuses files that are too large for git.

Not in use until the configuration names it:

    verification:
      plugins: ["{prefix}plugins/example.py"]

A plugin *plans* checks and *executes* one at a time, in a worker process and
in a checkout of the work that is being verified. The whole contract is the
module ``orchestrator.plugins.spec``; everything used here is imported from it.
"""

from pathlib import Path

from orchestrator.plugins.spec import (
    Check,
    CheckContext,
    CheckResult,
    Finding,
    Outcome,
    PlanRequest,
    PluginInfo,
    Severity,
    hookimpl,
)

LIMIT = 5_000_000  # bytes


@hookimpl
def orchestrate_plugin() -> PluginInfo:
    """Name and version go into the evidence of every run."""
    return PluginInfo(name="large-files", version="1", family="integrity")


@hookimpl
def orchestrate_plan(request: PlanRequest) -> list[Check]:
    """One check for the whole project; nothing when single layers were asked for."""
    if not request.project_wide:
        return []
    changed = None if request.changed is None else list(request.changed)
    return [
        Check(
            id="large-files",
            family="integrity",
            plugin="large-files",
            title=f"no file is larger than {LIMIT:,} bytes",
            spec={"changed": changed},
        )
    ]


@hookimpl
def orchestrate_execute(check: Check, context: CheckContext) -> CheckResult:
    """Look at the changed files, or at all of them."""
    names = check.spec["changed"]
    if names is None:
        listed = context.run(["git", "ls-files", "-z"])
        if not listed.ok or listed.truncated:
            return CheckResult(Outcome.ERRORED, reason="git could not list the files")
        names = [name for name in listed.stdout.split("\0") if name]
    findings = []
    for name in names:
        path = Path(context.checkout, name)
        if path.is_file() and not path.is_symlink() and path.stat().st_size > LIMIT:
            findings.append(
                Finding(
                    rule="files.too-large",
                    severity=Severity.DANGEROUS,
                    message=f"{name} has {path.stat().st_size:,} bytes",
                    file=name,
                    remedy="keep it outside git, or store it with Git LFS",
                )
            )
    metrics = {"files.examined": float(len(names)), "files.too_large": float(len(findings))}
    if findings:
        reason = f"{len(findings)} files are too large"
        return CheckResult(Outcome.FAILED, reason, findings=tuple(findings), metrics=metrics)
    return CheckResult(Outcome.PASSED, metrics=metrics)
