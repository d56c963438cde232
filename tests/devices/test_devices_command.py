"""edgeq devices and edgeq init, as a user meets them."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Edgeq
from tests.cli.conftest import edgeq as edgeq


def test_a_device_is_added_listed_and_removed(edgeq: Edgeq) -> None:
    assert edgeq("init").code == 0
    assert edgeq("devices", "add", "kitchen", "pi@kitchen", "--board", "raspberrypi5", "--tag", "field").code == 0
    (device,) = edgeq("devices", "list", "--json").json["devices"]
    assert (device["name"], device["address"], device["board"], device["tags"]) == ("kitchen", "ssh:pi@kitchen", "raspberrypi_5", ["field"])
    assert "kitchen  ssh:pi@kitchen  raspberrypi_5  field" in edgeq("devices", "list").out
    assert edgeq("devices", "list", "--tag", "other").out.startswith("no devices")
    assert edgeq("devices", "remove", "kitchen").code == 0
    assert edgeq("devices", "list", "--json").json["devices"] == []
    assert Path("edgeq.toml").read_text().startswith("# Settings")


def test_without_a_project_the_user_has_the_devices(edgeq: Edgeq) -> None:
    assert edgeq("devices", "add", "kitchen", "pi@kitchen", "--board", "raspberrypi5").code == 0
    assert (Path.home() / ".config/edgeq/edgeq.toml").is_file() and not Path("edgeq.toml").exists()


def test_a_whole_csv_file_is_added_or_nothing(edgeq: Edgeq) -> None:
    edgeq("init")
    Path("fleet.csv").write_text("name,address,board\na,pi@a,raspberrypi_5\nb,pi@b,nonsense\n")
    before = Path("edgeq.toml").read_bytes()
    wrong = edgeq("devices", "add", "--from", "fleet.csv")
    assert wrong.code == 2 and "fleet.csv, line 3" in wrong.err and Path("edgeq.toml").read_bytes() == before
    Path("fleet.csv").write_text("name,address,board\na,pi@a,raspberrypi_5\nb,pi@b,\n")
    assert "2 devices" in edgeq("devices", "add", "--from", "fleet.csv").out
    assert [d["name"] for d in edgeq("devices", "list", "--json").json["devices"]] == ["a", "b"]


def test_a_device_that_is_wrong_is_listed_and_can_be_removed(edgeq: Edgeq) -> None:
    Path("edgeq.toml").write_text("[devices.bad]\naddress = 'ssh://pi:geheim@x'\n[devices.gw]\naddress = 'root@gw'\nboard = 'acme_real'\n")
    shown = edgeq("devices", "list")
    assert shown.code == 0 and "gw    ssh:root@gw  acme_real" in shown.out and "bad   -" in shown.out
    assert "bad: the address" in shown.err and "gw: no board 'acme_real'" in shown.err and "geheim" not in shown.out + shown.err
    listed = edgeq("devices", "list", "--json")
    assert "geheim" not in listed.out and [d["wrong"] is None for d in listed.json["devices"]] == [False, False]
    assert edgeq("status", "-b", "local").code == 0
    for name in ("bad", "gw"):
        assert edgeq("devices", "remove", name).code == 0
    assert edgeq("devices", "list", "--json").json["devices"] == []


def test_what_is_odd_about_new_devices_is_said(edgeq: Edgeq) -> None:
    edgeq("init")
    refused = edgeq("devices", "add", "k", "pi@k", "--no-probe", "--key", "/no/geheim")
    assert refused.code == 2 and "the key of k is no file" in refused.err and "geheim" not in refused.err
    assert edgeq("devices", "add", "k", "pi@k", "--no-probe").code == 0
    assert "l has the address of k" in edgeq("devices", "add", "l", "pi@k", "--no-probe").err
    wrong = edgeq("devices", "add", "j", "pi@j", "--board", "jetson")
    assert wrong.code == 2 and "is a family of boards" in wrong.err and "nvidia_jetson_nano" in wrong.err
    assert edgeq("devices", "add", "--from", ".").code == 2


def test_what_does_not_fit_together_is_a_usage_error(edgeq: Edgeq) -> None:
    for words in (["add"], ["add", "x"], ["add", "x", "pi@x", "--from", "f.csv"], ["remove", "x"], ["nonsense"]):
        refused = edgeq("devices", *words)
        assert refused.code == 2 and "hint:" in refused.err, words


def test_init_overwrites_nothing(edgeq: Edgeq) -> None:
    Path("edgeq.toml").write_text("# mine")
    refused = edgeq("init", "--json")
    assert refused.code == 2 and "is there already" in refused.json["error"]["message"]
    assert Path("edgeq.toml").read_text() == "# mine"


def test_nothing_that_is_there_is_written_over(edgeq: Edgeq, tmp_path: Path) -> None:
    """Not even what a link names that leads nowhere."""
    Path("edgeq.toml").symlink_to(tmp_path / "nowhere")
    Path("boards").mkdir()
    Path("boards/acme_gateway.toml").symlink_to(tmp_path / "nowhere")
    for words in (("init",), ("boards", "new", "acme_gateway")):
        refused = edgeq(*words)
        assert refused.code == 2 and "is there already" in refused.err
    assert not (tmp_path / "nowhere").exists() and len(list(Path("boards").iterdir())) == 1


def test_a_wrong_edgeq_toml_is_named_by_every_command_that_reads_it(edgeq: Edgeq) -> None:
    Path("edgeq.toml").write_text("bord = 'x'")
    for words in (["status"], ["devices", "list"], ["status", "-b", "local"]):
        refused = edgeq(*words)
        assert refused.code == 2 and "unknown key bord" in refused.err and "did you mean board" in refused.err, words
