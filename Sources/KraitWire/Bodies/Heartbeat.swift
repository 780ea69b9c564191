/// A worker's sign of life, and what it is at.
package struct Heartbeat: Hashable, Sendable {
    /// How many of its slots are taken.
    package var busy: Int
    /// The calls that run, at most the 64 oldest.
    package var running: [Running]
    /// How many calls it has answered since it began.
    package var served: Int
    /// Its own memory, not what it shares with the forkserver.
    package var residentBytes: Int

    /// A call that runs.
    package struct Running: Hashable, Sendable {
        package var callID: UInt64
        /// How long ago the worker read it.
        package var ageMilliseconds: Int

        package init(callID: UInt64, ageMilliseconds: Int) {
            self.callID = callID
            self.ageMilliseconds = ageMilliseconds
        }
    }

    package init(busy: Int, running: [Running] = [], served: Int, residentBytes: Int) {
        self.busy = busy
        self.running = running
        self.served = served
        self.residentBytes = residentBytes
    }

    package init(_ value: Value) throws(WireError) {
        let body = try BodyReader(value)
        busy = try body.integer("busy")
        served = try body.integer("served")
        residentBytes = try body.integer("resident_bytes")
        let list = try body.list("running", limit: Limits.runningCalls)
        running = []
        running.reserveCapacity(list.count)
        for (index, value) in list.enumerated() {
            let path: [CodingFailure.Step] = [.key("running"), .index(index)]
            guard let pair = value.list, pair.count == 2 else {
                throw BodyReader.malformed(path, "expected a call id and an age")
            }
            running.append(
                Running(
                    callID: try BodyReader.integer(pair[0], in: 0...UInt64.max, at: path),
                    ageMilliseconds: try BodyReader.integer(pair[1], in: 0...Int.max, at: path)
                )
            )
        }
    }

    package var value: Value {
        let pairs = running.prefix(Limits.runningCalls).map { call -> Value in
            [Value(call.callID), .int(Int64(call.ageMilliseconds))]
        }
        return [
            "busy": .int(Int64(busy)), "running": .list(pairs), "served": .int(Int64(served)),
            "resident_bytes": .int(Int64(residentBytes)),
        ]
    }
}
