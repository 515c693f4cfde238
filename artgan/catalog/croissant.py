"""The published tables as a Croissant document, for tools that load data sets for learning.

Made of the Data Package, so nothing is described twice.

References:
    Croissant 1.0, http://mlcommons.org/croissant/1.0
"""

from artgan.catalog.table_schema import Descriptor, meaning

_TYPES = {
    "array": "sc:Text",
    "boolean": "sc:Boolean",
    "datetime": "sc:Date",
    "integer": "sc:Integer",
    "number": "sc:Float",
    "string": "sc:Text",
}


def _own(name: str) -> str:
    return f"cr:{name}"


# Tools compare it with the one of the specification, and warn of any that lacks a term.
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": _own("data"), "@type": "@json"},
    "dataType": {"@id": _own("dataType"), "@type": "@vocab"},
    "examples": {"@id": _own("examples"), "@type": "@json"},
} | {
    term: _own(term)
    for term in (
        *("citeAs", "column", "equivalentProperty", "extract", "field", "fileObject"),
        *("fileProperty", "fileSet"),
        *("format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path"),
        *("recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator"),
        *("source", "subField", "transform"),
    )
}


def croissant(package: Descriptor) -> Descriptor:
    """Return the tables of a Data Package as a Croissant document.

    Licence, citation and date are left out: rights differ from scan to scan (``scans.rights``).
    """
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": package["name"],
        "description": f"{package['title']}. {package['description']}",
        "distribution": [_file(table) for table in package["resources"]],
        "recordSet": [_records(table) for table in package["resources"]],
    }


def _file(table: Descriptor) -> Descriptor:
    return {
        "@type": "cr:FileObject",
        "@id": table["path"],
        "name": table["name"],
        "contentUrl": table["path"],
        "encodingFormat": "application/x-parquet",
        "sha256": table["hash"].removeprefix("sha256:"),
    }


def _records(table: Descriptor) -> Descriptor:
    name = table["name"]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": table["description"],
        "key": [{"@id": f"{name}/{key}"} for key in table["schema"]["primaryKey"]],
        "field": [_field(table, field) for field in table["schema"]["fields"]],
    }


def _field(table: Descriptor, field: Descriptor) -> Descriptor:
    described = {
        "@type": "cr:Field",
        "@id": f"{table['name']}/{field['name']}",
        "name": field["name"],
        "description": meaning(field),
        "dataType": _TYPES.get(field["type"], "sc:Text"),
        "source": {"fileObject": {"@id": table["path"]}, "extract": {"column": field["name"]}},
    }
    return described | ({"repeated": True} if field["type"] == "array" else {})
