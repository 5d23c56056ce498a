"""Archives whose records are cut, damaged, mislabelled or between foreign bytes."""

import random
from pathlib import Path

from reliability.good_records import TEXT, between, both, good, gzip_member
from reliability.hostile_case import Expected, Scale, case
from reliability.made_archives import page, record


def _archive(of: str, count: int) -> list[bytes]:
    return [good(number, of=of) for number in range(count)]


@case("warc")
def _truncated_gzip(folder: Path, scale: Scale) -> Expected:
    """An archive cut at every 1,000th byte: the members before the cut come out."""
    expected = Expected()
    members = [gzip_member(part) for part in _archive("truncated-gzip", scale.archive_records)]
    whole = b"".join(members)
    for number, stop in enumerate(range(1_000, len(whole), 1_000)):
        (folder / f"cut-{number:04}.warc.gz").write_bytes(whole[:stop])
        end = 0
        for place, member in enumerate(members):
            end += len(member)
            if end <= stop:
                expected.add(f"https://good.example/truncated-gzip/{place}")
    return expected


@case("warc")
def _truncated_plain(folder: Path, scale: Scale) -> Expected:
    """The same without compression, cut at every 1,000th byte."""
    expected = Expected()
    parts = _archive("truncated-plain", scale.archive_records)
    whole = b"".join(parts)
    for number, stop in enumerate(range(1_000, len(whole), 1_000)):
        (folder / f"cut-{number:04}.warc").write_bytes(whole[:stop])
        end = 0
        for place, part in enumerate(parts):
            end += len(part)
            if end <= stop:
                expected.add(f"https://good.example/truncated-plain/{place}")
    return expected


@case("warc")
def _flipped_bytes(folder: Path, scale: Scale) -> Expected:
    """One byte of an archive is another: the members without it come out."""
    expected, source = Expected(), random.Random(1)
    members = [gzip_member(part) for part in _archive("flipped", scale.archive_records)]
    whole = b"".join(members)
    for number in range(scale.damaged_files):
        at = source.randrange(len(whole))
        damaged = bytearray(whole)
        damaged[at] ^= 1 << source.randrange(8)
        (folder / f"flipped-{number:04}.warc.gz").write_bytes(damaged)
        end = 0
        for place, member in enumerate(members):
            start, end = end, end + len(member)
            if not start <= at < end:
                expected.add(f"https://good.example/flipped/{place}")
    return expected


@case("warc")
def _wrong_lengths(folder: Path, scale: Scale) -> Expected:
    """A declared length that is too short, too long, missing, none, or 2 GB and more."""
    lengths: list[int | str] = [0, 1, 17, 100_000, 1 << 31, 10**17, 10**30, -1, "", "many", "1e3"]
    body = page(f"{TEXT} Its length is wrong.")
    hostile = [
        record(body, url=f"https://hostile.example/length/{place}", length=length)
        for place, length in enumerate(lengths)
    ]
    missing = record(body, url="https://hostile.example/no-length")
    at = missing.rindex(b"Content-Length: ", 0, missing.index(b"HTTP/1.1"))
    hostile.append(missing[:at] + missing[missing.index(b"\r\n", at) + 2 :])
    return both(folder, "lengths", hostile)


@case("warc")
def _cut_members(folder: Path, scale: Scale) -> Expected:
    """Compressed members that end early, the next one following at once."""
    whole = gzip_member(good(0, of="cut"))
    cuts = [whole[:stop] for stop in (10, 11, 20, len(whole) // 2, len(whole) - 8, len(whole) - 1)]
    return between(folder, "cut-members", cuts, compressed=True)


@case("warc")
def _garbage(folder: Path, scale: Scale) -> Expected:
    """Foreign bytes between the records, some of them much like a record's beginning."""
    source = random.Random(2)
    noise = source.randbytes(200_000)
    hostile = [
        noise,
        b"WARC/1.0\r\n" * 10_000,
        b"WARC/1.0\r\nWARC-Type: response\r\n" + b"X: " + b"y" * 300_000 + b"\r\n\r\n",
        b"\0" * 100_000,
        b"\x1f\x8b\x08" + noise[:5_000],
        b"\x28\xb5\x2f\xfd" + noise[:5_000],
        b"\x04\x22\x4d\x18" + noise[:5_000],
        b"PK\x03\x04" + noise[:5_000],
        b"<html><p>no archive</p></html>" * 100,
    ]
    return between(folder, "garbage", [b"raw:" + part for part in hostile], compressed=True)


@case("warc")
def _garbage_alone(folder: Path, scale: Scale) -> Expected:
    """Files of nothing but foreign bytes, and empty ones, beside a good archive."""
    expected, source = Expected(), random.Random(3)
    starts = (b"", b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"PK\x03\x04")
    for number, start in enumerate(starts):
        (folder / f"noise-{number}.warc.gz").write_bytes(start + source.randbytes(50_000))
    (folder / "empty.warc.gz").write_bytes(b"")
    (folder / "good.warc.gz").write_bytes(gzip_member(good(0, of="alone", expected=expected)))
    expected.at_least_left_out = len(starts)
    return expected


@case("warc")
def _tiny_records(folder: Path, scale: Scale) -> Expected:
    """A great many records of next to nothing."""
    expected = Expected(at_least_left_out=scale.tiny_records)
    with (folder / "tiny.warc").open("wb") as file:
        for number in range(scale.tiny_records):
            file.write(
                b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 12\r\n"
                b"WARC-Record-ID: <urn:%d>\r\n\r\nHTTP/1.1 404\r\n\r\n" % number
            )
            if number % 1_000 == 0:
                file.write(good(number, of="tiny", expected=expected))
    return expected


@case("warc")
def _same_ids(folder: Path, scale: Scale) -> Expected:
    """Records that share one id, and some without any."""
    expected = Expected()
    parts = []
    for number in range(40):
        url = f"https://good.example/same/{number}"
        name = "<urn:uuid:same>" if number % 2 else ""
        parts.append(record(page(f"{TEXT} Copy {number}."), url=url, record_id=name))
        expected.add(url)
    (folder / "same.warc.gz").write_bytes(b"".join(map(gzip_member, parts)))
    return expected


@case("warc")
def _bad_dates(folder: Path, scale: Scale) -> Expected:
    """Dates that are none, or out of any calendar."""
    dates = (
        *("", "yesterday", "0000-00-00T00:00:00Z", "9999-12-31T23:59:60Z", "2024-02-30T00:00:00Z"),
        *("2024-13-01", "-2024-01-01", "١٩٩٩-٠١-٠١", "2024-01-01T00:00:00+99:99", "1" * 5_000),
        "9999-12-31T23:59:59-23:59",
    )
    expected = Expected()
    parts = []
    for number, date in enumerate(dates):
        url = f"https://good.example/dates/{number}"
        parts.append(record(page(f"{TEXT} Date {number}."), url=url, date=date))
        expected.add(url)
    (folder / "dates.warc.gz").write_bytes(b"".join(map(gzip_member, parts)))
    return expected
