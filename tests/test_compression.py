import gzip
import io
import random
from collections.abc import Callable

import lz4.frame
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.readers.compression import PIECE_BYTES, Fault, Piece, read_pieces


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzipped,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "lz4": lambda data: lz4.frame.compress(data, content_checksum=True),
}
DATA = [bytes(random.Random(seed).choices(b"abcdefgh\n", k=5000)) for seed in range(3)]


def read(stored: bytes) -> tuple[dict[int, bytes], list[Fault]]:
    """The bytes of each member by its offset, and the faults."""
    members: dict[int, bytes] = {}
    faults = []
    for item in read_pieces(io.BytesIO(stored)):
        if isinstance(item, Fault):
            faults.append(item)
        else:
            members[item.offset] = members.get(item.offset, b"") + item.data
    return members, faults


def offsets(members: list[bytes]) -> list[int]:
    return [sum(map(len, members[:index])) for index in range(len(members))]


@pytest.mark.parametrize("codec", COMPRESS)
@given(data=st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=5))
@settings(max_examples=30)
def test_members_come_back_at_their_offsets(codec: str, data: list[bytes]) -> None:
    members = [COMPRESS[codec](part) for part in data]
    expected = dict(zip(offsets(members), data, strict=True))
    assert read(b"".join(members)) == (expected, [])


def test_a_file_without_compression_comes_back_byte_by_byte() -> None:
    stored = b"WARC/1.0\r\n" * 20_000
    pieces = list(read_pieces(io.BytesIO(stored)))
    assert b"".join(piece.data for piece in pieces if isinstance(piece, Piece)) == stored
    for piece in pieces:
        assert isinstance(piece, Piece)
        assert not piece.compressed
        assert stored[piece.offset :].startswith(piece.data)


def test_an_empty_file_holds_nothing() -> None:
    assert read(b"") == ({}, [])


@pytest.mark.parametrize("codec", COMPRESS)
def test_padding_between_members_is_no_fault(codec: str) -> None:
    first, second = COMPRESS[codec](DATA[0]), COMPRESS[codec](DATA[1])
    stored = first + bytes(700) + second + b"\0\r\n"
    assert read(stored) == ({0: DATA[0], len(first) + 700: DATA[1]}, [])


@pytest.mark.parametrize("codec", COMPRESS)
def test_bytes_that_are_no_member_are_one_fault(codec: str) -> None:
    first, second = COMPRESS[codec](DATA[0]), COMPRESS[codec](DATA[1])
    members, faults = read(first + b"not a member at all" + second)
    assert members == {0: DATA[0], len(first) + 19: DATA[1]}
    message = f"no {codec.replace('lz4', 'LZ4')} member begins here"
    assert faults == [Fault(len(first), "UnrecognisedBytes", message)]


@pytest.mark.parametrize("codec", COMPRESS)
@pytest.mark.parametrize("at", [0.5, 0.9])
def test_a_damaged_member_costs_no_other(codec: str, at: float) -> None:
    members = [COMPRESS[codec](part) for part in DATA]
    start = offsets(members)
    broken = bytearray(members[1])
    position = int(len(broken) * at)
    broken[position : position + 8] = bytes(byte ^ 0xFF for byte in broken[position : position + 8])
    read_members, faults = read(members[0] + broken + members[2])
    assert read_members[0] == DATA[0]
    assert read_members[start[2]] == DATA[2]
    assert [(fault.offset, fault.exception) for fault in faults] == [(start[1], "DamagedMember")]


@pytest.mark.parametrize("codec", COMPRESS)
def test_a_member_with_a_wrong_checksum_is_kept_and_reported(codec: str) -> None:
    first, second = COMPRESS[codec](DATA[0]), COMPRESS[codec](DATA[1])
    checksum = slice(-8, -4) if codec == "gzip" else slice(-4, None)
    broken = bytearray(first)
    broken[checksum] = bytes(byte ^ 0xFF for byte in broken[checksum])
    members, faults = read(bytes(broken) + second)
    assert members == {0: DATA[0], len(first): DATA[1]}
    assert [(fault.offset, fault.exception) for fault in faults] == [(0, "DamagedMember")]


@given(share=st.floats(min_value=0, max_value=1))
@settings(max_examples=100)
def test_cutting_a_gzip_file_keeps_all_before_the_cut(share: float) -> None:
    members = [gzipped(part) for part in DATA]
    start = offsets(members)
    stored = b"".join(members)
    cut = 2 + int(share * (len(stored) - 3))  # of less than two bytes no format can be told
    read_members, faults = read(stored[:cut])
    whole = {
        offset: part
        for offset, member, part in zip(start, members, DATA, strict=True)
        if offset + len(member) <= cut
    }
    assert whole.items() <= read_members.items()
    assert [fault.offset for fault in faults] == [
        offset
        for offset, member in zip(start, members, strict=True)
        if offset < cut < offset + len(member)
    ]
    for offset, content in read_members.items():
        assert DATA[start.index(offset)].startswith(content)


@pytest.mark.parametrize("codec", COMPRESS)
def test_a_cut_member_gives_what_can_be_decompressed(codec: str) -> None:
    data = bytes(random.Random(9).choices(b"abcdefgh\n", k=1_000_000))
    stored = COMPRESS[codec](data)
    members, faults = read(stored[: len(stored) // 2])
    assert data.startswith(members[0])
    assert len(members[0]) > 300_000
    assert [(fault.offset, fault.exception) for fault in faults] == [(0, "TruncatedMember")]


@pytest.mark.parametrize("codec", ["gzip", "lz4"])
def test_a_member_that_inflates_hugely_comes_in_bounded_pieces(codec: str) -> None:
    stored = COMPRESS[codec](bytes(20_000_000))
    pieces = [item for item in read_pieces(io.BytesIO(stored)) if isinstance(item, Piece)]
    assert sum(len(piece.data) for piece in pieces) == 20_000_000
    assert max(len(piece.data) for piece in pieces) <= PIECE_BYTES


def skippable(magic: bytes, content: bytes) -> bytes:
    return magic + b"\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_skippable_frames_are_stepped_over(codec: str) -> None:
    first, second = COMPRESS[codec](DATA[0]), COMPRESS[codec](DATA[1])
    skipped = skippable(b"\x50", b"x" * 100_000)
    members, faults = read(skipped + first + skipped + second)
    assert members == {len(skipped): DATA[0], 2 * len(skipped) + len(first): DATA[1]}
    assert faults == []


@pytest.fixture(scope="module")
def dictionary() -> zstandard.ZstdCompressionDict:
    samples: list[bytes | bytearray | memoryview[int]]
    samples = [b"WARC/1.0\r\nWARC-Type: response\r\n%d\r\n\r\n" % n * 5 for n in range(500)]
    return zstandard.train_dictionary(2000, samples)


@pytest.mark.parametrize("packed", [False, True])
def test_a_leading_dictionary_is_used(
    dictionary: zstandard.ZstdCompressionDict, packed: bool
) -> None:
    content = dictionary.as_bytes()
    frame = skippable(b"\x5d", zstandard.compress(content) if packed else content)
    compressor = zstandard.ZstdCompressor(dict_data=dictionary)
    members = [compressor.compress(b"WARC/1.0\r\nWARC-Type: response\r\n%d" % n) for n in (7, 8)]
    assert read(frame + b"".join(members)) == (
        {
            len(frame): b"WARC/1.0\r\nWARC-Type: response\r\n7",
            len(frame) + len(members[0]): b"WARC/1.0\r\nWARC-Type: response\r\n8",
        },
        [],
    )


def test_a_dictionary_that_is_missing_is_a_fault_and_no_exception(
    dictionary: zstandard.ZstdCompressionDict,
) -> None:
    stored = zstandard.ZstdCompressor(dict_data=dictionary).compress(b"WARC/1.0" * 9)
    for broken in (stored, skippable(b"\x5d", b"\x28\xb5\x2f\xfd broken") + stored):
        members, faults = read(broken)
        assert members == {}
        assert [fault.exception for fault in faults] == ["DamagedMember"]


@given(stored=st.binary(max_size=200), codec=st.sampled_from(sorted(COMPRESS)))
def test_any_bytes_after_a_magic_raise_nothing(stored: bytes, codec: str) -> None:
    magic = COMPRESS[codec](b"x")[:4]
    read(magic + stored)
