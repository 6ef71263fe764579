import hashlib
import shutil
import subprocess

import pytest

from devtools.machine.apt import Archive, PrivateApt, archive_uri, is_debian, parse_archives
from devtools.machine.errors import ToolError

INDEX = [
    "'http://mirror.test/debian/dists/bookworm-updates/InRelease' x 0 ",
    "'http://mirror.test/debian-security/dists/bookworm-security/InRelease' x 0 ",
    "'http://mirror.test/debian/dists/bookworm/InRelease' x 0 ",
    "'http://mirror.test/debian/dists/bookworm/main/binary-amd64/Packages.xz' x 0 ",
    "'http://tools.test/apt/dists/stable/InRelease' x 0 ",
]


def test_the_archive_is_the_one_of_this_release():
    assert archive_uri(INDEX, "bookworm") == "http://mirror.test/debian"


def test_the_archive_may_be_named_by_its_suite():
    lines = ["'file:/srv/mirror/debian/dists/unstable/InRelease' x 0 "]
    assert archive_uri(lines, "forky") == "file:/srv/mirror/debian"


def test_no_archive():
    assert archive_uri(INDEX[:2], "bookworm") is None


def test_archives_are_parsed():
    lines = [
        "Reading package lists...",
        "'http://mirror.test/pool/a/a_1.0_all.deb' a_2%3a1.0_all.deb 1234 SHA256:abcdef",
        "'http://mirror.test/pool/b/b_1.0_all.deb' b_1.0_all.deb 5 MD5Sum:00",
    ]
    assert parse_archives(lines) == [
        Archive("a_2%3a1.0_all.deb", 1234, "abcdef"),
        Archive("b_1.0_all.deb", 5, None),
    ]


@pytest.mark.parametrize(
    ("content", "fits"), [(b"right", True), (b"wrong", False), (b"righ", False), (None, False)]
)
def test_an_archive_is_known_by_size_and_digest(tmp_path, content, fits):
    path = tmp_path / "a.deb"
    if content is not None:
        path.write_bytes(content)
    assert Archive("a.deb", 5, hashlib.sha256(b"right").hexdigest()).matches(path) is fits


@pytest.mark.parametrize(
    ("text", "expected"),
    [("ID=debian\n", True), ('ID="debian"\n', True), ("ID=ubuntu\nID_LIKE=debian\n", False)],
)
def test_only_debian_itself_has_the_package(tmp_path, text, expected):
    path = tmp_path / "os-release"
    path.write_text(text)
    assert is_debian(path) is (expected and shutil.which("apt-get") is not None)


def test_a_machine_without_os_release(tmp_path):
    assert not is_debian(tmp_path / "none")


@pytest.fixture
def package(tmp_path):
    """A Debian package with one file and one link."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("needs dpkg-deb")
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        "Package: sample\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.com>\n"
        "Installed-Size: 4\nDescription: sample\n"
    )
    (tree / "usr/share/sample").mkdir(parents=True)
    (tree / "usr/share/sample/file").write_text("content")
    (tree / "usr/share/sample/link").symlink_to("file")
    path = tmp_path / "sample.deb"
    command = ["dpkg-deb", "--root-owner-group", "--build", tree, path]
    subprocess.run(command, check=True, capture_output=True)
    return path


def test_unpack(package, tmp_path, capsys):
    PrivateApt(tmp_path / "apt", tmp_path).unpack([package], tmp_path / "out", "Sample")
    assert (tmp_path / "out/usr/share/sample/link").read_text() == "content"
    assert "Sample: unpacking" in capsys.readouterr().out


def test_unpack_says_when_a_package_is_broken(package, tmp_path):
    content = package.read_bytes()
    package.write_bytes(content[: len(content) - 40])
    with pytest.raises(ToolError, match=r"could not be unpacked; (?s:.*)sample\.deb"):
        PrivateApt(tmp_path / "apt", tmp_path).unpack([package], tmp_path / "out", "Sample")
