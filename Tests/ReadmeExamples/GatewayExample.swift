import Krait

/// A pool whose workers have neither a key nor a connection: their host asks the model.
let hosted = PythonPool(
    "general",
    adapter: .dspy(model: "openai/gpt-4o-mini", settings: ["gateway": true, "cache": true])
)
