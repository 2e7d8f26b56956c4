"""Build the image with buildah, on base images that debootstrap makes: neither an engine nor a registry is needed.

What lies on this machine so that pip, npm and apt find their indexes (certificates, configuration) is mounted while the
image is built, and is not in it afterwards.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
PYTHON: Final = "localhost/callannotate-base:python"
NODE: Final = "localhost/callannotate-base:node"
LEFT_OUT: Final = (
    "usr/share/locale",
    "usr/share/man",
    "usr/share/info",
    "usr/share/doc",
    "var/cache/apt",
    "var/lib/apt/lists",
)
"""What the slim images of Debian have no files in."""


@dataclass(frozen=True)
class Builder:
    """A storage of images in a folder of its own."""

    work: Path
    driver: str
    """Of buildah's storage: overlay, or vfs where the kernel has no overlay (it copies every layer whole)."""

    def run(self, *arguments: str | Path, quiet: bool = True) -> str:
        """Run buildah; its standard output. Raises CalledProcessError, with what it said printed."""
        environment = {**os.environ, "CONTAINERS_STORAGE_CONF": str(self._storage()), "BUILDAH_ISOLATION": "chroot"}
        done = subprocess.run(
            ["buildah", *map(str, arguments)], cwd=ROOT, env=environment, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE if quiet else None,
        )  # fmt: skip
        if done.returncode:
            print(done.stdout, done.stderr or "", sep="\n")
            done.check_returncode()
        return done.stdout.strip()

    def _storage(self) -> Path:
        path = self.work / "storage.conf"
        path.write_text(
            f'[storage]\ndriver = "{self.driver}"\nrunroot = "{self.work}/run"\ngraphroot = "{self.work}/graph"\n'
        )
        return path

    def make_bases(self) -> None:
        """A stand-in for python:3.11-slim-bookworm, and one for an image of Node.js with that of this machine."""
        if not self._has(PYTHON):
            rootfs = self.work / "debian"
            shutil.rmtree(rootfs, ignore_errors=True)
            packages = "ca-certificates,python3,python3-venv,python3-pip"
            command = ["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", str(rootfs)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            for folder in LEFT_OUT:
                shutil.rmtree(rootfs / folder, ignore_errors=True)
                (rootfs / folder).mkdir()
            for bytecode in (rootfs / "usr" / "lib").glob("python3*/**/*.pyc"):  # the image of Docker Hub has none
                bytecode.unlink()
            (rootfs / "usr" / "bin" / "python").symlink_to("python3")
            with self.container("scratch") as (name, mounted):
                subprocess.run(["cp", "-a", f"{rootfs}/.", str(mounted)], check=True)
                self.run("commit", "--quiet", name, PYTHON)
            shutil.rmtree(rootfs)
        if not self._has(NODE):
            with self.container(PYTHON) as (name, mounted):
                node = Path(shutil.which("node") or "node").resolve()
                npm = Path(shutil.which("npm") or "npm").resolve().parent.parent
                shutil.copy2(node, mounted / "usr" / "bin" / "node")
                shutil.copytree(npm, mounted / "usr" / "lib" / "node_modules" / "npm", symlinks=True)
                for tool in ("npm", "npx"):
                    (mounted / "usr" / "bin" / tool).symlink_to(f"../lib/node_modules/npm/bin/{tool}-cli.js")
                self.run("commit", "--quiet", name, NODE)

    def build(self, image: str, target: str | None = None) -> None:
        """Build the Dockerfile; steps whose inputs have not changed are taken from the storage."""
        chosen = ["--target", target] if target else []
        self.run(
            "build", "--format", "docker", "--pull-never", "--layers", "--build-arg", f"BASE={PYTHON}", "--build-arg",
            f"NODE={NODE}", *self._mounts(), *chosen, "--tag", image, ".", quiet=False,
        )  # fmt: skip

    def context(self) -> list[str]:
        """The files that get into a build, as .dockerignore leaves them."""
        recipe = self.work / "Dockerfile.context"
        recipe.write_text("FROM scratch\nCOPY . /\n")
        image = "localhost/callannotate-context"
        self.run("build", "--format", "docker", "--file", recipe, "--tag", image, ".")
        with self.container(image) as (_, mounted):
            found = sorted(str(path.relative_to(mounted)) for path in mounted.rglob("*") if path.is_file())
        self.run("rmi", image)
        return found

    @contextmanager
    def container(self, image: str) -> Iterator[tuple[str, Path]]:
        """A container of an image: its name, and where its root is mounted."""
        name = self.run("from", "--pull-never", image)
        try:
            yield name, Path(self.run("mount", name))
        finally:
            self.run("umount", name)
            self.run("rm", name)

    def settings(self, image: str) -> dict[str, Any]:
        """What the image says of itself: User, Env, Entrypoint, Healthcheck, Labels and so on."""
        found: dict[str, Any] = json.loads(self.run("inspect", "--type", "image", image))["Docker"]["config"]
        return found

    def size(self, image: str) -> float:
        """Bytes of all layers, not compressed, as buildah rounds them."""
        number, unit = self.run("images", "--format", "{{.Size}}", image).splitlines()[0].split()
        return float(number) * {"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9}[unit]

    def _has(self, image: str) -> bool:
        return image in self.run("images", "--format", "{{.Name}}:{{.Tag}}").split()

    def _mounts(self) -> Sequence[str]:
        """Configuration of the package clients of this machine, for the time of the build."""
        pairs = [(CERTIFICATES, str(CERTIFICATES)), (Path("/etc/pip.conf"), "/etc/pip.conf")]
        if CERTIFICATES.exists():
            npmrc = self.work / "npmrc"
            npmrc.write_text(f"cafile={CERTIFICATES}\n")
            pairs.append((npmrc, "/root/.npmrc"))
        return [part for path, place in pairs if path.exists() for part in ("--volume", f"{path}:{place}:ro")]


def overlay_or_vfs() -> str:
    """The storage driver that this kernel can do."""
    return "overlay" if "overlay" in Path("/proc/filesystems").read_text().split() else "vfs"
