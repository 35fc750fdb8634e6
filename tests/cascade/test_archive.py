"""An archive is whole or refused, and unpacking writes inside its folder alone."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adcascade.cascade.archive import FORMAT, Manifest, unpack, verify_archive, writing_archive
from adcascade.errors import InputError


def archive_of(target: Path, files: dict[str, bytes]) -> Manifest:
    """An archive of these files."""
    folder = target.parent / "files"
    folder.mkdir(exist_ok=True)
    with writing_archive(target) as archive:
        for number, (name, content) in enumerate(files.items()):
            (folder / str(number)).write_bytes(content)
            archive.add(name, folder / str(number))
        manifest = Manifest(format=FORMAT, version="0", began_us=0, ended_us=1, secret=False, files=archive.files)
        archive.finish(manifest)
    return manifest


@given(content=st.binary(max_size=2000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_what_went_in_comes_out(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Verified and unpacked, every file is as it was, readable by its owner alone."""
    folder = tmp_path_factory.mktemp("archive")
    manifest = archive_of(folder / "a", {"x": content, "deep/er/y": b"2"})
    assert verify_archive(folder / "a") == manifest
    unpack(folder / "a", folder / "out")
    assert (folder / "out" / "x").read_bytes() == content
    assert (folder / "out" / "deep" / "er" / "y").read_bytes() == b"2"
    assert (folder / "out" / "x").stat().st_mode & 0o077 == 0
    assert (folder / "a").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("part", range(1, 20))
def test_one_changed_byte_or_a_missing_end_is_refused(part: int, tmp_path: Path) -> None:
    """Wherever it is damaged, by a flipped byte or by being cut short, it is no archive any more."""
    target = tmp_path / "a"
    archive_of(target, {"x": bytes(range(256)) * 40, "y": b"second"})
    whole = target.read_bytes()
    place = 10 + (len(whole) - 20) * part // 20
    for damaged in (whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :], whole[:place]):
        target.write_bytes(damaged)
        with pytest.raises(InputError, match="archive"):
            verify_archive(target)


def test_a_file_beside_the_manifest_or_outside_is_refused(tmp_path: Path) -> None:
    """Added members, absolute names, climbing names and links are no part of an archive of ours."""
    plain, link = tarfile.REGTYPE, tarfile.SYMTYPE
    for name, kind in (("extra", plain), ("../up", plain), ("/etc/x", plain), ("l", link)):
        target = tmp_path / "forged"
        with tarfile.open(target, "w:gz") as tar:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info, io.BytesIO())
            body = b'{"format":1,"version":"0","began_us":0,"ended_us":0,"secret":false,"files":{}}'
            told = tarfile.TarInfo("MANIFEST.json")
            told.size = len(body)
            tar.addfile(told, io.BytesIO(body))
        with pytest.raises(InputError, match="archive"):
            verify_archive(target)


def test_an_archive_that_failed_leaves_nothing(tmp_path: Path) -> None:
    """Neither a half file under its name nor a part beside it; and nothing is ever overwritten."""
    with pytest.raises(RuntimeError), writing_archive(tmp_path / "a"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a").write_text("precious")
    with pytest.raises(InputError, match="does not exist"), writing_archive(tmp_path / "a"):
        pass
    assert (tmp_path / "a").read_text() == "precious"


def changed(body: bytes, places: Iterable[int]) -> Iterator[bytes]:
    """The body with one bit of one byte turned over, for each of these."""
    for place in places:
        yield body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]


def same(body: bytes, other: bytes) -> bool:
    """Whether both unpack to the same bytes: not every byte of a compressed file means something."""
    try:
        return gzip.decompress(body) == gzip.decompress(other)
    except (OSError, EOFError, zlib.error):
        return False


def test_every_changed_byte_is_noticed_or_means_nothing(tmp_path: Path) -> None:
    """Brute force over a small archive: it is refused with words exactly where other bytes would be unpacked."""
    damaged = tmp_path / "damaged"
    manifest = archive_of(tmp_path / "a", {"x": b"words " * 300 + bytes(9000) + bytes(range(256))})
    body = (tmp_path / "a").read_bytes()
    for other in changed(body, range(len(body))):
        damaged.write_bytes(other)
        if same(body, other):
            assert verify_archive(damaged) == manifest
        else:
            with pytest.raises(InputError, match=r"take another backup|an archive of format"):
                verify_archive(damaged)
