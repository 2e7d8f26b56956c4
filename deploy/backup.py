"""Write a backup of the volume to standard output, as a tar archive, while the server runs.

    docker compose exec -T callannotate python - < deploy/backup.py > callannotate.tar
    VOLUME_PATH=/srv/calls python3 deploy/backup.py > callannotate.tar

Only the standard library is needed. The databases come first, each as one consistent copy; a file that changes after
that is put right by the server that starts on the restored volume, as after a crash (docs/queue.md). Left out are
logs, weights, the copy of the address books, and what is of use only to the server that runs.
"""

import os
import sqlite3
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

JOBS: Final = "callannotate.sqlite3"
"""What every volume has."""
FOLDERS: Final = ("incoming", "processing", "completed", "failed", "live", "voices")
NEVER: Final = ("health.json", "contacts.sqlite3")
MADE_BY_SQLITE: Final = ("-wal", "-shm", "-journal")


def write_backup(volume: Path, output: tarfile.TarFile) -> None:
    """Databases, then what else lies at the top, then the folders."""
    with tempfile.TemporaryDirectory(dir=volume, prefix=".backup-") as folder:
        for database in sorted(volume.glob("*.sqlite3")):
            if database.name not in NEVER:
                copy = Path(folder) / database.name
                with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
                    source.backup(target)
                copy.chmod(0o600)
                output.add(copy, database.name)
    for path in sorted(volume.iterdir()):
        by_sqlite = ".sqlite3" in path.name or path.name.endswith(MADE_BY_SQLITE)
        if path.is_file() and not by_sqlite and path.name not in NEVER and not path.name.startswith("."):
            _add(output, path, path.name)
    for name in FOLDERS:
        for path in sorted((volume / name).rglob("*")):
            # What moves or is deleted meanwhile is not missed: its job is, as the database says.
            if path.is_file() and not path.name.startswith("."):
                _add(output, path, str(path.relative_to(volume)))


def _add(output: tarfile.TarFile, path: Path, name: str) -> None:
    try:
        output.add(path, name)
    except FileNotFoundError:
        print(f"backup: {name} has moved meanwhile", file=sys.stderr)


if __name__ == "__main__":
    root = Path(os.environ.get("VOLUME_PATH") or ".")
    if not (root / JOBS).is_file():
        # An archive of nothing would be found out on the day when it is needed.
        sys.exit(f"backup: {root.absolute()} is no volume: there is no {JOBS} in it. Name it in VOLUME_PATH.")
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        write_backup(root, archive)
