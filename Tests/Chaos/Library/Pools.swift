import KraitWire

/// The pools of the daemon under test, and what they are asked.
package struct PoolPlan: Sendable {
    package let name: String
    package let workers: Int
    package let slots: Int
    /// Calls that are kept under way.
    package let window: Int
    /// The lines of `krait.yaml` beside those counts.
    package let settings: [String]

    /// All pools; `share` scales the windows, `endpoint` is the language model's.
    package static func all(share: Double, adapters: String, endpoint: String) -> [PoolPlan] {
        func window(_ calls: Int) -> Int { max(1, Int(Double(calls) * share)) }
        return [
            PoolPlan(
                name: "forks",
                workers: 4,
                slots: 64,
                window: window(512),
                settings: ["adapter: \"mayhem:Mayhem\"", "path: [\"\(adapters)\"]"]
            ),
            PoolPlan(
                name: "execs",
                workers: 2,
                slots: 64,
                window: window(256),
                settings: [
                    "adapter: \"mayhem:Mayhem\"", "path: [\"\(adapters)\"]", "start: exec",
                    "codec: json",
                ]
            ),
            PoolPlan(
                name: "faulty",
                workers: 3,
                slots: 16,
                window: window(64),
                settings: ["adapter: \"mayhem:Mayhem\"", "path: [\"\(adapters)\"]"]
            ),
            PoolPlan(
                name: "lm",
                workers: 1,
                slots: 8,
                window: window(8),
                settings: [
                    "adapter: dspy",
                    "lm: {model: openai/offline, api_base: \"\(endpoint)\", num_retries: 0, "
                        + "timeout: 1.0}",
                ]
            ),
            PoolPlan(
                name: "neighbour",
                workers: 1,
                slots: 32,
                window: window(16),
                settings: ["adapter: echo"]
            ),
        ]
    }

    /// A daemon's configuration with these pools.
    package static func configuration(_ pools: [PoolPlan], heartbeat: Duration) -> String {
        let lines = ["log_level: debug", "drain_timeout: 3s", "pools:"]
        return pools.reduce(into: lines.joined(separator: "\n") + "\n") { text, pool in
            let settings =
                [
                    "workers: \(pool.workers)", "slots: \(pool.slots)",
                    "heartbeat: \(milliseconds(heartbeat))ms", "start_timeout: 20s",
                    // A pool that found no descriptor for any worker is to be whole in the time
                    // that a fault is given.
                    "recover_after: 2s",
                ] + pool.settings
            text += "  \(pool.name):\n"
            text += settings.map { "    \($0)\n" }.joined()
        }
    }
}

/// Pools and workers as a status of the daemon shows them.
package struct StatusView: Equatable {
    package struct Worker: Equatable {
        package let id: Int32?
        package let state: String
        package let busy: Int
    }

    package struct Pool: Equatable {
        package let state: String
        package let queued: Int
        package let workers: [Worker]

        /// Whether so many workers serve.
        package func isWhole(_ count: Int) -> Bool {
            state == "ready" && workers.count { $0.state == "ready" } == count
        }

        /// Whether no call waits and no slot is taken.
        package var isIdle: Bool { queued == 0 && workers.allSatisfy { $0.busy == 0 } }
    }

    package var pools: [String: Pool]
}

extension StatusView {
    /// Reads the `ok` of a status; nil where it is none.
    package init?(_ value: Value?) {
        guard let list = value?["pools"]?.list else { return nil }
        pools = list.reduce(into: [:]) { pools, pool in
            guard let name = pool["name"]?.string else { return }
            pools[name] = Pool(
                state: pool["state"]?.string ?? "",
                queued: pool["queued"]?.int.map { Int($0) } ?? 0,
                workers: (pool["workers"]?.list ?? []).map { worker in
                    Worker(
                        id: worker["pid"]?.int.flatMap { Int32(exactly: $0) },
                        state: worker["state"]?.string ?? "",
                        busy: worker["busy"]?.int.map { Int($0) } ?? 0
                    )
                }
            )
        }
    }
}
