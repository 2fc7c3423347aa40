"""JUnit XML: one test suite per engine, one test case per case of the catalogue."""

import xml.etree.ElementTree as ET
from pathlib import Path

from .records import FAILED, text, title

_ELEMENTS = {**dict.fromkeys(FAILED, "failure"), "error": "error", "crashed": "error"}


def write(results, path):
    """Write the XML of these ``Results``; what is missing, blocked or expected counts as skipped."""
    root = ET.Element("testsuites")
    for result in results:
        suite = ET.SubElement(root, "testsuite", name=result.engine, timestamp=result.header["when"])
        properties = ET.SubElement(suite, "properties")
        for name in ("device", "precision", "order", "seed"):
            ET.SubElement(properties, "property", name=name, value=str(result.header[name]))
        for name, version in result.header["versions"].items():
            ET.SubElement(properties, "property", name=name, value=version)
        counts = {"tests": 0, "failure": 0, "error": 0, "skipped": 0}
        for record in result.records:
            counts["tests"] += 1
            seconds = f"{record['seconds']:.3f}"
            case = ET.SubElement(
                suite, "testcase", classname=record["unit"][0], name=_clean(title(record)), time=seconds
            )
            if record["status"] != "right":
                kind = _ELEMENTS.get(record["status"], "skipped")
                counts[kind] += 1
                body = ET.SubElement(case, kind, message=_clean(f"{record['status']}: {text(record)}".splitlines()[0]))
                body.text = _clean(f"{text(record)}\nrerun: {record['rerun']}")
        names = {"tests": "tests", "failure": "failures", "error": "errors", "skipped": "skipped"}
        for kind, count in counts.items():
            suite.set(names[kind], str(count))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _clean(words):
    """Without the control characters that XML forbids."""
    return "".join(c if c in "\n\t" or c >= " " else "�" for c in words)
