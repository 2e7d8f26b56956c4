"""Files of voiceprints."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import CallAnnotateError
from contracts.voice_errors import VOICEPRINT_UNUSABLE
from runtime.voice_files import LARGEST, kind_of, read_voiceprints, write_voiceprints
from tests.voice_recordings import allison

MODEL = "ab" * 32


def vectors(count: int, seed: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.random.default_rng(seed).normal(size=(count, 192)).astype(np.float32)


@pytest.mark.parametrize("kind", ["npy", "vec"])
@pytest.mark.parametrize("count", [1, 3])
def test_what_is_exported_is_imported_bit_by_bit(tmp_path: Path, kind: str, count: int) -> None:
    path = tmp_path / "voice"
    path.write_bytes(write_voiceprints(vectors(count), kind, MODEL))  # type: ignore[arg-type]
    found = read_voiceprints(path, "voice", MODEL)
    assert found is not None
    assert found.dtype == np.float32
    assert np.array_equal(found, vectors(count))


@given(st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=192, max_size=192).filter(any))
def test_any_finite_voiceprint_survives_as_text(values: list[float]) -> None:
    wanted = np.array([values], np.float32)
    text = write_voiceprints(wanted, "vec", MODEL).decode()
    numbers = [line for line in text.splitlines() if not line.startswith("#")]
    assert np.array_equal(np.array([line.split() for line in numbers], np.float32), wanted)


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(map(str, range(1, 193))),
        "[" + ", ".join(map(str, range(1, 193))) + "]",
        "\ufeff# of somebody\n\n" + " ".join(map(str, range(1, 193))) + "  # the end\n",
        "; ".join(f"{value}.0e0" for value in range(1, 193)),
        "\t".join(map(str, range(1, 97))) + "\r\n" + "\t".join(map(str, range(97, 193))),
    ],
)
def test_numbers_of_a_vec_file_may_be_spread_as_one_likes(tmp_path: Path, text: str) -> None:
    path = tmp_path / "voice.txt"
    path.write_text(text, encoding="utf-8")
    found = read_voiceprints(path, "voice.txt", MODEL)
    assert found is not None
    assert found.tolist() == [list(range(1, 193))]


@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<f2", "<i2", "<u1"])
@pytest.mark.parametrize("fortran", [True, False])
def test_an_npy_file_may_be_of_any_kind_of_number(tmp_path: Path, dtype: str, fortran: bool) -> None:
    wanted = np.arange(384).reshape(2, 192) % 100
    np.save(tmp_path / "v.npy", np.asarray(wanted.astype(dtype), order="F" if fortran else "C"))
    found = read_voiceprints(tmp_path / "v.npy", "v.npy", MODEL)
    assert found is not None
    assert np.array_equal(found, wanted)


def npy(shape: str, dtype: str = "<f4", content: bytes = b"") -> bytes:
    head = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + content


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"1 2 3", "3 values"),
        (b"# nothing but a comment", "0 voiceprints"),
        (b"0.5 hello " * 96, "line 1"),
        (b"0 " * 192, "are 0"),
        (b"1 " * 191 + b"nan", "not finite"),
        (b"1 " * 191 + b"1e60", "not finite"),
        (b"1 \xff\xfe", "no text"),
        (b"1 " * 192 * 101, "101 voiceprints"),
        (b"1 " * LARGEST, "bytes"),
        (b"# model " + b"cd" * 32 + b"\n" + b"1 " * 192, "another voiceprint model"),
        (npy("(256,)", content=bytes(1024)), "256 values"),
        (npy("(1000000000000, 192)"), "length"),
        (npy("(192,)", content=bytes(767)), "length"),
        (npy("(1, 1, 192)", content=bytes(768)), "3 dimensions"),
        (npy("(192,)", "|O", bytes(1536)), "type object"),
        (npy("(192,)", "<c8", bytes(1536)), "type complex64"),
        (npy("(-1, 192)"), ""),
        (npy("(0, 192)"), "0 voiceprints"),
        (b"\x93NUMPY", ""),
        (b"\x93NUMPY\x09\x00" + bytes(100), "version 9.0"),
        (b"\x93NUMPY\x01\x00\xff\xff" + bytes(100), ""),
        (b"\x93NUMPY\x01\x00\x10\x00{'shape': (1/0),}", ""),
    ],
)
def test_a_file_that_is_no_use_says_why(tmp_path: Path, content: bytes, cause: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(CallAnnotateError) as caught:
        read_voiceprints(path, "the client's.vec", MODEL)
    assert caught.value.fault is VOICEPRINT_UNUSABLE
    assert cause in caught.value.message
    assert "the client's.vec" in caught.value.message


@pytest.mark.parametrize(
    "content", [allison(), b"fLaC" + bytes(50), b"OggS", b"ID3\x04", b"\xff\xfb\x90", b"hello", b""]
)
def test_a_recording_is_no_file_of_voiceprints(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    assert kind_of(content) is None
    assert read_voiceprints(path, "x.npy", MODEL) is None
