"""Tables on paper: one description of a document, written as CSV, XLSX or PDF. Knows no database."""
