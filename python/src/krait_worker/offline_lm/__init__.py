"""The offline LM: an OpenAI-compatible HTTP server with no model inside.

It reads the fields DSPy asks for out of the messages and answers each by extraction and simple
rules from the inputs: the same request has the same answer, but for an option that nothing decides
and that is asked with a temperature. Where the messages show demos with labels, it answers with the
label of the nearest; where the instructions have rules in its own form, it heeds them, and asked to
reflect on answers it writes such rules: all that it can learn. For the demo and for tests, and
called the offline LM wherever its answers appear.
"""

MODEL = "offline"
