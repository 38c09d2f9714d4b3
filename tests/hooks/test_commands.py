"""Which files a shell command plainly writes, and what nobody can know."""

from __future__ import annotations

import pytest

from orchestrator.hooks.commands import written


@pytest.mark.parametrize(
    ("command", "paths"),
    [
        ("echo hi > a.txt", ["a.txt"]),
        ("echo hi >> 'a b.txt' 2>&1", ["a b.txt"]),
        ("cmd 2> err.log && other &> all.log", ["err.log", "all.log"]),
        ("cat <<EOF > a.py\nx = 1 > 0\nEOF", ["a.py", "0"]),
        ("ls | tee -a a.log b.log", ["a.log", "b.log"]),
        ("sed -i 's/a/b/' src/a.py src/b.py", ["src/a.py", "src/b.py"]),
        ("sed -i.bak -e s/a/b/ src/a.py", ["src/a.py"]),
        ("sed s/a/b/ src/a.py", []),
        ("perl -pi -e 's/a/b/' a.py", ["a.py"]),
        ("mv old.py new.py", ["old.py", "new.py"]),
        ("mv a.py b.py lib/", ["a.py", "b.py", "lib/a.py", "lib/b.py"]),
        ("cp -r a.py lib/", ["lib/a.py"]),
        ("cp -t lib a.py", ["lib/a.py"]),
        ("rm -rf a.py -- -odd", ["a.py"]),
        ("sudo env A=1 rm a.py", ["a.py"]),
        ("dd if=/dev/zero of=disk.img", ["disk.img"]),
        ("git checkout -- a.py b.py", ["a.py", "b.py"]),
        ("git restore a.py", ["a.py"]),
        ("git restore --staged a.py", []),
        ("git rm a.py; git mv b.py c.py", ["a.py", "b.py", "c.py"]),
        ("git checkout main", []),
        ("git commit -m 'rm a.py > b.py'", []),
        ("echo x > /dev/null", []),
        ("echo x > $FILE; rm *.py; rm `ls`", []),
        ("python make.py", []),
        ("echo 'unbalanced > a.py", []),
        ("for f in a b; do echo x > a.py; done", ["a.py"]),
        ("(cd x && echo y > a.py)", ["a.py"]),
    ],
)
def test_what_a_command_plainly_writes(command: str, paths: list[str]) -> None:
    assert written(command) == paths
