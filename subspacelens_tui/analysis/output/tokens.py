"""The metrics of tokens: the tables of `print_result`, their parts beside the image means, and JSON."""

from typing import Any

from rich.text import Text

from subspacelens_tui.analysis.output.console import PlainTable, console, number, print_json
from subspacelens_tui.analysis.output.results import print_result, result_json
from subspacelens_tui.analysis.token_results import TokenLayerResult, TokenResult
from subspacelens_tui.sessions import Session
from subspacelens_tui.sessions.sanitise import plain

_PARTS = "layer|within share|within R|within erank|between R|between erank|means R|means ΔR|means excess|p"


def print_tokens(session: Session, found: TokenResult, as_json: bool) -> None:
    """Print the metrics of the tokens of every layer on stdout."""
    if as_json:
        print_json(_json(session, found))
        return
    out = console()
    images, T = found.result.images, found.tokens
    out.print(Text(f"{images * T} tokens, {T} of each image; permutations and errors keep them together"))
    print_result(session, found.result, as_json=False)
    if found.layers:
        out.print(Text("\nthe tokens' second moment within and between images, and the image means"))
        out.print(PlainTable(_PARTS.split("|"), [_row(layer) for layer in found.layers]))
        for reason in dict.fromkeys(why for layer in found.layers for why in layer.parts.missing.values()):
            out.print(Text(plain(reason)))


def _row(layer: TokenLayerResult) -> list[str]:
    within, between, means = layer.parts.within, layer.parts.between, layer.image_means
    null = means.nulls.get("delta_R")
    of_parts = [within.share, within.R, within.effective_rank, between.R, between.effective_rank]
    of_means = [
        means.values.get("R"),
        means.values.get("delta_R"),
        null.excess if null else None,
        null.p if null else None,
    ]
    return [str(layer.result.number), *(number(metric) for metric in of_parts + of_means)]


def _json(session: Session, found: TokenResult) -> dict[str, Any]:
    whole = result_json(session, found.result)
    whole["layers"] = [
        record | layer.to_json() for record, layer in zip(whole["layers"], found.layers, strict=True)
    ]
    return {"of": "tokens", "tokens": found.tokens, **whole}
