"""Reads what Linux tells of mounts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fitdoctor.process.mount_table import MountTable

TABLE = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
28 27 0:25 / /mnt/my\\040disk ro,nosuid - xfs /dev/sdb rw
29 27 0:26 / /mnt rw - ext4 /dev/sdc ro
30 27 0:27 / /data rw - nfs host:/a rw
31 27 0:28 / /data rw - tmpfs none rw
"""


def test_mounts_are_parsed() -> None:
    table = MountTable(TABLE)
    root, disk, read_only, upper = (table.at(path) for path in ("/", "/mnt/my disk", "/mnt", "/data"))
    assert root is not None
    assert disk is not None
    assert read_only is not None
    assert upper is not None
    assert (root.kind, root.read_only, disk.read_only, read_only.read_only) == ("ext4", False, True, True)
    assert (upper.kind, upper.is_memory) == ("tmpfs", True)
    assert table.at("/home") is None


def test_mounts_below_a_folder() -> None:
    table = MountTable(TABLE)
    assert [mount.path for mount in table.below("/mnt")] == ["/mnt/my disk"]
    assert table.below("/mn") == []
    assert len(table.below("/")) == 4


def test_the_mount_of_a_path() -> None:
    table = MountTable(TABLE)
    for path, place in (("/home/ann/x", "/"), ("/mnt/my disk/y", "/mnt/my disk"), ("/data", "/data"), ("/", "/")):
        found = table.containing(path)
        assert found is not None
        assert found.path == place


@given(st.text())
def test_any_text_can_be_parsed_as_mounts(text: str) -> None:
    MountTable(text).below("/")
