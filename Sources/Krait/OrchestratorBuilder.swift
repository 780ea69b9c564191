import KraitPipelines
import KraitRouting
import KraitSignatures
import KraitWire

/// One moving part of an orchestrator: a pool, native implementations, a pipeline, a fallback or a
/// middleware.
public struct OrchestratorPart: Sendable {
    enum Content: Sendable {
        case pool(PythonPool)
        case native(Native)
        case modules(NativeModules)
        case fallback(Fallback)
        case pipeline(NamedPipeline)
        case middleware(any Middleware)
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
            case .pool, .fallback, .pipeline, .middleware: []
            }
        }
    }
    var pipeline: NamedPipeline? {
        if case .pipeline(let pipeline) = content { pipeline } else { nil }
    }
    var middleware: (any Middleware)? {
        if case .middleware(let middleware) = content { middleware } else { nil }
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

    /// A line that declares who stands between the router and every place, the outermost first.
    public static func buildExpression(_ middleware: some Middleware) -> [OrchestratorPart] {
        [OrchestratorPart(content: .middleware(middleware))]
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

/// Pipelines, which a line declares as they are; what they take and give crosses sockets and files,
/// so it is `Codable` or a map of fields.
extension OrchestratorBuilder {
    /// A line that declares a pipeline of types.
    public static func buildExpression<Input: Decodable & Sendable, Output: Encodable & Sendable>(
        _ pipeline: Pipeline<Input, Output>
    ) -> [OrchestratorPart] {
        part(
            NamedPipeline(
                pipeline,
                read: { value throws(SignatureCoding.Misfit) in
                    try SignatureCoding.read(Input.self, from: value)
                },
                write: { output throws(SignatureCoding.Misfit) in
                    try SignatureCoding.anyValue(of: output)
                }
            )
        )
    }

    /// A line that declares a pipeline from fields to fields.
    public static func buildExpression(
        _ pipeline: Pipeline<ValueMap, ValueMap>
    ) -> [OrchestratorPart] {
        part(NamedPipeline(pipeline, read: fields, write: { .map($0) }))
    }

    /// A line that declares a pipeline from fields to a type.
    public static func buildExpression<Output: Encodable & Sendable>(
        _ pipeline: Pipeline<ValueMap, Output>
    ) -> [OrchestratorPart] {
        part(
            NamedPipeline(
                pipeline,
                read: fields,
                write: { output throws(SignatureCoding.Misfit) in
                    try SignatureCoding.anyValue(of: output)
                }
            )
        )
    }

    /// A line that declares a pipeline from a type to fields.
    public static func buildExpression<Input: Decodable & Sendable>(
        _ pipeline: Pipeline<Input, ValueMap>
    ) -> [OrchestratorPart] {
        part(
            NamedPipeline(
                pipeline,
                read: { value throws(SignatureCoding.Misfit) in
                    try SignatureCoding.read(Input.self, from: value)
                },
                write: { .map($0) }
            )
        )
    }

    /// Refuses a pipeline whose input or output cannot be told: chosen only where no other fits.
    @available(
        *,
        unavailable,
        message: "a pipeline among the parts takes a Decodable and gives an Encodable, or ValueMap"
    )
    public static func buildExpression<Input, Output>(
        _ pipeline: Pipeline<Input, Output>
    ) -> [OrchestratorPart] {
        preconditionFailure("cannot be called")
    }

    private static func part(_ pipeline: NamedPipeline) -> [OrchestratorPart] {
        [OrchestratorPart(content: .pipeline(pipeline))]
    }

    @Sendable private static func fields(
        _ value: Value
    ) throws(SignatureCoding.Misfit) -> ValueMap {
        guard let map = value.map else {
            throw SignatureCoding.Misfit("it must be a map of fields, not \(value.kindName)")
        }
        return map
    }
}
