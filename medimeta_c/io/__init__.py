"""Input and output for all other rooms: files, records, text and the Hub's client."""
