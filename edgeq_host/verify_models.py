"""The two models that `edgeq boards verify` installs, signed for a device that takes signed files only."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeq_host import signing, trust
from edgeq_host.deploy import connect, refusals
from edgeq_host.keys import PrivateKey
from edgeq_host.sample_model import packed, sample
from edgeq_host.targets import Target
from edgeq_runtime import native

NAME = "edgeq-verify"
SIZE = 65536  # inputs of the model: half a megabyte of weights, so that an upload has a middle


class Models:
    """Model 0 and model 1, as bytes and as files in a folder."""

    def __init__(self, folder: Path, key: PrivateKey | None, counter: int) -> None:
        """key: None: unsigned. counter: of the newest that the device has ever installed under NAME."""
        self.folder = folder
        self._key, self._counter = key, counter
        self._plain = packed(1, SIZE), packed(2, SIZE)
        self.files = folder / f"{NAME}.eqm", folder / "second.eqm"
        self.renew(0)
        self.renew(1)

    def data(self, which: int) -> bytes:
        return self.files[which].read_bytes()

    def renew(self, which: int) -> Path:
        """The file; with a key it is newer than both were: a device installs none that is older than what it had."""
        data, file = self._plain[which], self.files[which]
        if self._key is not None:
            self._counter += 1
            data = signing.sign(data, file.name, self._key, self._counter)
        file.write_bytes(data)
        return file

    def expected(self, which: int) -> bytes:
        """What the model computes on this machine."""
        return np.asarray(native.Model(self._plain[which]).run(sample(SIZE))).tobytes()


def newest(target: Target, key: PrivateKey | None) -> int:
    """The counter of the newest signed file that was installed there under NAME. SignatureError where the device takes signed files only
    and `key` is none of its keys."""
    with refusals(f"the keys of {target.name}", "", target.name), connect(target) as device:
        known = trust.ask(device, NAME)
    if known.keys:
        trust.one_of(known, key, target.name, "sign what is tried", "--key")
    return known.counter
