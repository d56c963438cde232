"""What the boot ROM of an RP2040 wants of an image: a checksum behind the second stage, and blocks for its USB drive.

RP2040 datasheet section 2.8.1.3.1 (checksum); the file format UF2 as its author Microsoft publishes it.
"""

from __future__ import annotations

import os
import struct
import subprocess
import tempfile
from pathlib import Path

SECOND_STAGE = 252  # bytes, before the checksum
BEGIN = 0x10000000  # of the flash, as the processor sees it
FAMILY = 0xE48BFF56  # RP2040 in UF2
PAYLOAD = 256  # bytes a block
_MAGIC = (0x0A324655, 0x9E5D5157, 0x0AB16F30)
_HAS_FAMILY = 0x2000


def crc(data: bytes) -> int:
    """CRC-32 of polynomial 0x04C11DB7, the highest bit first, begun with ones and not turned at the end."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value >> 31 else 0)) & 0xFFFFFFFF
    return value


def seal(elf: Path, objcopy: str) -> None:
    """Put the checksum into the section .boot2. The file is replaced as a whole, and only where it is another."""
    with tempfile.TemporaryDirectory(dir=elf.parent) as folder:
        stage, fresh = Path(folder) / "stage", Path(folder) / "elf"
        subprocess.run([objcopy, "-O", "binary", "-j", ".boot2", str(elf), str(stage)], check=True)
        data = stage.read_bytes()
        sealed = data[:SECOND_STAGE] + struct.pack("<I", crc(data[:SECOND_STAGE]))
        if sealed != data:
            stage.write_bytes(sealed)
            subprocess.run([objcopy, "--update-section", f".boot2={stage}", str(elf), str(fresh)], check=True)
            os.replace(fresh, elf)


def uf2(image: bytes) -> bytes:
    """The image from BEGIN on as blocks of 512 bytes, zeros behind its end."""
    count = -(-len(image) // PAYLOAD)
    blocks = []
    for n in range(count):
        data = image[n * PAYLOAD : (n + 1) * PAYLOAD].ljust(476, b"\0")
        head = (*_MAGIC[:2], _HAS_FAMILY, BEGIN + n * PAYLOAD, PAYLOAD, n, count, FAMILY)
        blocks.append(struct.pack("<8I", *head) + data + struct.pack("<I", _MAGIC[2]))
    return b"".join(blocks)
