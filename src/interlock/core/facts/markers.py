"""The explicit marks that tools leave in commits: exact addresses and exact forms, never names.

Rules:
1. An address is a tool's only when it is one of these, whole. A forge's no-reply address is compared without
   the account number in front of it. People named like a tool, people at a tool maker's domain and other bots
   (dependency updates, code quality) match nothing.
2. A name alone is a mark only in the forms that tools write and people do not: `` (aider)`` at the end of an
   author's name, a model or tool named in ``Assisted-by``, and a line that is a robot's face, ``Generated with``
   and a link, whatever tool it links to.
3. Each entry was seen in public history or in the tool's own documentation; all are listed in
   docs/how-to/document-a-change.md.
"""

from __future__ import annotations

import re

TOOLS_BY_ADDRESS = {
    "noreply@anthropic.com": "claude-code",
    "copilot@github.com": "github-copilot",
    "copilot@users.noreply.github.com": "github-copilot",
    "copilot-swe-agent[bot]@users.noreply.github.com": "github-copilot",
    "cursoragent@cursor.com": "cursor",
    "cursor[bot]@users.noreply.github.com": "cursor",
    "aider@aider.chat": "aider",
    "noreply@aider.chat": "aider",
    "noreply@aider.dev": "aider",
    "devin-ai-integration[bot]@users.noreply.github.com": "devin",
    "google-labs-jules[bot]@users.noreply.github.com": "jules",
    "noreply@openai.com": "codex",
    "codex@openai.com": "codex",
    "chatgpt-codex-connector[bot]@users.noreply.github.com": "codex",
    "gemini-code-assist[bot]@users.noreply.github.com": "gemini-code-assist",
    "factory-droid[bot]@users.noreply.github.com": "factory-droid",
    "openhands@all-hands.dev": "openhands",
    "opendevin@all-hands.dev": "openhands",
    "amp@ampcode.com": "amp",
    "noreply@opencode.ai": "opencode",
    "roomote@roocode.com": "roo-code",
    "microsoft-amplifier@users.noreply.github.com": "amplifier",
    "claude[bot]@users.noreply.github.com": "claude-code",
    "claude-code[bot]@users.noreply.github.com": "claude-code",
    "anthropic-code-agent[bot]@users.noreply.github.com": "claude-code",
    "kiro-agent@users.noreply.github.com": "kiro",
    "kiloconnect[bot]@users.noreply.github.com": "kilo-code",
    "codeflash-ai[bot]@users.noreply.github.com": "codeflash",
    "qwen-coder@alibabacloud.com": "qwen-code",
    "clio-agent@sisyphuslabs.ai": "sisyphus",
}
TOOLS_BY_LOGIN = {
    "copilot-swe-agent[bot]": "github-copilot",
    "devin-ai-integration[bot]": "devin",
    "google-labs-jules[bot]": "jules",
    "cursor[bot]": "cursor",
    "chatgpt-codex-connector[bot]": "codex",
    "gemini-code-assist[bot]": "gemini-code-assist",
    "factory-droid[bot]": "factory-droid",
    "claude[bot]": "claude-code",
    "claude-code[bot]": "claude-code",
    "anthropic-code-agent[bot]": "claude-code",
    "kiloconnect[bot]": "kilo-code",
    "codeflash-ai[bot]": "codeflash",
}
"""Names with ``[bot]`` are given out by the forge alone, so here the whole name is as good as an address."""

_ACCOUNT = re.compile(r"\d+\+")
_GENERATED = re.compile(
    r"(?:\W{0,8}\s)?Generated (?:with|by) \[?"
    r"(?P<tool>Claude Code|opencode|Amp|Crush|Cursor|Codex|Gemini CLI|GitHub Copilot|Firebender|Windsurf|Devin"
    r"|Amplifier)\b",
    re.IGNORECASE,
)
_SIGNED = re.compile(
    r"\U0001F916 {0,2}Generated (?:with|by) \[(?P<tool>[^\[\]\n]{1,60})\]\(https?://[^\s()]{1,200}\)\W{0,3}",
    re.IGNORECASE,
)
_AGENT_MODEL = re.compile(
    r"(?P<agent>[A-Za-z][\w.\-]{0,63}):(?P<model>[\w.\-/]{1,127})(?:\s+(?:\[[^\]\n]{1,64}\]|[\w.\-]{1,64})){0,8}"
)
_NAMED_MODEL = re.compile(
    r"\b(?:AI|LLM|(?:Chat)?GPT[- ]?\d[\w.]*|ChatGPT|(?:GitHub )?Copilot|(?:OpenAI )?Codex|Claude Code"
    r"|Claude (?:Opus|Sonnet|Haiku|Fable|\d)[\w. ]*|Gemini (?:CLI|Pro|Flash|\d)[\w. ]*|Aider|Cursor Agent)\b"
    r"|^(?:claude-code|gemini-cli|github-copilot|codex-cli|qwen-code|cursor-agent)$"
)


def tool_of_address(address: str) -> str | None:
    """The tool whose own address this is."""
    bare = address.strip().lower()
    if bare.endswith("@users.noreply.github.com"):
        bare = _ACCOUNT.sub("", bare, count=1) if _ACCOUNT.match(bare) else bare
    return TOOLS_BY_ADDRESS.get(bare)


def tool_of_login(name: str) -> str | None:
    """The tool whose account on the forge is called so, with its ``[bot]``."""
    return TOOLS_BY_LOGIN.get(name.strip().lower())


def is_aider_name(name: str) -> bool:
    """Whether aider marked the author's name as its own work."""
    return name.rstrip().endswith(" (aider)")


def tool_of_line(line: str) -> str | None:
    """The tool of a ``Generated with [TOOL]`` line; the line must begin with it, so that a quotation does not."""
    match = _GENERATED.match(line) or _SIGNED.fullmatch(line)
    return match["tool"].lower().replace(" ", "-") if match else None


def tool_of_assistance(text: str) -> str | None:
    """The tool of an ``Assisted-by`` or ``Generated-by`` trailer, None where it names a person."""
    bare, _, rest = text.strip().partition("<")
    if rest:
        address = rest.partition(">")[0].strip().lower()
        # Nobody reads mail at ``noreply@…``: what stands before it is a product. A forge's address is a person's.
        product = bare.strip().lower() if address.startswith(("noreply@", "no-reply@")) else None
        return tool_of_address(address) or product or None
    form = _AGENT_MODEL.fullmatch(bare)
    if form:
        return form["agent"].lower()
    named = _NAMED_MODEL.search(bare)
    return " ".join(named.group().lower().split()) if named else None
