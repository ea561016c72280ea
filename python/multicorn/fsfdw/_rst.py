"""ReStructuredTextFdw: documents, with their titles and fields as columns."""

from collections.abc import Mapping
from typing import Any, Final

from multicorn._columns import Columns
from multicorn._exceptions import MulticornException
from multicorn.fsfdw._reader import FileReader
from multicorn.fsfdw._walk import Found

# A document may come from anybody: it must not include the server's files, or
# read docutils' configuration from the current directory.
_SETTINGS: Final[Mapping[str, Any]] = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "report_level": 5,
    "halt_level": 5,
    "input_encoding": "unicode",
    "doctitle_xform": True,
    "docinfo_xform": True,
}


class ReStructuredTextFdw(FileReader):
    """Documents in reStructuredText: one row a file, read-only.

    The options are those of FilesystemFdw without `file_mode`. Any further
    column is filled from the document: `title`, `subtitle`, and the fields of
    its head by their names in lower case, with `_` for blanks and hyphens
    (`author`, `date`, `version`, ...). Several authors are separated by `; `.
    A column whose field is missing is NULL.
    """

    def __init__(self, fdw_options: Mapping[str, str], fdw_columns: Columns) -> None:
        super().__init__(fdw_options, fdw_columns)
        of_file = super()._knows
        self._meta = frozenset(name for name in fdw_columns if not of_file(name))

    def _knows(self, column: str) -> bool:
        del column
        return True

    def _row(self, found: Found, columns: set[str]) -> dict[str, Any] | None:
        row = super()._row(found, columns)
        needed = self._meta & columns
        if row is None or not needed:
            return row
        data = self._read(found.path)
        if data is None:
            return None
        meta = document_fields(self._text(found.path, data), found.path)
        row.update((name, meta.get(name)) for name in needed)
        return row


def document_fields(source: str, path: str) -> dict[str, str]:
    """Return the title and the fields of a document's head."""
    core, nodes = _docutils()
    document = core.publish_doctree(
        source, source_path=path, settings_overrides=dict(_SETTINGS)
    )
    fields: dict[str, str] = {}
    for node in document.children:
        if isinstance(node, nodes.title):
            fields["title"] = node.astext()
        elif isinstance(node, nodes.subtitle):
            fields["subtitle"] = node.astext()
        elif isinstance(node, nodes.docinfo):
            for item in node.children:
                name, text = _field(item, nodes)
                fields.setdefault(name, text)
    return fields


def _field(item: Any, nodes: Any) -> tuple[str, str]:
    """Return name and text of one entry of a document's head."""
    if isinstance(item, nodes.field):
        name, body = item.children
        return _column_name(name.astext()), body.astext()
    if isinstance(item, nodes.authors):
        return "authors", "; ".join(author.astext() for author in item.children)
    return _column_name(item.tagname), item.astext()


def _column_name(field: str) -> str:
    return field.strip().lower().replace("-", "_").replace(" ", "_")


def _docutils() -> tuple[Any, Any]:
    try:
        from docutils import core, nodes
    except ModuleNotFoundError:
        raise MulticornException(
            "ReStructuredTextFdw needs the Python package docutils,"
            " which is not installed",
            hint="Install it for the server's Python: pip install docutils",
        ) from None
    return core, nodes
