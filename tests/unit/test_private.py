"""Private files are for their owner, and not where they would get out by themselves."""

import os
from pathlib import Path

import pytest

from pprl.errors import DataError, PolicyError
from pprl.keys import LinkageKey
from pprl.private import read_private, refuse_private_place, refuse_synced_folder

posix = pytest.mark.skipif(os.name == "nt", reason="modes of files and links are a POSIX matter")

NAMES = {
    "OneDrive": ["OneDrive", "onedrive", "OneDrive - An NHS Trust", "OneDrive-Personal", "OneDrive_1"],
    "Dropbox": ["Dropbox", "Dropbox (An NHS Trust)", "Dropbox-Work"],
    "Google Drive": ["Google Drive", "GoogleDrive-me@example.org", "My Drive", "Shared drives"],
    "iCloud": ["iCloudDrive", "iCloud Drive", "Mobile Documents", "com~apple~CloudDocs"],
    "Nextcloud": ["Nextcloud", "Nextcloud2", "ownCloud", "Nextcloud - work"],
    "Box": ["Box", "Box Sync", "Box-Box"],
    "a cloud provider": ["CloudStorage", "MEGAsync", "pCloudDrive", "Syncthing"],
}
MARKERS = {
    "OneDrive": [".849C9593-D756-4E56-8D6E-42412F2A707B"],
    "Dropbox": [".dropbox", ".dropbox.cache"],
    "Google Drive": [".tmp.driveupload", ".tmp.drivedownload", ".shortcut-targets-by-id"],
    "iCloud": ["com~apple~CloudDocs"],
    "Nextcloud": [
        ".sync_1a2b3c4d5e6f.db",
        "._sync_1a2b3c4d5e6f.db",
        ".nextcloudsync.log",
        ".owncloudsync.log",
    ],
    "a cloud provider": [".stfolder", ".seafile-data", ".megaignore"],
}


def pairs(table):
    """Every service with each of its signs."""
    return [(service, sign) for service, signs in table.items() for sign in signs]


@pytest.mark.parametrize(("service", "name"), pairs(NAMES))
def test_a_synced_folder_is_known_by_its_name(tmp_path, service, name):
    """At any depth below it, and the service is named."""
    folder = tmp_path / name / "project" / "keys"
    folder.mkdir(parents=True)

    with pytest.raises(PolicyError, match=f"file: lies in a folder that {service} copies") as caught:
        refuse_synced_folder(folder / "project.key", what="file")
    assert "policy/in-synced-folder" == caught.value.code


@pytest.mark.parametrize(("service", "marker"), pairs(MARKERS))
def test_a_synced_folder_is_known_by_what_the_service_keeps_in_it(tmp_path, service, marker):
    """Whatever it is called."""
    (tmp_path / marker).write_bytes(b"")
    (tmp_path / "deep").mkdir()

    with pytest.raises(PolicyError, match=f"folder that {service} copies"):
        refuse_synced_folder(tmp_path / "deep" / "project.key", what="file")


@pytest.mark.parametrize("name", ["box", "boxes", "drive", "my-dropbox-notes", "clouds", "one drive", "sync"])
def test_other_folders_are_left_alone(tmp_path, name):
    """Names that only look like it."""
    (tmp_path / name).mkdir()

    refuse_synced_folder(tmp_path / name / "project.key", what="file")


@pytest.mark.parametrize(
    "name", ["public_html", "htdocs", "var/www/html", "srv/http", "inetpub/wwwroot/site"]
)
def test_nothing_private_lies_where_web_servers_serve(tmp_path, name):
    """By the habits of Apache, nginx and IIS."""
    with pytest.raises(PolicyError) as caught:
        refuse_private_place(tmp_path / name / "project.key", what="file")

    assert "policy/in-served-folder" == caught.value.code


@pytest.mark.parametrize("name", ["www", "http", "my_public_html_notes"])
def test_other_names_are_no_folder_of_a_web_server(tmp_path, name):
    """Words that are in use for other things."""
    refuse_private_place(tmp_path / name / "project.key", what="file")


def test_the_settings_of_a_program_are_no_synced_folder(tmp_path):
    """Every home folder with Dropbox has a folder .dropbox; only as a file it is a marker."""
    (tmp_path / ".dropbox").mkdir()

    refuse_synced_folder(tmp_path / "project.key", what="file")


@posix
def test_a_link_does_not_hide_a_synced_folder(tmp_path):
    """Neither one that leads there, nor one of its name."""
    (tmp_path / "Dropbox").mkdir()
    (tmp_path / "elsewhere").symlink_to(tmp_path / "Dropbox")
    (tmp_path / "plain").mkdir()
    (tmp_path / "Nextcloud").symlink_to(tmp_path / "plain")

    for service, name in (("Dropbox", "elsewhere"), ("Nextcloud", "Nextcloud")):
        with pytest.raises(PolicyError, match=service):
            refuse_synced_folder(tmp_path / name / "project.key", what="file")


def test_a_relative_name_is_followed_to_the_root(tmp_path, monkeypatch):
    """The folder in which one works may be synced."""
    (tmp_path / "OneDrive").mkdir()
    monkeypatch.chdir(tmp_path / "OneDrive")

    with pytest.raises(PolicyError, match="OneDrive"):
        refuse_synced_folder(Path("project.key"), what="file")


def test_a_linkage_key_is_neither_written_to_nor_read_from_a_synced_folder(tmp_path):
    """The provider would have it a second later."""
    (tmp_path / "Dropbox").mkdir()
    LinkageKey(bytes(range(32))).save(tmp_path / "project.key")
    (tmp_path / "project.key").rename(tmp_path / "Dropbox" / "project.key")

    with pytest.raises(PolicyError, match="Dropbox"):
        LinkageKey.load(tmp_path / "Dropbox" / "project.key")
    with pytest.raises(PolicyError, match="Dropbox"):
        LinkageKey.generate().save(tmp_path / "Dropbox" / "other.key")
    assert ["project.key"] == [one.name for one in (tmp_path / "Dropbox").iterdir()]


@posix
def test_a_private_file_is_read_whole_or_refused(tmp_path):
    """By mode, as a link, and by length, each with a code of its own."""
    path = tmp_path / "a"
    path.write_bytes(b"private")
    path.chmod(0o600)
    (tmp_path / "link").symlink_to(path)
    codes = []
    assert b"private" == read_private(path, what="file", code="file", limit=7)

    for place, limit, mode in ((tmp_path / "link", 7, 0o600), (path, 6, 0o600), (path, 7, 0o640)):
        path.chmod(mode)
        with pytest.raises((PolicyError, DataError)) as caught:
            read_private(place, what="file", code="x", limit=limit)
        codes.append(caught.value.code)

    assert ["policy/x-is-link", "data/x-file", "policy/x-readable"] == codes
