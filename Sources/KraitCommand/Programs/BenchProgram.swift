/// `krait bench`: runs the bench that was asked for.
enum BenchProgram {
    @Sendable static func run(
        _ request: BenchRequest,
        _ context: CommandContext
    ) async throws -> ExitCode {
        switch request.bench {
        case .echo: try await EchoBenchProgram.run(request, context)
        case .queue: try await QueueBenchProgram.run(request, context)
        case .streams: try await StreamBenchProgram.run(request, context)
        case .tools: try await ToolBenchProgram.run(request, context)
        case .payload: try await PayloadBenchProgram.run(request, context)
        case .lm: try await LMBenchProgram.run(request, context)
        case .codecs: try CodecBenchProgram.run(request, context)
        case .peers: try await PeersBenchProgram.run(request, context)
        case .predict: try await PredictBenchProgram.run(request, context)
        case .route: try await RouteBenchProgram.run(request, context)
        case .sessions: try await SessionBenchProgram.run(request, context)
        case .pipeline: try await PipelineBenchProgram.run(request, context)
        // The command draws by itself.
        case .plot: break
        case .native: try await NativeBenchProgram.run(request, context)
        }
        return .ok
    }
}
