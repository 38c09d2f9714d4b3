"""Writing the set-up: all or nothing, never over a file, never out of the repository."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.scaffold.files import Cannot, NewFile, put

FILES = (NewFile("a/one.txt", "one\n"), NewFile("b/two.txt", "two\n"))


def names(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


def test_files_are_written_and_a_second_time_kept(tmp_path: Path) -> None:
    assert put(tmp_path, FILES).written == ("a/one.txt", "b/two.txt")
    again = put(tmp_path, FILES)
    assert again.written == ()
    assert again.kept == ("a/one.txt", "b/two.txt")
    assert names(tmp_path) == ["a", "a/one.txt", "b", "b/two.txt"]


def test_an_existing_file_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    mine = tmp_path / "a/one.txt"
    mine.write_bytes(b"mine\r\n\xff")
    before = mine.stat()
    put(tmp_path, FILES)
    assert mine.read_bytes() == b"mine\r\n\xff"
    assert (mine.stat().st_mtime_ns, mine.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    assert put(tmp_path, FILES, dry_run=True).written == ("a/one.txt", "b/two.txt")
    assert names(tmp_path) == []


def test_new_files_can_be_read_by_others(tmp_path: Path) -> None:
    put(tmp_path, FILES)
    mode = stat.S_IMODE((tmp_path / "a/one.txt").stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    assert mode == 0o666 & ~umask


def test_a_file_where_a_folder_must_be_stops_everything(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("a file\n")
    with pytest.raises(Cannot, match="b is a file, and a folder must be there"):
        put(tmp_path, FILES)
    assert names(tmp_path) == ["b"]


def test_a_folder_where_a_file_must_be_stops_everything(tmp_path: Path) -> None:
    (tmp_path / "b/two.txt").mkdir(parents=True)
    with pytest.raises(Cannot, match=r"b/two\.txt is a folder"):
        put(tmp_path, FILES)
    assert names(tmp_path) == ["b", "b/two.txt"]


@pytest.mark.parametrize("link", ["b", "b/two.txt"])
def test_a_symbolic_link_out_of_the_repository_is_not_followed(tmp_path: Path, link: str) -> None:
    root, outside = tmp_path / "repo", tmp_path / "outside"
    outside.mkdir()
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(outside / "new" if link.endswith("txt") else outside)
    with pytest.raises(Cannot, match="leads out of the repository"):
        put(root, FILES)
    assert names(outside) == []
    assert not (root / "a").exists()


def test_a_symbolic_link_inside_the_repository_is_fine(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "b").symlink_to("real")
    put(tmp_path, FILES)
    assert (tmp_path / "real/two.txt").read_text() == "two\n"


def test_a_dangling_or_circular_link_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/one.txt").symlink_to("gone")
    with pytest.raises(Cannot, match="leads nowhere"):
        put(tmp_path, FILES)
    (tmp_path / "a/one.txt").unlink()
    (tmp_path / "a/one.txt").symlink_to("one.txt")
    with pytest.raises(Cannot):
        put(tmp_path, FILES)


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Root may write everywhere; give that up for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_read_only_folder_is_an_error_and_nothing_is_written(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root = Path("/tmp") if os.geteuid() == 0 else tmp_path_factory.mktemp("ro")
    folder = root / f"read-only-{os.getpid()}"
    (folder / "a").mkdir(parents=True)
    folder.chmod(0o555)
    (folder / "a").chmod(0o777)
    try:
        with _as_nobody(), pytest.raises(Cannot, match="is read-only"):
            put(folder, FILES)
        assert names(folder) == ["a"]
    finally:
        folder.chmod(0o755)
        (folder / "a").rmdir()
        folder.rmdir()


_FULL = """
import resource, signal, sys
from pathlib import Path
from orchestrator.scaffold.files import Cannot, NewFile, put
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    put(Path(sys.argv[1]), [NewFile("a/small", "x"), NewFile("b/large", "x" * 100_000)])
except Cannot as error:
    print(error.code, error.message)
"""


def test_a_disk_that_is_full_half_way_leaves_nothing(tmp_path: Path) -> None:
    assert resource.RLIMIT_FSIZE is not None
    root = tmp_path / "repo"
    root.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(root)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "E151 cannot write b/large: File too large\n"
    assert names(root) == []
