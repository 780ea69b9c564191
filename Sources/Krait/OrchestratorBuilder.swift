import KraitRouting
import KraitSignatures

/// One moving part of an orchestrator: a pool, native implementations, or a fallback.
public struct OrchestratorPart: Sendable {
    enum Content: Sendable {
        case pool(PythonPool)
        case native(Native)
        case modules(NativeModules)
        case fallback(Fallback)
    }

    let content: Content

    var pool: PythonPool? { if case .pool(let pool) = content { pool } else { nil } }
    var fallback: Fallback? {
        if case .fallback(let fallback) = content { fallback } else { nil }
    }
    var natives: [Registry.Native] {
        get throws(SchemaError) {
            switch content {
            case .native(let native): [try native.implementation.get()]
            case .modules(let modules): modules.natives
            case .pool, .fallback: []
            }
        }
    }
}

/// Collects the parts of an orchestrator, one a line.
@resultBuilder
public enum OrchestratorBuilder {
    /// A line that declares a pool.
    public static func buildExpression(_ pool: PythonPool) -> [OrchestratorPart] {
        [OrchestratorPart(content: .pool(pool))]
    }

    /// A line that declares several pools, as a configuration holds them.
    public static func buildExpression(_ pools: [PythonPool]) -> [OrchestratorPart] {
        pools.map { OrchestratorPart(content: .pool($0)) }
    }

    /// A line that declares a native implementation.
    public static func buildExpression(_ native: Native) -> [OrchestratorPart] {
        [OrchestratorPart(content: .native(native))]
    }

    /// A line that declares DSPy's modules in this process.
    public static func buildExpression(_ modules: NativeModules) -> [OrchestratorPart] {
        [OrchestratorPart(content: .modules(modules))]
    }

    /// A line that declares where an operation's calls go when their place cannot take them.
    public static func buildExpression(_ fallback: Fallback) -> [OrchestratorPart] {
        [OrchestratorPart(content: .fallback(fallback))]
    }

    /// Several fallbacks, as a configuration holds them.
    public static func buildExpression(_ fallbacks: [Fallback]) -> [OrchestratorPart] {
        fallbacks.map { OrchestratorPart(content: .fallback($0)) }
    }

    /// All lines together.
    public static func buildBlock(_ parts: [OrchestratorPart]...) -> [OrchestratorPart] {
        parts.flatMap(\.self)
    }

    /// `if` without `else`.
    public static func buildOptional(_ parts: [OrchestratorPart]?) -> [OrchestratorPart] {
        parts ?? []
    }

    /// The first branch of an `if`.
    public static func buildEither(first parts: [OrchestratorPart]) -> [OrchestratorPart] { parts }

    /// The second branch of an `if`.
    public static func buildEither(second parts: [OrchestratorPart]) -> [OrchestratorPart] { parts }

    /// `for` loops.
    public static func buildArray(_ parts: [[OrchestratorPart]]) -> [OrchestratorPart] {
        parts.flatMap(\.self)
    }
}
