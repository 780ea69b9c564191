import KraitWire

/// What is said at the beginning and at the end.
extension PythonWorker {
    var hello: Value {
        let hello = HostHello(
            version: Int(EnvelopeHeader.version),
            heartbeatMilliseconds: Int(settings.heartbeat / .milliseconds(1)),
            codec: settings.codec,
            arena: payloads.offer,
            payloadLimit: settings.payloadLimit,
            compression: compression
        )
        guard guest != nil, case .map(var body) = hello.value else { return hello.value }
        body["name"] = .string(name)
        return .map(body)
    }

    func send(_ kind: EnvelopeKind, _ body: Value) {
        send(Codec.json.words(kind, body))
    }

    func sayGoodbye(_ reason: String, isFinal: Bool) {
        guard guest == nil else { return dismiss(reason, isFinal: isFinal) }
        send(.goodbye, ["reason": .string(reason)])
    }

    func objection(to hello: WorkerHello) -> String? {
        let isOther = guest == nil && hello.token != token
        if isOther || hello.name != wireName {
            return "the process is not the one that was started as \(name)"
        }
        let version = Int(EnvelopeHeader.version)
        guard hello.versions.contains(version) else {
            return "krait_worker \(hello.package) speaks protocol versions \(hello.versions), this "
                + "Krait speaks \(version); install the krait_worker that belongs to it"
        }
        if let rule = settings.compression, guest != nil || settings.compressesForAll,
            hello.compressions.contains(rule.compression)
        {
            compression = rule
        }
        return nil
    }
}
