"""Published families on the Hub: pinned to a commit, in the cache, and gated."""

from __future__ import annotations

from pathlib import Path

from hub_server import HubServer, hub_environment, run_client
from published_folders import CONCH_TOKENIZER, write_conch, write_keep, write_musk


def test_families_are_fetched_pinned_and_found_again(tmp_path: Path) -> None:
    """The real client against a hub: CONCH's tokenizer is elsewhere, as in the published repository."""
    script = """
    from medimeta_c.errors import ModelError
    from medimeta_c.models import load_model
    specs = [f"conch:test/conch+tokenizer={arguments[0]}", "keep:test/keep", "musk:test/musk@main"]
    first = [load_model(spec).identity for spec in specs]
    said = []
    for spec in ("conch:test/conch", "keep:test/keep@v9", "musk:test/keep", "keep:test/gated"):
        try:
            load_model(spec)
        except ModelError as error:
            said.append(str(error))
    from huggingface_hub import constants
    constants.HF_HUB_OFFLINE = True
    again = [load_model(spec).identity for spec in specs]
    report([[one.revision for one in first], first == again, said])
    """
    folders = {}
    for family, write in (("conch", write_conch), ("keep", write_keep), ("musk", write_musk)):
        (tmp_path / family).mkdir()
        folders[family] = write(tmp_path / family)
    tokenizer = (folders["conch"] / CONCH_TOKENIZER).rename(tmp_path / CONCH_TOKENIZER)
    with HubServer() as hub:
        repos = [hub.store.add_repo("model", f"test/{family}", one) for family, one in folders.items()]
        hub.store.add_repo("model", "test/gated", folders["keep"], gated=True)
        environment = hub_environment(hub, tmp_path, token=None)
        revisions, same, said = run_client(script, environment, tokenizer)
        assert revisions == [head for repo in repos for head in repo.refs.values()]
    assert same
    assert "no tokenizer" in said[0]
    assert "conch:test/conch+tokenizer=FILE" in said[0]
    assert "no revision 'v9'" in said[1]
    assert "no tokenizer" in said[2]
    assert said[3].startswith("test/gated is gated: accept its terms at https://huggingface.co/test/gated")
