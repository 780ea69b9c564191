import KraitLM
import KraitWire

extension Program {
    /// DSPy's `Parallel` of one program: runs it for each of the inputs, `width` at once.
    ///
    /// The results come in the inputs' order, each an output or its own error. Where `mostErrors`
    /// have failed the rest is not begun, and fails as `cancelled`; so it is where the task is
    /// cancelled. Memory: the inputs and results, and `width` runs.
    public func parallel(
        _ inputs: [ValueMap],
        width: Int,
        with lm: LM,
        structuredOutput: StructuredOutput? = nil,
        mostErrors: Int? = nil
    ) async -> [Result<ProgramOutput, CallError>] {
        let model = ModuleModel(lm, structure: structuredOutput)
        return await parallel(inputs, width: width, with: model, mostErrors: mostErrors)
    }

    package func parallel(
        _ inputs: [ValueMap],
        width: Int,
        with model: ModuleModel,
        mostErrors: Int? = nil
    ) async -> [Result<ProgramOutput, CallError>] {
        let unbegun = CallError(.cancelled, "The run was not begun: too many others had failed.")
        var results = [Result<ProgramOutput, CallError>](
            repeating: .failure(unbegun),
            count: inputs.count
        )
        await withTaskGroup(of: (Int, Result<ProgramOutput, CallError>).self) { group in
            var next = 0
            var errors = 0
            func begin() {
                guard next < inputs.count, errors < mostErrors ?? .max, !Task.isCancelled else {
                    return
                }
                let number = next
                next += 1
                group.addTask {
                    do throws(CallError) {
                        return (number, .success(try await run(inputs[number], with: model)))
                    } catch {
                        return (number, .failure(error))
                    }
                }
            }
            for _ in 0..<max(width, 1) { begin() }
            while let (number, result) = await group.next() {
                results[number] = result
                if case .failure = result { errors += 1 }
                begin()
            }
        }
        return results
    }
}
