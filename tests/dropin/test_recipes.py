"""Every jq and shell recipe that people have in scripts and notes, run as they have it.

Those that never end and those that talk to somebody are in ``test_lasting_recipes``.
"""

from __future__ import annotations

import json
import re
import shutil

import pytest

from orchestrator.status.view_names import instance_id
from tests.conftest import git
from tests.dropin.conftest import Place

BIN = ".claude/coordination/bin"
LIB = 'source ".claude/coordination/lib/coordination.sh"\n'
LOG = ".claude/coordination/decision-log.json"

pytestmark = pytest.mark.usefixtures("jq")


@pytest.fixture
def old(place: Place) -> Place:
    """A checkout in which the old paths lead to the new commands."""
    place.prepare("orchestrate", "import", "--shim", ".claude")
    return place


@pytest.fixture
def logged(old: Place) -> Place:
    """Three decisions, one lock."""
    for category in ("api-design", "testing", "api-design"):
        said = ["--description=JWT tokens expire after 15 minutes", "--scope=service"]
        about = [f"--category={category}", f"--title=About {category}", *said]
        old.prepare("coord-decisions", "add", *about)
    old.prepare("coord-lock", "acquire", "b.py")
    return old


def out(place: Place, script: str, **variables: str) -> str:
    done = place.bash(f"set -e -o pipefail\n{script}", **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_looking_at_the_folder_and_the_status(old: Place) -> None:
    assert "work-registry.json" in out(old, "ls -la .claude/coordination/")
    assert "Active Instances: 0" in out(old, f"{BIN}/coord-status")
    assert "Recent Decisions:" in out(old, f"{BIN}/coord-status --verbose")


def test_the_shim_s_folder_may_be_first_on_the_path(old: Place) -> None:
    assert "Active Instances" in out(old, f'PATH="$PWD/{BIN}:$PATH" coord-status')


def test_counting_instances(old: Place) -> None:
    script = f"""INSTANCES=$({BIN}/coord-status --json | jq '.instances | length')
    if [[ $INSTANCES -gt 1 ]]; then
      echo "Multiple instances detected!"
    else echo "$INSTANCES"; fi"""
    assert out(old, script) == "0"
    for name in ("one", "two"):
        old.prepare("orchestrate", "check-in", ORCHESTRATE_SESSION=name)
    assert out(old, script) == "Multiple instances detected!"


@pytest.mark.slow
def test_the_commands_of_the_lock_page(old: Place) -> None:
    script = f"""{BIN}/coord-lock acquire backend/app/api/routes.py
    {BIN}/coord-lock check backend/app/api/routes.py
    {BIN}/coord-lock list
    {BIN}/coord-lock release backend/app/api/routes.py
    {BIN}/coord-lock cleanup"""
    said = out(old, script)
    assert "Lock acquired successfully: backend/app/api/routes.py" in said
    assert "Lock released" in said


def test_the_commands_of_the_decision_page(logged: Place) -> None:
    script = f"""{BIN}/coord-decisions add --category=security --title="About keys" \\
      --description="Keys are renewed every year" --scope=service"""
    assert re.fullmatch(r"Decision logged: DEC-\d{8}-\d{4}", out(logged, script))
    said = out(logged, f"{BIN}/coord-decisions list --category=api-design --limit=5")
    name = re.findall(r"\[(DEC-\d{8}-\d{4})\] About api-design", said)
    assert len(name) == 2
    found = json.loads(out(logged, f"{BIN}/coord-decisions query {name[0]}"))
    assert found["description"] == "JWT tokens expire after 15 minutes"
    assert out(logged, f"{BIN}/coord-decisions list").count("Category:") == 4


def test_metrics_of_the_decision_log_and_of_locks(logged: Place) -> None:
    assert out(logged, f"jq '.decisions | length' {LOG}") == "3"
    script = f"""jq '[.decisions[] | .category] | group_by(.) | map({{(.[0]): length}}) | add' \\
      {LOG}"""
    assert json.loads(out(logged, script)) == {"api-design": 2, "testing": 1}
    assert out(logged, "ls -1 .claude/coordination/locks/ | wc -l").strip() == "1"


def test_trimming_the_log_is_harmless_it_is_a_view(logged: Place) -> None:
    script = f"""cp {LOG} \\
      .claude/coordination/decision-log-archive-$(date +%Y%m%d).json
    jq '.decisions |= .[-1:]' \\
      {LOG} > {LOG}.tmp && \\
    mv {LOG}.tmp {LOG}
    {BIN}/coord-decisions add --category=testing --title=Fourth
    jq -r '.decisions[].decision_id' {LOG} | sort -u | wc -l
    ls .claude/coordination | grep -c archive"""
    assert [line.strip() for line in out(logged, script).splitlines()][-2:] == ["4", "1"]


def test_removing_a_lock_file_by_hand_keeps_the_lease(logged: Place) -> None:
    out(logged, "rm .claude/coordination/locks/Yi5weQ.json")
    other = {"ORCHESTRATE_SESSION": "other"}
    logged.prepare("orchestrate", "check-in", **other)
    assert logged.run("coord-lock", "acquire", "b.py", **other).returncode == 10
    assert logged.path(".claude/coordination/locks/Yi5weQ.json").is_file()


def test_committing_the_log(logged: Place) -> None:
    script = """cd .claude/coordination
    git add decision-log.json
    git commit -q -m "Decision: $(tail -1 decision-log.json)\""""
    out(logged, script)
    assert "decision-log.json" in git(logged.folder, "ls-files")


def test_reinitialising_and_looking_at_the_instance_file(old: Place) -> None:
    assert out(old, ".claude/hooks/lifecycle/coordination-init.sh; cat .claude/.instance_env")
    name = out(old, "cat .claude/.instance_env").removeprefix("CLAUDE_INSTANCE_ID=")
    assert re.fullmatch(r"claude-[0-9]{8}-[0-9]{6}-[a-f0-9]{8}", name)
    beat = json.loads(out(old, "cat .claude/coordination/heartbeats/claude-*.json"))
    assert beat["instance_id"] == name
    old.path(".claude/settings.json").write_text('{"hooks": {"SessionStart": []}}')
    assert out(old, "jq '.hooks.SessionStart' .claude/settings.json") == "[]"


MIGRATION = (
    LIB
    + """
coord_init
INSTANCE_ID=$(coord_register_instance "Database migration" "db-admin")
if coord_acquire_lock "backend/versions/001_initial.py" "Running migration"; then
  echo "Lock acquired, running migration..."
  coord_list_instances | jq length
  coord_get_work "$INSTANCE_ID" | jq -r .description
  coord_heartbeat
  coord_renew_lock "backend/versions/001_initial.py"
  coord_release_lock "backend/versions/001_initial.py"
  coord_log_decision "database-schema" \\
    "Added users table" \\
    "Initial migration with users, roles, and permissions" \\
    "system"
else
  echo "Could not acquire lock, another instance is working on migrations"
  exit 1
fi
coord_query_decisions database-schema 5 | jq -r '.[0].impact.scope'
coord_unregister_instance
coord_list_instances | jq length
"""
)


@pytest.mark.slow
def test_the_migration_script_runs_as_it_is(old: Place) -> None:
    said = out(old, MIGRATION).splitlines()
    assert said[:3] == ["Lock acquired, running migration...", "1", "Database migration"]
    assert re.fullmatch(r"DEC-\d{8}-0001", said[3])
    assert said[4:] == ["system", "0"]


def test_the_migration_script_stops_where_another_is_at_it(old: Place) -> None:
    old.prepare("coord-lock", "acquire", "backend/versions/001_initial.py")
    done = old.bash(MIGRATION)
    assert done.returncode == 1
    assert "another instance is working on migrations" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_the_functions_return_the_documented_codes(old: Place, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    old.prepare("coord-lock", "acquire", "src/app.py")
    script = (
        LIB.replace("source", ".")
        + """
    coord_init; echo init $?
    coord_register_instance "Custom" "custom-agent" > /dev/null
    coord_acquire_lock src/app.py; echo acquire $?
    coord_check_lock src/app.py > /dev/null; echo check $?
    coord_release_lock src/app.py; echo release $?
    coord_acquire_lock b.py "Making changes"; echo mine $?
    coord_detect_conflict b.py; echo same $?
    echo changed >> b.py
    coord_detect_conflict b.py; echo conflict $?
    coord_renew_lock b.py; echo renewed $?
    coord_renew_lock never.py; echo nothing $?
    coord_release_lock b.py; echo released $?
    coord_release_lock b.py; echo again $?
    coord_cleanup_stale_instances; echo cleanup $?
    coord_unregister_instance; echo left $?
    coord_acquire_lock b.py; echo stale $?
    """
    )
    done = old.run(shell, "-c", script)
    codes = dict(line.split() for line in done.stdout.splitlines())
    assert codes == {
        "init": "0", "acquire": "10", "check": "10", "release": "10", "mine": "0", "same": "0",
        "renewed": "0", "nothing": "1",
        "conflict": "12", "released": "0", "again": "0", "cleanup": "0", "left": "0",
        "stale": "13",
    }, done.stderr  # fmt: skip


def test_two_shells_in_one_checkout_are_two_instances(old: Place) -> None:
    script = LIB + 'coord_register_instance "$1" main; coord_acquire_lock b.py; echo $?; sleep 0'
    hold = f"""{LIB}
    first=$(coord_register_instance one main)
    coord_acquire_lock b.py
    second=$(env -u ORCHESTRATE_SESSION -u CLAUDE_INSTANCE_ID bash -c '{script}' _ two)
    echo "$first" $second"""
    first, second, code = out(old, hold).split()
    assert first != second
    assert code == "10"


def test_a_subagent_script_with_its_role(old: Place) -> None:
    script = f"""{LIB}
    SUBAGENT_ROLE="${{CLAUDE_SUBAGENT_ROLE:-subagent}}"
    coord_register_instance "Subagent task" "${{SUBAGENT_ROLE}}"
    coord-status --json | jq -r '.instances[0].current_task.agent_role'"""
    said = out(old, script, CLAUDE_SUBAGENT_ROLE="test-generator").splitlines()
    assert said[-1] == "test-generator"


def test_exporting_a_metric(old: Place) -> None:
    said = out(old, f'{LIB}\necho "claude_active_instances $(coord_list_instances | jq length)"')
    assert said == "claude_active_instances 0"


def test_the_shared_files_say_what_the_commands_do(old: Place) -> None:
    script = """orchestrate task add "Design it" --due 2h --deliverable /docs/spec.md
    orchestrate message send backend --subject Question --type question --body "Which one?"
    jq -r '.pending_tasks[0].deliverables[0]' coordination/task-queue.json
    jq -r '.messages[] | select(.to == "backend" and .status == "pending_response") | .subject' \\
      coordination/communication-log.json
    jq -r '.instances.backend.status' coordination/instance-registry.json
    jq -r '.decisions | length' coordination/decisions.json"""
    assert out(old, script).splitlines()[-4:] == ["/docs/spec.md", "Question", "pending", "0"]
    assert instance_id("backend").startswith("claude-00000000-")


def test_a_heartbeat_shows_at_once(old: Place) -> None:
    script = f"""{LIB}
    coord_register_instance Work main > /dev/null
    jq -r .last_ping .claude/coordination/heartbeats/claude-*.json
    rm .claude/coordination/heartbeats/claude-*.json
    coord_heartbeat
    ls .claude/coordination/heartbeats | wc -l"""
    assert out(old, script).splitlines()[-1].strip() == "1"
