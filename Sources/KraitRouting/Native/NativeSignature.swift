import KraitSignatures
import KraitWire

extension Signature {
    /// The name under which a prediction of this signature is routed: `predict:SupportDesk.Polish`.
    ///
    /// The type's full name, so that two signatures of the same last name are never mistaken for
    /// each other. See `Registry` for what the part behind the colon does.
    package static func operation(_ base: String) -> String {
        "\(base):\(String(reflecting: Self.self))"
    }

    /// The signature's schema, or nil where only native code can answer it.
    ///
    /// DSPy takes no signature with the same name on both sides; Swift's types have no such
    /// trouble. Any other mistake is thrown.
    package static var schemaForPython: Schema? {
        get throws(SchemaError) {
            do {
                return try schema
            } catch {
                if error.code == .duplicateField { return nil }
                throw error
            }
        }
    }
}

extension Registry.Native {
    /// Swift code for the predictions of one signature.
    ///
    /// It takes and gives what a worker's `predict` does: `inputs` among the arguments, `outputs`
    /// in the reply. Inputs that do not fit are `invalid_input`, and outputs that cannot be carried
    /// `invalid_output`, both with the field. What the code throws is a fault, as an exception in
    /// Python.
    ///
    /// - Throws: where the signature does not hold: a type that is none of DSPy's, a note about
    ///   nothing.
    package init<S: Signature>(
        _ signature: S.Type,
        capabilities: Capabilities = [],
        _ body: @escaping @Sendable (S.Input) async throws -> S.Output
    ) throws(SchemaError) {
        _ = try signature.schemaForPython
        let backend = NativeBackend { arguments in
            let output = try await body(try Self.input(of: signature, from: arguments))
            return ["outputs": .map(try Self.outputs(output))]
        }
        self.init(signature.operation("predict"), capabilities: capabilities, backend: backend)
    }

    private static func input<S: Signature>(
        of signature: S.Type,
        from arguments: ValueMap
    ) throws(CallError) -> S.Input {
        guard let inputs = arguments["inputs"]?.map else {
            throw CallError(.invalidInput, "The call has no map `inputs` among its arguments.")
        }
        do {
            return try SignatureCoding.value(S.Input.self, of: inputs)
        } catch {
            throw CallError(.invalidInput, "The inputs do not fit \(S.self): \(error).")
        }
    }

    private static func outputs(_ output: some Encodable) throws(CallError) -> ValueMap {
        do {
            return try SignatureCoding.fields(of: output)
        } catch {
            let message = "The native code's outputs cannot be carried: \(error)."
            throw CallError(.invalidOutput, message, delivery: .sent)
        }
    }
}
