"""edgeq pack."""

from __future__ import annotations

from pathlib import Path

import click

from edgeq_host.cli import output, shared


@output.command("pack")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", "target", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option("--isa", "isa_lists", multiple=True, metavar="A,B", help="Also store weights as these instruction sets want them.")
@click.option("--no-isa", is_flag=True, help="Take weights that were stored so out again.")
def command(files: tuple[Path, ...], target: Path, isa_lists: tuple[str, ...], no_isa: bool, as_json: bool) -> None:
    """Join variants of one model in one file, where equal buffers are stored once, or store weights as an instruction set wants them.

    A device packs weights when it opens a model: that takes time and memory. With --isa it uses them where they lie in the file, which
    grows by them; on other devices the file runs as before.

    \b
    edgeq pack kws-int8.eqm kws-float32.eqm -o kws.eqm
    edgeq pack kws.eqm --isa neon,neon_dotprod -o kws-pi.eqm
    """
    from edgeq_host.errors import UsageError
    from edgeq_host.export import join, pack, prepack, read_file, unpack, write_file
    from edgeq_host.export.prepack import names
    from edgeq_host.inspect import text

    isas = [name for text in isa_lists for name in shared.names(text)]
    if isa_lists and not isas:
        raise UsageError(f"--isa {isa_lists[0]!r} names no instruction set", "for example --isa neon,neon_dotprod")
    if isas and no_isa:
        raise UsageError("--isa and --no-isa exclude each other", "give one of them")
    if len(files) < 2 and not (isas or no_isa):
        hint = "edgeq pack A.eqm B.eqm -o C.eqm, or --isa NAME to store weights as an instruction set wants them"
        raise UsageError(f"pack joins two or more files; there is only {files[0]}", hint)
    shared.guard_outputs([target], files, ".eqm")
    contents = [read_file(file) for file in files]
    model = join([unpack(data, str(file)) for data, file in zip(contents, files, strict=True)], [str(f) for f in files])
    data = prepack(model, isas) if isas or no_isa else pack(model)
    unpack(data, str(target))
    write_file(target, data)
    variants, packed_for = [text(v.name) for v in model.variants], names(model)
    if as_json:
        found = {"variants": [{"name": n} for n in variants], "packed_for": packed_for}
        output.document("edgeq.pack/1", file=str(target), bytes=len(data), **found)
    else:
        parts = " + ".join(str(len(c)) for c in contents)
        stored = f", weights also packed for {', '.join(packed_for)}" if packed_for else ""
        output.line(f"{target}: {len(data)} bytes (the files: {parts}), variants {', '.join(variants)}{stored}")
