"""The steps of DSPy's agents: each tool once, with the question, and then the end."""

import json
import re
from typing import Any

from krait_worker.offline_lm.passages import find, question_of
from krait_worker.offline_lm.prompt import Prompt, asked_inputs, required, text_of

#: How RLM tells of an input: its value is a variable of the interpreter.
_VARIABLE = re.compile(r"Variable: `(\w+)`")


def agent_step(prompt: Prompt) -> dict[str, Any] | None:
    """One step of an agent, of Refine or of code; None where the prompt asks for none."""
    names = [wanted.name for wanted in prompt.outputs]
    if "next_tool_name" in names:
        made = _react(prompt)
    elif "generated_code" in names and "finished" in names:
        made = {"generated_code": _code(prompt), "finished": True}
    elif names[-1] in ("generated_code", "code") and names[:-1] == ["reasoning"]:
        told = "The offline LM computes nothing: its code says what it found."
        made = {"reasoning": told, names[-1]: _answer(prompt)}
    elif names == ["discussion", "advice"]:
        made = _advice(prompt)
    else:
        return None
    return {name: made.get(name, "") for name in names}


def _react(prompt: Prompt) -> dict[str, Any]:
    used = {text for name, text in prompt.inputs.items() if name.startswith("tool_name_")}
    unused = [tool for tool in prompt.tools if tool != "finish" and tool not in used]
    tool = unused[0] if unused else "finish"
    arguments = _arguments(prompt, tool, find(prompt.inputs).question)
    told = "Nothing is left to look up." if tool == "finish" else f"The offline LM asks {tool}."
    return {"next_thought": told, "next_tool_name": tool, "next_tool_args": arguments}


def _advice(prompt: Prompt) -> dict[str, Any]:
    """What Refine tells each module, all the same."""
    try:
        modules = json.loads(prompt.inputs.get("module_names", "[]"))
    except ValueError:
        modules = []
    told = "The offline LM advises to say it in other words."
    return {"discussion": told, "advice": {str(name): told for name in modules}}


def _code(prompt: Prompt) -> str:
    """Python that asks each tool and prints what it says."""
    question = find(prompt.inputs).question
    lines = [
        f"print({tool}({', '.join(f'{k}={v!r}' for k, v in arguments.items())}))"
        for tool in prompt.tools
        for arguments in [_arguments(prompt, tool, question)]
    ]
    return "\n".join(["```python", *(lines or ["print('no tools')"]), "```"])


def _answer(prompt: Prompt) -> str:
    """Python of ProgramOfThought and RLM: it says what it was given, or found in it."""
    if prompt.submits:
        given = next(iter(_VARIABLE.findall("\n".join(prompt.inputs.values()))), "''")
        code = f"SUBMIT({', '.join(f'{name}=str({given})' for name in prompt.submits)})"
    else:
        finding = find(prompt.inputs)
        code = f"print({(finding.best.text if finding.best else finding.question)!r})"
    return f"```python\n{code}\n```"


def _arguments(prompt: Prompt, tool: str, question: str) -> dict[str, Any]:
    return _filled(prompt.tools.get(tool, {}), question)


def _filled(types: dict[str, str], question: str) -> dict[str, Any]:
    others = {"integer": 1, "number": 1.0, "boolean": True, "array": [question], "object": {}}
    return {name: others.get(kind, question) for name, kind in types.items()}


def asked_tools(prompt: Prompt) -> dict[str, Any]:
    """A value of DSPy's type ToolCalls that asks each tool of the prompt."""
    inputs = {name: text for name, text in prompt.inputs.items() if name != "tools"}
    question = inputs.get(question_of(inputs) or "", "")
    calls = [{"name": tool, "args": _arguments(prompt, tool, question)} for tool in prompt.tools]
    return {"tool_calls": calls}


def native_calls(messages: list[dict[str, Any]], tools: Any) -> list[dict[str, Any]]:
    """OpenAI's `tool_calls` for the `tools` of a request; none once a tool has answered."""
    if not isinstance(tools, list) or any(one.get("role") == "tool" for one in messages):
        return []
    asked = [text_of(one) for one in messages if one.get("role") == "user"]
    inputs = asked_inputs(asked)
    question = inputs.get(question_of(inputs) or "", "")
    functions = [tool.get("function", {}) for tool in tools if isinstance(tool, dict)]
    return [
        {
            "id": f"call_{index}",
            "type": "function",
            "function": {
                "name": function.get("name", ""),
                "arguments": json.dumps(
                    _filled(
                        required(function.get("parameters", {}).get("properties", {})), question
                    )
                ),
            },
        }
        for index, function in enumerate(functions)
    ]
