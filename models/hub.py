"""Whisper models from the Hugging Face hub, through its own client, which is imported when something is fetched."""

import fnmatch
import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from contracts.errors import WEIGHTS_MISSING, WEIGHTS_UNUSABLE, CallAnnotateError
from models.catalogue import WHISPER_FILES, Catalogue, Entry, Hub
from models.digests import corrupt, sha256_of
from models.wheels import Report

WANTED: Final = (*WHISPER_FILES, "preprocessor_config.json", "vocabulary.*")
POLL: Final = 0.3
"""Seconds between two looks at how much has arrived."""


def fetch_from_hub(
    entry: Entry, source: Hub, catalogue: Catalogue, downloads: Path, target: Path, report: Report
) -> None:
    """Put the files of a Whisper model in CTranslate2's format into `target`.

    Large files are checked against the sha256 that the hub publishes for the revision that is fetched. What was
    fetched before a pull broke off is under `downloads` and is not fetched again. Raises UNKNOWN_MODEL where the hub
    has no such repository, WEIGHTS_MISSING, WEIGHTS_UNUSABLE or WEIGHTS_CORRUPT.
    """
    from huggingface_hub import HfApi, errors, hf_hub_download  # noqa: PLC0415
    from huggingface_hub.utils.tqdm import disable_progress_bars  # noqa: PLC0415

    disable_progress_bars()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    folder = download_folder(source, downloads)
    try:
        info = HfApi().model_info(source.repository, files_metadata=True)
        files = {
            sibling.rfilename: sibling
            for sibling in info.siblings or ()
            if any(fnmatch.fnmatch(sibling.rfilename, pattern) for pattern in WANTED)
        }
        check_whisper(entry.name, set(files))
        with _watched(folder, sum(file.size or 0 for file in files.values()), report):
            for name in files:
                hf_hub_download(source.repository, name, revision=info.sha, local_dir=folder)
    except errors.GatedRepoError as error:
        cause = f"the hub gives {source.repository} only to those who accept its conditions; set HF_TOKEN"
        raise CallAnnotateError(WEIGHTS_MISSING, name=entry.name, cause=cause) from error
    except errors.RepositoryNotFoundError as error:
        raise catalogue.unknown(entry.name, entry.kind) from error
    except CallAnnotateError:
        raise
    except Exception as error:  # the client raises those of its transport as well
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        cause = f"fetching {source.repository} from the hub failed: {reason}"
        raise CallAnnotateError(WEIGHTS_MISSING, name=entry.name, cause=cause) from error
    for name, file in files.items():
        if file.lfs is not None and (found := sha256_of(folder / name)) != file.lfs.sha256:
            shutil.rmtree(folder)
            raise corrupt(entry.name, name, file.lfs.sha256, found)
    for name in files:
        (folder / name).replace(target / name)
    shutil.rmtree(folder)


def download_folder(source: Hub, downloads: Path) -> Path:
    """Where the parts of a repository are kept while it is fetched."""
    return downloads / f"hub--{source.repository.replace('/', '--')}"


def check_whisper(name: str, files: set[str]) -> None:
    """Raises WEIGHTS_UNUSABLE unless `files` are those of a Whisper model in CTranslate2's format."""
    missing = [file for file in WHISPER_FILES if file not in files]
    if not any(file.startswith("vocabulary.") for file in files):
        missing.append("vocabulary.json or vocabulary.txt")
    if missing:
        allowed = "a Whisper model converted for CTranslate2, with its tokenizer.json"
        raise CallAnnotateError(
            WEIGHTS_UNUSABLE, name=name, kind="transcription", cause=f"no {', no '.join(missing)}", allowed=allowed
        )


@contextmanager
def _watched(folder: Path, total: int, report: Report) -> Iterator[None]:
    """Reports how much of `total` bytes has arrived in `folder`, from a thread of its own."""
    finished = threading.Event()

    def watch() -> None:
        while not finished.wait(POLL):
            report(min(total, _size(folder)), total)

    watcher = threading.Thread(target=watch, name="hub-progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        watcher.join()
    report(total, total)


def _size(folder: Path) -> int:
    """Bytes of all files under `folder`, which may come and go meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total
