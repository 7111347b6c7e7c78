"""A scratch layer over all folders: a process reads the files as they are, and what it writes goes into the layer.

Linux' overlay file system does that for one file system: the root gets an overlay, and what is mounted below gets one
each. A user namespace may not look below a mount, so there a folder with mounts below is put together anew from its
entries, each with a layer of its own. The result becomes the root of the process: no path leads to the real files,
whatever library or program writes. See https://docs.kernel.org/filesystems/overlayfs.html.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fitdoctor.process import kernel, searched_places
from fitdoctor.process.hidden import hide
from fitdoctor.process.mount_table import MountTable

#: Files that lie right in a folder with mounts below are copied up to this size, and all of them up to that. Larger
#: ones can be read.
COPIED_FILE_BYTES = 64 << 20
COPIED_BYTES = 256 << 20
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - where Linux has it
#: Where the process finds what it writes for us. At its real place, a mount would be in the way of whoever removes the
#: folder around it.
OURS = "/.run-of-fitdoctor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """One folder with a layer over it.

    Attributes:
        path: The folder, as the process knows it.
        lower: Where its real files can be read.
        upper: Where the process' writes lie.
    """

    path: str
    lower: str
    upper: str


@dataclass(kw_only=True)
class Layer:
    """Builds the layered root.

    Attributes:
        disk: A folder on a file system that can hold a layer; "" where none can.
        memory: A folder over which a file system in memory is mounted.
        memory_bytes: What may lie in memory.
        root: The new root, once it is built: a mount point.
        user_namespace: Whether this process has its rights by a user namespace only.
        overlays: What lies under a layer.
        read_only: Folders that can't be given one: they can only be read.
        rebuilt: Folders that were put together anew: those in them are mounts, which can't be renamed or removed.
        moved: Folders whose real files the process writes, and where it finds them.
    """

    disk: str
    memory: str
    memory_bytes: int
    user_namespace: bool
    table: MountTable = field(default_factory=MountTable.read)
    root: str = ""
    overlays: list[Overlay] = field(default_factory=list)
    read_only: list[str] = field(default_factory=list)
    rebuilt: list[str] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    _hidden: list[str] = field(default_factory=list)
    _copied_bytes: int = 0

    def build(
        self, *, places: Iterable[str], caches: Iterable[str], kept: str, real: Iterable[str], hidden: Iterable[str]
    ) -> None:
        """Puts the new root together.

        Args:
            places: Folders in which the process is likely to write, whoever owns them.
            caches: Folders whose layers outlive the process, so that the next one need not download and compile it all
                again.
            kept: The folder that holds those; "" where there is none.
            real: Folders whose real files the process writes.
            hidden: Folders that it does not see.

        Raises:
            OSError: It can't be done here.
        """
        self._hidden = [os.path.realpath(folder) for folder in (*hidden, *real)]
        # Only now: what is mounted there is none of the mounts that the process is to see.
        kernel.mount("tmpfs", self.memory, "tmpfs", options=f"size={self.memory_bytes},mode=0700")
        self.root = os.path.join(self.disk or self.memory, "root")
        os.mkdir(self.root)
        self._cover("/", self.root)
        self._bind_kernel_folders()
        if self.user_namespace:
            for place in sorted({*places, *searched_places.shared_folders(self.table)}):
                self._own(place)
        if kept:
            for number, cache in enumerate(caches):
                self._keep(cache, os.path.join(kept, str(number)))
        self._let_through(searched_places.special_files(places))
        for folder in real:
            self._show(folder)
        for folder in hidden:
            if os.path.lexists(self._shown(folder)):
                kernel.mount("none", self._shown(folder), "tmpfs", kernel.READ_ONLY, "size=4k")

    def _show(self, folder: str) -> None:
        """Binds a real folder in a place of ours, or where that can't be made, in its own."""
        try:
            os.mkdir(self._shown(OURS), 0o755)
            self.moved[folder] = OURS
        except OSError:
            os.makedirs(self._shown(folder), exist_ok=True)
        kernel.bind(folder, self._shown(self.moved.get(folder, folder)))

    def _shown(self, path: str) -> str:
        return self.root + path

    def _cover(self, path: str, target: str) -> None:
        """Shows a folder at `target`, under a layer."""
        mount, below = self.table.at(path), self.table.below(path)
        fixed = mount is not None and (mount.is_kernel or mount.read_only)
        if fixed and all(each.is_kernel or each.read_only for each in below):
            kernel.bind(path, target, recursive=True)
        elif below and self.user_namespace:
            self._rebuild(path, target)
        else:
            self._overlay(path, path, target)
            for each in below:
                nearest = not any(each.path.startswith(f"{other.path}/") for other in below)
                if nearest and not searched_places.is_under(each.path, searched_places.KERNEL_FOLDERS):
                    with contextlib.suppress(PermissionError, FileNotFoundError):  # what nobody can reach is not there
                        self._cover(each.path, self._shown(each.path))

    def _overlay(self, path: str, lower: str, target: str) -> None:
        """Lays a layer over one folder; one that takes none can only be read."""
        found = self.table.of(path)
        base = self.memory if not self.disk or found is not None and found.is_memory else self.disk
        upper, work = (os.path.join(base, f"{len(self.overlays)}-{name}") for name in ("upper", "work"))
        for folder in (upper, work):
            os.mkdir(folder)
        _copy_mode(lower, upper)
        for folder in self._hidden:
            with contextlib.suppress(OSError):  # then it is hidden by a mount
                hide(folder, path=path, lower=lower, upper=upper, user_namespace=self.user_namespace)
        try:
            mount_overlay(lower, upper, work, target, user_namespace=self.user_namespace)
        except OSError:
            if lower != path:
                raise
            kernel.bind(path, target, recursive=True, read_only=True)
            self.read_only.append(path)
            return
        self.overlays.append(Overlay(path=path, lower=lower, upper=upper))

    def _rebuild(self, path: str, target: str) -> None:
        """Puts a folder with mounts below together from its entries, under a layer."""
        lower = os.path.join(self.disk or self.memory, f"{len(self.overlays)}-lower")
        os.mkdir(lower)
        _copy_mode(path, lower)
        folders, others = self._make_entries(path, lower)
        self._overlay(path, lower, target)
        self.rebuilt.append(path)
        self._show_entries(folders, others, target)

    def _renew_shared_memory(self) -> None:
        """Puts an empty file system of the very kind that C libraries look for in place of shared memory, and shows
        what was there.
        """
        target = self._shown(SHARED_MEMORY)
        found = os.statvfs(SHARED_MEMORY)
        kernel.mount("tmpfs", target, "tmpfs", options=f"size={found.f_blocks * found.f_frsize},mode=1777")
        folders, others = self._make_entries(SHARED_MEMORY, target)
        self._show_entries(folders, others, target)

    def _make_entries(self, path: str, made_in: str) -> tuple[list[os.DirEntry[str]], list[os.DirEntry[str]]]:
        """Copies links and small files of a folder, and makes places for its folders and for all others, which it
        returns.
        """
        folders, others = [], []
        for entry in searched_places.entries(path):
            made = os.path.join(made_in, entry.name)
            with contextlib.suppress(OSError):  # what can't be read there does not show here either
                if entry.is_symlink():
                    os.symlink(os.readlink(entry.path), made)
                elif entry.is_dir(follow_symlinks=False):
                    os.mkdir(made)
                    _copy_mode(entry.path, made)
                    folders.append(entry)
                elif not self._copied(entry, made):
                    os.close(os.open(made, os.O_CREAT | os.O_WRONLY, 0o600))
                    others.append(entry)
        return folders, others

    def _show_entries(self, folders: list[os.DirEntry[str]], others: list[os.DirEntry[str]], target: str) -> None:
        for entry in others:
            with contextlib.suppress(OSError):
                kernel.bind(
                    entry.path, os.path.join(target, entry.name), read_only=entry.is_file(follow_symlinks=False)
                )
        for entry in folders:
            if entry.path in searched_places.KERNEL_FOLDERS:
                continue
            with contextlib.suppress(PermissionError):  # nobody who may not enter it writes there
                self._cover(entry.path, os.path.join(target, entry.name))

    def _copied(self, entry: os.DirEntry[str], made: str) -> bool:
        """Copies a file that the process may write, if it is small enough."""
        if not entry.is_file(follow_symlinks=False) or not os.access(entry.path, os.W_OK):
            return False
        size = entry.stat(follow_symlinks=False).st_size
        if size > COPIED_FILE_BYTES or self._copied_bytes + size > COPIED_BYTES:
            return False
        shutil.copy2(entry.path, made)
        self._copied_bytes += size
        return True

    def _bind_kernel_folders(self) -> None:
        for folder in searched_places.KERNEL_FOLDERS:
            if os.path.isdir(folder):
                kernel.bind(folder, self._shown(folder), recursive=True)
        if os.path.isdir(SHARED_MEMORY):
            self._renew_shared_memory()

    def _own(self, place: str) -> None:
        """Gives a folder a layer of its own.

        In a user namespace a layer can't take up what belongs to users or groups that it does not know, such as the
        folders on the way to this one. The top of a layer is always ours.
        """
        if (
            place in self.rebuilt
            or self.table.below(place)
            or searched_places.is_under(place, searched_places.KERNEL_FOLDERS)
        ):
            return
        with contextlib.suppress(OSError):
            if os.access(place, os.W_OK) and any(
                searched_places.is_foreign(os.stat(folder)) for folder in self._way_to(place)
            ):
                self._overlay(place, place, self._shown(place))

    def _way_to(self, place: str) -> Iterator[str]:
        """The folder and those above it, up to the top of the layer that it lies in, which is left out."""
        tops = {overlay.path for overlay in self.overlays}
        while place not in tops and place != "/":
            yield place
            place = os.path.dirname(place)

    def _keep(self, cache: str, base: str) -> None:
        """Gives a cache a layer that stays; where that fails, it has the layer of the folder around it."""
        parts = [os.path.join(base, name) for name in ("lower", "upper", "work")]
        with contextlib.suppress(OSError):
            for folder in (*parts, self._shown(cache)):
                os.makedirs(folder, exist_ok=True)
            lower = cache if os.path.isdir(cache) else parts[0]
            mount_overlay(lower, parts[1], parts[2], self._shown(cache), user_namespace=self.user_namespace)
            self.overlays.append(Overlay(path=cache, lower=lower, upper=parts[1]))

    def _let_through(self, paths: Iterable[str]) -> None:
        """Binds sockets and pipes, which have no life in a layer."""
        for path in paths:
            with contextlib.suppress(OSError):
                kernel.bind(path, self._shown(path))


def mount_overlay(lower: str, upper: str, work: str, target: str, *, user_namespace: bool) -> None:
    """Mounts one overlay.

    Raises:
        OSError: A file system does not serve as such a folder, or nothing may be mounted.
    """
    # By descriptors: the names of folders may hold the signs that part options from each other.
    opened = [os.open(folder, os.O_PATH) for folder in (lower, upper, work)]
    try:
        names = zip(("lowerdir", "upperdir", "workdir"), opened, strict=True)
        options = ",".join(f"{name}=/proc/self/fd/{number}" for name, number in names)
        # A folder of the real files can be renamed with redirect_dir only, which no user namespace has.
        kernel.mount(
            "overlay", target, "overlay", 0, options + (",userxattr" if user_namespace else ",redirect_dir=on")
        )
    finally:
        for number in opened:
            os.close(number)


def can_hold_layers(folder: str, *, user_namespace: bool) -> bool:
    """Tries whether a folder's file system can hold a layer: another overlay, NFS and some others can't."""
    parts = [os.path.join(folder, name) for name in ("lower", "upper", "work", "shown")]
    try:
        for part in parts:
            os.mkdir(part)
        mount_overlay(parts[0], parts[1], parts[2], parts[3], user_namespace=user_namespace)
        with open(os.path.join(parts[3], "file"), "w", encoding="ascii") as file:
            file.write("written")
        kernel.unmount(parts[3])
    except OSError:
        return False
    return True


def _copy_mode(source: str, target: str) -> None:
    with contextlib.suppress(OSError):
        found = os.stat(source)
        os.chmod(target, stat.S_IMODE(found.st_mode))
        os.chown(target, found.st_uid, found.st_gid)
