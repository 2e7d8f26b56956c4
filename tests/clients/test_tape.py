"""Audio that may have to be sent again: bounded, and never with half a sample."""

from anyio import fail_after, move_on_after

from callannotate_client.tape import Tape


async def test_the_tape_gives_again_what_has_not_arrived() -> None:
    tape = Tape(6)
    await tape.write(b"abc")
    await tape.write(b"def")
    assert await tape.read(0, 4) == b"abcd"
    assert await tape.read(2, 9) == b"cdef"
    with move_on_after(0.05) as full:
        await tape.write(b"g")
    assert full.cancelled_caught
    await tape.forget(3)
    await tape.write(b"g")
    assert await tape.read(3, 9) == b"defg"
    await tape.finish()
    assert await tape.read(tape.end, 9) == b""
    assert tape.end == 7


async def test_blocks_of_any_length_become_frames_of_whole_samples_that_are_long_enough() -> None:
    tape = Tape(100, unit=4)
    await tape.write(b"a" * 7)
    with move_on_after(0.05) as waiting:
        await tape.read(0, 16, least=8)
    assert waiting.cancelled_caught
    await tape.write(b"b" * 7)
    with fail_after(5):
        assert await tape.read(0, 16, least=8) == b"a" * 7 + b"b" * 5
        await tape.finish()
        # Half a sample is left, and nobody can say what it was.
        assert await tape.read(12, 16, least=8) == b""
