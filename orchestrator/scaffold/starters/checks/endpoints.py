"""Does the running API answer as it should?

Reads ``flows/endpoints.json`` beside this folder: how to start the
application, how to know that it is up, and the requests to make with the
answers to expect. Starts it on a free port, asks, and ends it. The example
tests the small application in ``examples``: put your own start command there.

    {"start": ["python3", "-m", "shop"], "environment": {"PORT": "{port}"},
     "ready": "/health", "requests": [
       {"method": "POST", "path": "/orders", "body": {"item": "pen"}, "status": 201,
        "has": ["id"]}]}

``has`` names keys of the JSON answer, ``equals`` gives values for some.
Writes JUnit, one case per request.
"""

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import checklib

HERE = Path(__file__).resolve().parents[1]
PATIENCE = 20  # seconds until the application must answer


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(url, method="GET", body=None):
    """Status and body of an answer; a redirect or an error status is an answer too."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def wait(process, url):
    """Return when the application answers; give up when it ends or stays silent."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            return f"it ended with status {process.returncode}"
        try:
            ask(url)
            return None
        except (OSError, urllib.error.URLError):
            time.sleep(0.05)
    return f"it did not answer within {PATIENCE} s"


def problems_of(request, base):
    """What is wrong with the answer to one request."""
    try:
        status, body = ask(base + request["path"], request.get("method", "GET"),
                           request.get("body"))
    except OSError as error:
        return [f"no answer: {error}"]
    problems = []
    if status != request.get("status", 200):
        problems.append(f"answered {status}, not {request.get('status', 200)}")
    if request.get("has") or request.get("equals"):
        try:
            answer = json.loads(body)
        except ValueError:
            return [*problems, "the answer is not JSON"]
        answer = answer if isinstance(answer, dict) else {}
        problems += [f"the answer has no {key!r}" for key in request.get("has", [])
                     if key not in answer]
        problems += [f"{key!r} is {answer.get(key)!r}, not {value!r}"
                     for key, value in request.get("equals", {}).items()
                     if answer.get(key) != value]
    return problems


def main():
    options = checklib.arguments(__doc__, file={"positional": True, "nargs": "?",
                                                "default": str(HERE / "flows/endpoints.json")})
    try:
        plan = json.loads(Path(options.file).read_text(encoding="utf-8"))
        start = [part.replace("{here}", str(HERE)) for part in plan["start"]]
    except (OSError, ValueError, KeyError) as error:
        checklib.give_up(f"{options.file}: {error!r}")
    port = str(free_port())
    extra = {k: v.replace("{port}", port) for k, v in plan.get("environment", {}).items()}
    start = [part.replace("{port}", port) for part in start]
    report, base = checklib.Report("endpoints"), f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(start, env={**os.environ, **extra}, stdout=said,
                                       stderr=subprocess.STDOUT, start_new_session=True)
        except OSError as error:
            checklib.give_up(f"cannot start {start[0]}: {error}")
        try:
            trouble = wait(process, base + plan.get("ready", "/"))
            said.seek(0)
            output = said.read().decode(errors="replace")[-2000:]
            report.case("the application starts", [f"{trouble}\n{output}"] if trouble else [])
            for request in [] if trouble else plan["requests"]:
                name = f"{request.get('method', 'GET')} {request['path']}"
                report.case(name, problems_of(request, base))
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
    report.finish(options.report)


if __name__ == "__main__":
    main()
