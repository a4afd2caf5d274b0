"""`main.py convert IN -o OUT --to FORMAT`: the generator of a checkpoint in another format."""

from __future__ import annotations

import argparse
from pathlib import Path

from explorer.checkpoints.conversion_formats import FORMATS, SUFFIXES, OnnxOptions, format_of
from explorer.commands.outputs import check_output
from explorer.commands.progress import StageLine
from explorer.errors import UsageError
from explorer.util import console
from explorer.util.program_name import program_name

__all__ = ["add_arguments", "run"]

_FORMATS = """\
formats of --to:
  latentwalk  .safetensors with all settings; what this program opens best
  nvidia      .safetensors, .pt or .pth: StyleGAN2 and StyleGAN3, tensors under the names of stylegan2-ada-pytorch
              and stylegan3, as their state_dict(); settings are not stored, those that a reader must be told are
              printed
  rosinality  .pt or .pth: StyleGAN2 with skip connections, as stylegan2-pytorch's g_ema and latent_avg
  onnx        .onnx: StyleGAN, StyleGAN2, StyleGAN3 and MobileStyleGAN; mapping and synthesis in one file that ONNX
              Runtime runs on the CPU, for batches of any size N (needs pip install 'latentwalk[onnx]')

inputs of an ONNX file, all float32:
  z           [N, z_dim] latents, or ws [N, num_ws, w_dim] with --input ws
  psi         [] truncation towards the mean of w; 1 is none
  c           [N, classes] weights of the classes, if the network has classes and takes z
  transform   [3, 3] motion of a StyleGAN3's picture: x right, y down, in image widths; the identity is none
  noise.NAME  [N, 1, H, W] noise of each layer, standard normal, with --noise input
its output is picture, [N, channels, H, W], nominally in -1..1.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare source, target, format, the precision of the stored weights and the inputs of ONNX."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _FORMATS
    parser.add_argument("source", metavar="IN", help="a checkpoint that `inspect` understands")
    parser.add_argument("target", metavar="OUT", nargs="?", help="the file to write; replaced if it exists")
    parser.add_argument("-o", "--output", metavar="OUT", help="the same")
    parser.add_argument(
        "--to", choices=FORMATS, help="format of OUT (default: latentwalk for .safetensors, onnx for .onnx)"
    )
    parser.add_argument(
        "--store",
        choices=("float32", "float16"),
        default="float32",
        help="precision of the weights (default: float32); float16 for latentwalk and nvidia",
    )
    parser.add_argument("--input", choices=("z", "ws"), help="latents that an ONNX file takes (default: z)")
    parser.add_argument(
        "--noise",
        choices=("const", "input"),
        help="noise of an ONNX file: stored inside, or an input for each layer (default: const)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Convert the file and print the path of the result."""
    written = _target(arguments)
    target = Path(written)
    suffix = target.suffix.lower()
    known = SUFFIXES[arguments.to] if arguments.to else tuple(s for ends in SUFFIXES.values() for s in ends)
    check_output("OUT", target, suffix if suffix in known else known[0])
    name = format_of(target, arguments.to)
    if name != "onnx" and (arguments.input or arguments.noise):
        raise UsageError("--input and --noise are for ONNX files.", "Leave them out, or add --to onnx.")

    from explorer.checkpoints import convert, resolve_model

    options = OnnxOptions(arguments.input or "z", arguments.noise or "const")
    steps = StageLine()
    try:
        convert(
            resolve_model(arguments.source), target, to=name, dtype=arguments.store, onnx=options,
            on_report=steps if name == "onnx" else None,  # the others take a moment
        )  # fmt: skip
    finally:
        steps.clear()
    console.out_path(written)
    return 0


def _target(arguments: argparse.Namespace) -> str:
    names = [name for name in (arguments.target, arguments.output) if name is not None]
    if len(names) != 1:
        raise UsageError(
            "Name the file to write, once.", f"For example: {program_name()} convert IN -o OUT.safetensors"
        )
    return str(names[0])
