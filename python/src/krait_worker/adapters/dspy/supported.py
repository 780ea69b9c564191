"""What the installed DSPy has, where the versions that Krait runs on differ.

Each is found by looking for the thing itself, never by a version's number. *DSPy versions* in the
handbook says which version has what.
"""

from importlib.util import find_spec

#: LMs whose requests somebody else makes, which is how those of a pool go by way of the gateway.
ENGINES = find_spec("dspy.lm15") is not None
#: An interpreter that needs no Deno.
LOCAL_INTERPRETER = find_spec("dspy.primitives.local_interpreter") is not None
