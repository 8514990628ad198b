"""``interlock report deployments --html``: one page without scripts, links or anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from interlock.doors.cli.screens.deployments import QUESTIONS, SIGNS, screen
from interlock.doors.cli.text import safe

Told = dict[str, Any]
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Past deployments</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>body{font:15px/1.5 system-ui,sans-serif;max-width:75em;margin:2em auto;padding:0 1em}
table{border-collapse:collapse;width:100%}td,th{border:1px solid #bbb;padding:.4em .6em;text-align:left;
vertical-align:top}.yes{background:#e3f5e3}.no{background:#fbe3e1}.unknown{background:#fdf3d3}
small{color:#555}pre{white-space:pre-wrap}</style></head><body>
"""


def page(found: Told) -> str:
    """The whole page; everything from outside is escaped."""
    return "".join([_HEAD, *_body(found), "</body></html>\n"])


def _body(found: Told) -> Iterator[str]:
    words = "".join(f"<th>{escape(word)}</th>" for _, word in QUESTIONS)
    yield f"<h1>Past deployments</h1><table><tr><th>what</th><th>when</th>{words}</tr>"
    for one in found["items"]:
        also = ", ".join([*one["also"], *one["by"], one["commit"][:12]])
        yield f"<tr><td>{_text(one['name'])}<br><small>{_text(also)}<br>{_text(one['title'])}</small></td>"
        yield f"<td>{escape(one['at'][:10])}</td>"
        yield "".join(_cell(one["answers"][key]) for key, _ in QUESTIONS)
        yield "</tr>"
    yield f"</table><h2>As the terminal tells it</h2><pre>{escape(chr(10).join(screen(found, wide=100)))}</pre>"


def _cell(answer: Told) -> str:
    places = "<br>".join(_text(each) for each in answer["places"])
    told = f"{SIGNS[answer['said']]} {answer['said']}<br>{_text(answer['why'])}<br><small>{places}</small>"
    return f'<td class="{escape(answer["said"])}">{told}</td>'


def _text(text: str) -> str:
    return escape(safe(text))
