"""LM settings: checked, laid over each other and turned into `dspy.LM` objects.

A key is never among them. It comes from the environment, from the variable `key_env` names or from
the provider's own.
"""

import os
from typing import Any

import dspy
import msgspec

from krait_worker.adapters.base import nearest
from krait_worker.adapters.dspy import supported
from krait_worker.adapters.dspy.recently_used import RecentlyUsed
from krait_worker.faults import InvalidInput

_MOST_LMS = 64
_KINDS: dict[str, tuple[type, ...]] = {
    "model": (str,),
    "api_base": (str,),
    "model_type": (str,),
    "temperature": (int, float),
    "max_tokens": (int,),
    "num_retries": (int,),
    "timeout": (int, float),
    "cache": (bool,),
    "key_env": (str,),
    "gateway": (bool,),
}
#: What the host decides where it makes the requests.
_HOSTS = ("api_base", "key_env", "num_retries", "timeout", "gateway", "model_type")
_MODEL_TYPES = ("chat", "text", "responses")
#: Where DSPy looks for a provider's key; only those that cannot work without one.
_KEY_VARIABLES = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "groq": ("GROQ_API_KEY",),
    "mistral": ("MISTRAL_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY",),
}
#: Sent to an endpoint of one's own where there is no key: many insist on some text.
_NO_KEY = "none"

_canonical = msgspec.json.Encoder(order="sorted").encode


def checked(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings, nulls left out; raises `InvalidInput` naming the one that does not fit."""
    for name, value in settings.items():
        kinds = _KINDS.get(name)
        if name in ("api_key", "key", "headers"):
            raise InvalidInput(
                f"lm.{name}: a key is never a setting; put it into an environment variable of the "
                "daemon and name that by key_env"
            )
        if kinds is None:
            raise InvalidInput(f"unknown LM setting {name!r:.60}{nearest(name, list(_KINDS))}")
        if value is None:
            continue
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            wanted = " or ".join(kind.__name__ for kind in kinds)
            raise InvalidInput(f"lm.{name} is {wanted}, not {type(value).__name__}")
        if isinstance(value, (int, float)) and value < 0:
            raise InvalidInput(f"lm.{name} is not negative")
    kind = settings.get("model_type")
    if kind is not None and kind not in _MODEL_TYPES:
        raise InvalidInput(f"lm.model_type is one of {', '.join(_MODEL_TYPES)}, not {kind!r:.40}")
    model = settings.get("model")
    if model is not None and (not model or model.endswith("/")):
        raise InvalidInput(f"lm: model {model!r:.80} has no name of a model after its provider")
    return {name: value for name, value in settings.items() if value is not None}


class LanguageModels:
    """The pool's LM and those that calls ask for, kept by their settings."""

    def __init__(self, settings: dict[str, Any], cache: bool) -> None:
        self._pool = checked(settings)
        if self.asks_host and not supported.ENGINES:
            raise InvalidInput(
                f"lm.gateway: the LMs of DSPy {dspy.__version__} cannot ask the host; use DSPy 3.4 "
                "or newer, or gateway: false"
            )
        self._cache = cache
        self._made: RecentlyUsed[dspy.LM] = RecentlyUsed(_MOST_LMS)

    @property
    def asks_host(self) -> bool:
        """Whether the host makes the requests."""
        return bool(self._pool.get("gateway"))

    @property
    def timeout(self) -> float:
        """How many seconds a request may take."""
        return float(self._pool.get("timeout", 600))

    def endpoint(self, model: str) -> tuple[str | None, str | None]:
        """Where the pool's requests go, and the key they take; raises `InvalidInput`."""
        settings = {**self._pool, "model": model}
        key = _key(settings, foreign=False)
        if key is None:
            provider = model.partition("/")[0] if "/" in model else "openai"
            named = (os.environ.get(name) for name in _KEY_VARIABLES.get(provider, ()))
            key = next((one for one in named if one), None)
        return settings.get("api_base"), key

    def find(self, overrides: dict[str, Any] | None) -> dspy.LM:
        """The LM of a call: the pool's settings with the call's laid over; `InvalidInput`."""
        over = checked(overrides) if overrides else {}
        if "gateway" in over or (self.asks_host and any(name in over for name in _HOSTS)):
            name = next(name for name in ("gateway", *_HOSTS) if name in over)
            raise InvalidInput(f"lm.{name} is the pool's: a call cannot lay its own over it")
        settings = {"cache": self._cache, **self._pool, **over}
        if "model" not in settings:
            raise InvalidInput(
                "no LM is configured: give the pool one (lm: {model: openai/gpt-4o-mini}) or this "
                "call (options.lm.model)"
            )
        if self.asks_host:
            return self._made.get(_canonical(settings), lambda: _gateway_lm(settings))
        # A key goes to no endpoint but the one it was meant for: a call that names an endpoint of
        # its own gets no key by default.
        foreign = "api_base" in over and over["api_base"] != self._pool.get("api_base")
        if foreign and "key_env" not in over:
            settings.pop("key_env", None)
        key = _key(settings, foreign)
        return self._made.get(_canonical([settings, foreign]), lambda: _lm(settings, key))


def _key(settings: dict[str, Any], foreign: bool) -> str | None:
    """The key to use; None leaves it to DSPy. Raises `InvalidInput` where there must be one."""
    name = settings.get("key_env")
    if name is not None:
        if key := os.environ.get(name):
            return key
        raise InvalidInput(f"the environment variable {name} (lm.key_env) is not set")
    provider = settings["model"].partition("/")[0] if "/" in settings["model"] else "openai"
    variables = _KEY_VARIABLES.get(provider, ())
    if foreign:
        return _NO_KEY
    if any(os.environ.get(variable) for variable in variables):
        return None
    if "api_base" in settings:
        return _NO_KEY
    if variables:
        raise InvalidInput(
            f"no key for {provider}: set {' or '.join(variables)} in the daemon's environment, or "
            "name the variable that holds it by lm.key_env"
        )
    return None


def _gateway_lm(settings: dict[str, Any]) -> dspy.LM:
    from krait_worker.adapters.dspy.gateway import GatewayLM

    arguments = {name: value for name, value in settings.items() if name not in _HOSTS}
    try:
        return GatewayLM(**arguments)
    except (ValueError, TypeError, dspy.LMError) as error:
        raise InvalidInput(f"lm: {error}") from error


def _lm(settings: dict[str, Any], key: str | None) -> dspy.LM:
    arguments = {n: value for n, value in settings.items() if n not in ("key_env", "gateway")}
    if key is not None:
        arguments["api_key"] = key
    try:
        return dspy.LM(**arguments)
    except (ValueError, TypeError, dspy.LMError) as error:
        raise InvalidInput(f"lm: {error}") from error
