"""The table of readers of outside files: which file, in what container, read by what.

A new reader is one entry of a module here; its file is a seed of `fuzz_corpus`.
"""

from __future__ import annotations

from fuzz_readers import benchmarks, builds, leaderboards, models, pictures, results, sources, texts

READERS = {
    reader.name: reader
    for module in (benchmarks, builds, results, leaderboards, texts, sources, pictures, models)
    for reader in module.READERS
}
"""Every reader, by its name."""
