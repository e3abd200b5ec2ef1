"""Files, records, text and the Hub's client: what every room above reads and writes with."""
