import KraitWire

extension Forkserver {
    /// What a worker's start needs to know.
    package struct Request: Sendable {
        package var name: String
        package var token: String
        package var endpoint: String
        package var slots: Int
        package var limits: WorkerLimits
        /// Where the endpoint takes CURVE only: its public key, and the worker's own pair.
        package var curve: WorkerKeys?
        /// The writing end of the worker's output pipe and the reading end of its lifeline; they
        /// are copied, not taken over.
        package var output: Int32
        package var lifeline: Int32

        /// The `start` message.
        var message: Value {
            var message: ValueMap = [
                "do": "start",
                "name": .string(name),
                "token": .string(token),
                "endpoint": .string(endpoint),
                "slots": .int(Int64(slots)),
            ]
            message["curve"] = curve?.value
            message["memory_bytes"] = limits.memoryBytes.map { .int(Int64($0)) }
            message["cpu_seconds"] = limits.cpuSeconds.map { .int(Int64($0)) }
            return .map(message)
        }
    }
}
