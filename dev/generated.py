"""Files that are written from the code: schema.sql, pages of docs/reference, dashboards, the frame of DXF files."""

import tempfile
from pathlib import Path

from dev import dashboards, reference, schema, skeleton
from dev.children import Children, wait_until
from dev.ports import free_ports
from dev.postgres import Postgres, create_database
from shared.migrate import migrate


def write_generated() -> None:
    """Write them all anew, on a Postgres made for the purpose (some two seconds)."""
    reference.write_pages()
    skeleton.write_skeleton()
    dashboards.write_dashboards()
    with tempfile.TemporaryDirectory(prefix="tovector-") as folder, Children(Path(folder) / "log") as children:
        (port,) = free_ports(1)
        postgres = Postgres(Path(folder) / "data", port, durable=False)
        postgres.create()
        wait_until(postgres.answers, children.start(postgres.program()))
        create_database(postgres.url(), "tovector")
        migrate(postgres.url("tovector"))
        schema.PATH.write_text(schema.dump_schema(postgres.url("tovector")), "utf-8")
