"""Will what is deployed start, and only with what it should?

Dockerfiles and Compose or Kubernetes YAML: base images and images are pinned
to a version, nothing runs privileged or on the host's network, a Kubernetes
object has ``apiVersion``, ``kind`` and a name. YAML is read line by line for
tabs, keys given twice and unclosed quotes: enough to catch a slip, no full
parser. JSON parses. Shell scripts are read by ``sh -n`` (``bash -n`` for those
that name bash). A line with ``deployment: allow`` is left alone.

Writes JUnit, one case per file.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import checklib

ALLOW = "deployment: allow"
DANGEROUS = re.compile(r"^\s*-?\s*(privileged|hostNetwork|hostPID|allowPrivilegeEscalation)\s*:\s*"
                       r"(true|yes)\b|^\s*(network_mode)\s*:\s*[\"']?(host)\b")
IMAGE = re.compile(r"^\s*-?\s*image\s*:\s*[\"']?([^\s\"'#]+)")
KEY = re.compile(r"""^(\s*(?:- +)*)([A-Za-z0-9_./$-]+|"[^"]*"|'[^']*')\s*:(?:\s|$)(.*)$""")


def pinned(image):
    """True for an image with a version or a digest (a variable counts: we cannot know)."""
    if "$" in image or "{" in image or "@sha256:" in image or image == "scratch":
        return True
    tag = image.rsplit("/", 1)[-1].partition(":")[2]
    return bool(tag) and tag != "latest"


def docker_problems(text):
    stages, started = set(), False
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r"\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", line, re.I)
        if not found:
            continue
        started = True
        if found.group(1).lower() not in stages and not pinned(found.group(1)) and ALLOW not in line:
            yield f"the base image {found.group(1)} is not pinned to a version", number
        stages.add((found.group(2) or "").lower())
    if not started:
        yield "there is no FROM", None


def in_brackets(lines):
    """Numbers of the lines that continue a ``{…}`` or ``[…]``: there, layout is free."""
    depth, found = 0, set()
    for number, line in lines:
        if depth > 0:
            found.add(number)
        code = re.sub(r""""[^"]*"|'[^']*'|\s#.*""", "", line)
        opened = bool(depth) or re.match(r"\s*(- *)*([\w.-]+\s*:\s*)?[\[{]", code)
        if opened:
            depth = max(0, depth + sum(map(code.count, "[{")) - sum(map(code.count, "]}")))
    return found


def key_problems(lines):
    """Keys given twice in one mapping, by indentation; text blocks are stepped over."""
    open_maps, block = [], None  # open_maps: [(indent, keys)]
    for number, line in lines:
        indent = len(line) - len(line.lstrip(" "))
        if block is not None and (not line.strip() or indent > block):
            continue
        block = None
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = KEY.match(line)
        if re.search(r"[|>][+-]?\d?\s*(#.*)?$", line):
            block = indent
        if not found:
            while line.lstrip().startswith("-") and open_maps and open_maps[-1][0] > indent:
                open_maps.pop()
            continue
        column, item = len(found.group(1)), "-" in found.group(1)
        while open_maps and (open_maps[-1][0] > column or (item and open_maps[-1][0] == column)):
            open_maps.pop()
        if not open_maps or open_maps[-1][0] < column:
            open_maps.append((column, set()))
        if found.group(2) in open_maps[-1][1]:
            yield f"the key {found.group(2)} is given twice", number
        open_maps[-1][1].add(found.group(2))


def yaml_problems(text):
    documents, current = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"---(\s|$)", line):
            documents, current = [*documents, current], []
        else:
            current.append((number, line))
    templated = re.search(r"\{\{.*\}\}", text)  # a Helm template is no YAML yet
    for lines in [*documents, current]:
        free = in_brackets(lines)
        for number, line in lines:
            if number not in free and "\t" in line[: len(line) - len(line.lstrip())]:
                yield "is indented with a tab", number
            found = IMAGE.match(line)
            if found and not pinned(found.group(1)) and ALLOW not in line:
                yield f"the image {found.group(1)} is not pinned to a version", number
            found = DANGEROUS.match(line)
            if found and ALLOW not in line:
                yield f"{found.group(1) or found.group(3)}: {found.group(2) or found.group(4)}", number
        top = {m.group(2): m.group(3) for m in (KEY.match(line) for _, line in lines)
               if m and not m.group(1)}
        if "apiVersion" in top or ("kind" in top and "spec" in top):
            missing = [key for key in ("apiVersion", "kind", "metadata") if key not in top]
            if missing and "services" not in top:
                yield f"the object has no {missing[0]}", lines[0][0] if lines else None
        if not templated:
            yield from key_problems([pair for pair in lines if pair[0] not in free])


def json_problems(text):
    try:
        json.loads(text)
    except ValueError as error:
        yield f"is not JSON: {error}", getattr(error, "lineno", None)


def shell_problems(name, text):
    shell = "bash" if "bash" in text.split("\n", 1)[0] else "sh"
    if not shutil.which(shell):
        checklib.give_up(f"{shell} is not installed, and {name} needs it")
    done = subprocess.run([shell, "-n", "--", name], capture_output=True, text=True, check=False)
    if done.returncode:
        yield done.stderr.strip() or f"{shell} -n refuses it", None


def examine(name, text):
    """The problems of one file, by what kind of file it is."""
    path = Path(name)
    if "dockerfile" in path.name.lower():
        return list(docker_problems(text))
    if path.suffix in (".yaml", ".yml"):
        return list(yaml_problems(text))
    if path.suffix == ".json":
        return list(json_problems(text))
    return list(shell_problems(name, text))


def main():
    options = checklib.arguments(__doc__, globs={"positional": True, "nargs": "*"})
    report = checklib.Report("deployment")
    own = ["*node_modules/*", "tsconfig*.json", ".vscode/*", "*.jsonc"]
    wanted = ["*Dockerfile*", "*.yaml", "*.yml", "*.json", "*.sh"]
    for name in checklib.files(*(options.globs or wanted), without=own):
        report.case(name, examine(name, checklib.read(name)), file=name)
    report.finish(options.report)


if __name__ == "__main__":
    main()
