"""What a sweep found, as records in a file of JSON lines; and from these a page, JUnit XML and Markdown."""
