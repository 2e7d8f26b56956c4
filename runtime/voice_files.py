"""Files of voiceprints, read and written: NumPy's `.npy`, and `.vec`, which is text.

A `.vec` file holds numbers with blanks, line breaks or commas between them, 192 for each voiceprint, however they are
spread over lines; square brackets are passed over, and the rest of a line from `#` on is a comment. The comment
`# model <sha256>` says which model made them; another one's are of no use.
"""

import re
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.errors import CallAnnotateError
from contracts.voice_errors import VOICEPRINT_UNUSABLE
from contracts.voices import VOICEPRINT_SIZE, VoiceprintFormat

Vectors = npt.NDArray[np.float32]
"""float32 (voiceprints, VOICEPRINT_SIZE); only the directions count."""
MOST: Final = 100
"""Voiceprints of a file."""
LARGEST: Final = 1 << 20
"""Bytes of a file that is taken for voiceprints."""
HEAD: Final = 4096
"""Bytes that tell what a file is."""
_TEXT: Final = re.compile(rb"\A(\xef\xbb\xbf)?\s*(#|[\[\-+.]*\s*[0-9])")
_MODEL: Final = re.compile(r"model\s+([0-9a-f]{64})\b")


def kind_of(head: bytes) -> VoiceprintFormat | None:
    """What a file is by its first bytes; None for what is no file of voiceprints, such as a recording."""
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    return "vec" if _TEXT.match(head) else None


def read_voiceprints(path: Path, name: str, model: str) -> Vectors | None:
    """The voiceprints in a file; None where it is another kind of file. Blocks.

    :param name: the file's name in messages
    :param model: sha256 of the present voiceprint model
    Raises VOICEPRINT_UNUSABLE.
    """
    with path.open("rb") as file:
        content = file.read(HEAD)
        kind = kind_of(content)
        if kind is None:
            return None
        content += file.read(LARGEST + 1 - len(content))
    try:
        if len(content) > LARGEST:
            raise ValueError(f"it has more than {LARGEST} bytes")
        vectors = _from_npy(content) if kind == "npy" else _from_vec(content, model)
        return _checked(vectors)
    except ValueError as error:
        raise CallAnnotateError(VOICEPRINT_UNUSABLE, path=name, cause=str(error), size=VOICEPRINT_SIZE) from error


def write_voiceprints(vectors: Vectors, kind: VoiceprintFormat, model: str) -> bytes:
    """The file; `read_voiceprints` gives the same values of it, bit by bit."""
    if kind == "npy":
        file = BytesIO()
        np.save(file, vectors, allow_pickle=False)
        return file.getvalue()
    lines = [f"# voiceprints: {VOICEPRINT_SIZE} values a line", f"# model {model}"]
    lines += [" ".join(map(str, vector)) for vector in vectors]
    return ("\n".join(lines) + "\n").encode()


def _from_npy(content: bytes) -> npt.NDArray[np.float64]:
    """Raises ValueError. The header is looked at first: it may announce more than any memory holds."""
    file = BytesIO(content)
    version = np.lib.format.read_magic(file)
    if version not in {(1, 0), (2, 0)}:
        raise ValueError(f"version {version[0]}.{version[1]} of .npy is unknown")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        shape, fortran, dtype = read(file)
    except Exception as error:  # it is read as Python source, and fails as that may
        raise ValueError("its head is damaged") from error
    if dtype.kind not in "fiu":
        raise ValueError(f"its values are of the type {dtype}")
    if len(shape) > 2:
        raise ValueError(f"it has {len(shape)} dimensions")
    values = np.frombuffer(content, np.uint8, offset=file.tell())
    if values.size != int(np.prod(shape, dtype=object)) * dtype.itemsize:
        raise ValueError("its length is not what its head announces")
    found = values.view(dtype).astype(np.float64)
    return found.reshape(shape, order="F" if fortran else "C")


def _from_vec(content: bytes, model: str) -> npt.NDArray[np.float64]:
    """Raises ValueError."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is no text in UTF-8") from None
    values: list[float] = []
    for number, line in enumerate(text.splitlines(), 1):
        numbers, _, comment = line.partition("#")
        told = _MODEL.search(comment)
        if told is not None and told[1] != model:
            raise ValueError("another voiceprint model made them")
        for word in numbers.translate({91: " ", 93: " ", 44: " ", 59: " "}).split():
            try:
                values.append(float(word))
            except ValueError:
                raise ValueError(f"line {number} has something that is no number") from None
    if len(values) % VOICEPRINT_SIZE:
        raise ValueError(f"it has {len(values)} values, which are not whole voiceprints")
    return np.array(values, np.float64).reshape(-1, VOICEPRINT_SIZE)


def _checked(found: npt.NDArray[np.float64]) -> Vectors:
    """Raises ValueError where they are no voiceprints."""
    if found.ndim < 2:
        found = found.reshape(1, -1)
    if found.shape[1] != VOICEPRINT_SIZE:
        raise ValueError(f"it has {found.shape[1]} values a voiceprint")
    if not 1 <= len(found) <= MOST:
        raise ValueError(f"it has {len(found)} voiceprints and may have 1 to {MOST}")
    with np.errstate(over="ignore"):
        vectors: Vectors = np.ascontiguousarray(found, np.float32)
    if not np.isfinite(vectors).all():
        raise ValueError("a value is not finite")
    if not (np.linalg.norm(vectors.astype(np.float64), axis=1) > 1e-6).all():
        raise ValueError("all values of a voiceprint are 0")
    return vectors
