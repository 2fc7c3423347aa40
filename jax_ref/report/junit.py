"""JUnit XML: one test suite per ``Results``, one test case per case of the catalogue."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

from .records import COLUMNS, FAILED, columns, headline, text, title

_FORBIDDEN = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML
_ELEMENTS = {**dict.fromkeys(FAILED, "failure"), "error": "error", "crashed": "error"}
_TOTALS = {"tests": "tests", "failure": "failures", "error": "errors", "skipped": "skipped"}


def write(results, path):
    """Write the XML of these ``Results``; what is missing, blocked or expected counts as skipped."""
    root, totals = ET.Element("testsuites"), Counter()
    for result in results:
        names = {"name": _clean(result.title), "timestamp": _clean(result.header["when"])}
        suite, counts = ET.SubElement(root, "testsuite", names), Counter()
        properties = ET.SubElement(suite, "properties")
        asked = {name: result.header[name] for name in ("engine", "device", "precision", "order", "seed")}
        compared = {mode: "compared" if mode in columns(result.header) else "—" for mode in COLUMNS}
        for name, value in (asked | compared | result.header["versions"]).items():
            ET.SubElement(properties, "property", name=_clean(name), value=_clean(str(value)))
        for record in result.records:
            counts.update({"tests": 1, "time": record["seconds"]})
            names = {"classname": _clean(record["unit"][0]), "name": _clean(title(record))}
            case = ET.SubElement(suite, "testcase", names, time=f"{record['seconds']:.3f}")
            if record["status"] != "right":
                kind = _ELEMENTS.get(record["status"], "skipped")
                counts[kind] += 1
                body = ET.SubElement(case, kind, type=record["status"], message=_clean(headline(record)))
                body.text = _clean(f"{text(record)}\nrerun: {record['rerun']}")
        _total(suite, counts)
        totals += counts
    _total(root, totals)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _total(element, counts):
    element.set("time", f"{counts['time']:.3f}")
    for kind, name in _TOTALS.items():
        element.set(name, str(counts[kind]))


def _clean(words):
    """Without the characters that XML forbids."""
    return _FORBIDDEN.sub("�", words)
