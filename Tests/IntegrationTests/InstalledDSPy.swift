import KraitTestSupport
import Testing

/// What the DSPy has that the tests run on, asked of Python itself; see *DSPy versions*.
enum InstalledDSPy {
    /// Whether a Python expression about it is true.
    static func has(_ expression: String) async throws -> Bool {
        try await withTemporaryDirectory { folder in
            let program = try Program(
                TestPools.interpreter,
                [
                    "-c",
                    """
                    from importlib.metadata import requires, version
                    from krait_worker.adapters.dspy import supported
                    raise SystemExit(0 if \(expression) else 3)
                    """,
                ],
                environment: TestPools.environment,
                folder: folder
            )
            let code = try await program.end()
            try #require(code == 0 || code == 3, "\(program.errors)")
            return code == 0
        }
    }
}

/// Conditions of the tests that not every supported DSPy can pass, with their reasons.
extension Trait where Self == ConditionTrait {
    static var needsEngines: Self {
        .enabled("gateway: this DSPy's LMs cannot leave their requests to a host") {
            try await InstalledDSPy.has("supported.ENGINES")
        }
    }

    static var needsLocalInterpreter: Self {
        .enabled("local interpreter: this DSPy has none, only Deno's") {
            try await InstalledDSPy.has("supported.LOCAL_INTERPRETER")
        }
    }

    static var needsOwnClient: Self {
        .enabled("own client: litellm makes this DSPy's requests, with its errors and its memory") {
            try await InstalledDSPy.has("supported.ENGINES")
        }
    }

    /// For what native code is held against: it does what the pinned DSPy does.
    static var needsPinnedDSPy: Self {
        .enabled("native code: it is held against the pinned DSPy, and this is another") {
            try await InstalledDSPy.has(
                "f\"dspy=={version('dspy')}\" in "
                    + "{line.split(';')[0] for line in requires('krait-worker')}"
            )
        }
    }
}
