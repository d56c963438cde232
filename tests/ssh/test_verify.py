"""`edgeq boards verify` over a real ssh server, whose connections are cut in the middle."""

from __future__ import annotations

import getpass

import pytest

from edgeq_host import verify, verify_report
from edgeq_host.device import Checked, Device
from tests.ssh.conftest import Site


@pytest.mark.slow
def test_verify_passes_over_ssh_and_its_report_names_neither_host_nor_user(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Device, "check_kernels", lambda self, limit_s: iter([Checked("gemm_s8_s8_s8__portable", True, 9, "")]))
    target = site.target(site.server())
    found = verify.verify(target)
    assert [(check.name, check.text) for check in found.checks if check.state == "failed"] == []
    report = verify_report.text(found)
    assert found.source == "measured" and "127.0.0.1" not in report and str(site.folder) not in report
    assert getpass.getuser() == "root" or getpass.getuser() not in report
