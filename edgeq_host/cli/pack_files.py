"""edgeq pack."""

from __future__ import annotations

from pathlib import Path

import click

from edgeq_host.cli import output, shared


@output.command("pack")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", "target", required=True, type=click.Path(path_type=Path), help="The file to write.")
def command(files: tuple[Path, ...], target: Path, as_json: bool) -> None:
    """Join variants of one model in one file; equal buffers are stored once.

    \b
    edgeq pack kws-int8.eqm kws-float32.eqm -o kws.eqm
    """
    from edgeq_host.errors import UsageError
    from edgeq_host.export import join, pack, read_file, unpack, write_file
    from edgeq_host.inspect import text

    if len(files) < 2:
        raise UsageError(f"pack joins two or more files; there is only {files[0]}", "edgeq pack A.eqm B.eqm -o C.eqm")
    shared.guard_outputs([target], files, ".eqm")
    contents = [read_file(file) for file in files]
    joined = join([unpack(data, str(file)) for data, file in zip(contents, files, strict=True)], [str(f) for f in files])
    data = pack(joined)
    unpack(data, str(target))
    write_file(target, data)
    names = [text(v.name) for v in joined.variants]
    if as_json:
        output.document("edgeq.pack/1", file=str(target), bytes=len(data), variants=[{"name": n} for n in names])
    else:
        parts = " + ".join(str(len(c)) for c in contents)
        output.line(f"{target}: {len(data)} bytes (the files: {parts}), variants {', '.join(names)}")
