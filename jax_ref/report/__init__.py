"""Reports: what was found, as records in a file of JSON lines; and from these a page, JUnit XML and Markdown.

Read ``result`` (what came of one function), ``words`` (findings told in words) and ``records`` (the file) first.
``groups`` finds what fails by one cause. ``page``, ``junit``, ``markdown`` and ``annotations`` are made of records,
``gpu`` of the measurements of ``scripts/gpu.py``; ``progress`` shows how far a run is.
"""
