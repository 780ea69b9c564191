import Krait

func desk() -> Orchestrator {
    Orchestrator(name: "desk") {
        NativeModules(LM("openai/gpt-4o-mini"))
        PythonPool("general", adapter: .dspy(model: "openai/gpt-4o-mini"), workers: 2)
    }
}
