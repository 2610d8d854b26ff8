"""The frame of every DXF file: header, tables, blocks and objects as ezdxf writes them, with places for ours.

The engine fills it in (`workers/engine/formats/dxf.py`) and so needs no ezdxf itself: docs/decisions/0030 tells why.
`make fix` writes the frame anew; a test holds it.
"""

import io
import os
import re
import tempfile

from dev.home import CHECKOUT

PATH = CHECKOUT / "workers" / "engine" / "formats" / "skeleton.dxf"
VERSION = "R2004"
"""AutoCAD 2004 (AC1018), the oldest DXF with true colors."""
RECORD = r"(?:(?!  0\n).*\n)*"


def skeleton() -> str:
    """The text, with `@name@` wherever one drawing differs from another."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("XDG_CACHE_HOME", folder)  # ezdxf keeps a list of the machine's fonts when it is imported
        from ezdxf import units
        from ezdxf._options import options
        from ezdxf.filemanagement import new
    options.write_fixed_meta_data_for_testing = True
    document = new(VERSION, units=units.MM)
    document.header["$MEASUREMENT"] = 1
    document.layers.add("OURS")
    document.modelspace().add_point((0, 0))
    output = io.StringIO()
    document.write(output)
    # ezdxf keeps the classes in a set, so their order differs from run to run.
    text = re.sub(rf"(  0\nCLASS\n{RECORD})+", in_order, output.getvalue())
    text = replaced(r"(\$HANDSEED\n  5\n)\w+", r"\1@next_handle@", text)
    text = replaced(r"(\$EXTMIN\n 10\n)\S+\n 20\n\S+\n 30\n\S+", r"\g<1>0.0\n 20\n0.0\n 30\n0.0", text)
    text = replaced(r"(\$EXTMAX\n 10\n)\S+\n 20\n\S+\n 30\n\S+", r"\1@width@\n 20\n@height@\n 30\n0.0", text)
    text = replaced(r"(\$LIMMAX\n 10\n)\S+\n 20\n\S+", r"\1@width@\n 20\n@height@", text)
    # The layer and the point stand where ours will.
    text = replaced(rf"  0\nLAYER\n(?:(?!  0\n|  2\n).*\n)*  2\nOURS\n{RECORD}", "@layers@", text)
    text = replaced(rf"  0\nPOINT\n{RECORD}", "@entities@", text)
    return replaced(r"(TABLE\n  2\nLAYER\n  5\n1\n330\n0\n100\nAcDbSymbolTable\n 70\n)\d+", r"\1@layer_count@", text)


def in_order(records: "re.Match[str]") -> str:
    """Records one after the other, sorted."""
    return "".join(sorted(re.findall(rf"  0\nCLASS\n{RECORD}", records[0])))


def replaced(pattern: str, by: str, text: str) -> str:
    """The text with its one place of this pattern replaced."""
    changed, count = re.subn(pattern, by, text)
    assert count == 1, f"ezdxf writes {pattern!r} {count} times now"
    return changed


def write_skeleton() -> None:
    """Write it anew."""
    PATH.write_text(skeleton(), "ascii")
