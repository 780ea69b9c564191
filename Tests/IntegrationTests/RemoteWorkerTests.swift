import Foundation
import Glibc
import Krait
import KraitTestSupport
import Testing

/// Workers that somebody starts by hand, over the loopback: what happens to them, and to the pool.
@Suite(.serialized, .timeLimit(.minutes(3))) struct RemoteWorkerTests {
    @Test func `a worker that joins is leased, shown with its host, and let go`() async throws {
        try await RemoteLab.open { lab in
            let worker = try lab.join()
            try await lab.waitForGuests(1)
            let status = try await lab.krait("status")
            #expect(status.output.contains("1 + 1 remote"), "\(status.output)")
            #expect(try await lab.bothAnswer())
            let guest = try #require(try await lab.guests().first)
            #expect(guest["host"]?.string?.hasSuffix("(pid \(try lab.child(of: worker)))") == true)
            #expect(guest["pid"] == .null, "no number of another host's is taken for one here")
            kill(worker.id, SIGTERM)
            #expect(try await worker.end() == 0)
            try await lab.waitForGuests(0)
            #expect(try await lab.krait("call", "echo", "{}").code == 0)
        }
    }

    @Test func `large answers of it are compressed, and those of the workers here are not`()
        async throws
    {
        try await RemoteLab.open { lab in
            let worker = try lab.join()
            try await lab.waitForGuests(1)
            let large = #"{"a": "\#(String(repeating: "words ", count: 10_000))"}"#
            var seen: Set<String> = []
            for _ in 0..<6 where seen.count < 2 {
                // Of equals the pool takes the one it took last, so that it must be kept busy.
                let sleeper = try lab.lab.start(["call", "sleep", #"{"seconds": 2}"#])
                let isBusy = await eventually(within: .seconds(20)) {
                    let pools = try? await lab.krait("status", "--json").json?["pools"]?.list
                    return pools?.first?["workers"]?.list?.contains { $0["busy"] == 1 } == true
                }
                #expect(isBusy)
                let answer = try await lab.krait("call", "echo", large, "--json").json
                #expect(answer?["value"]?["a"]?.string?.utf8.count == 60_000)
                seen.insert(answer?["source"]?["compression"]?.string ?? "none")
                _ = try await sleeper.end()
            }
            #expect(seen == ["zstd", "none"])
            kill(worker.id, SIGTERM)
            let code = try await worker.end()
            #expect(code == 0)
        }
    }

    @Test func `one that is told to end finishes its calls before`() async throws {
        try await RemoteLab.open { lab in
            let worker = try lab.join()
            try await lab.waitForGuests(1)
            let calls = try (0..<2).map { _ in
                try lab.lab.start(["call", "sleep", #"{"seconds": 1.5}"#])
            }
            let isBusy = await eventually(within: .seconds(20)) {
                (try? await lab.guests().first?["busy"]) == 1
            }
            #expect(isBusy)
            kill(worker.id, SIGTERM)
            for call in calls {
                let code = try await call.end()
                #expect(code == 0, "\(call.errors)")
            }
            #expect(try await worker.end() == 0)
        }
    }

    @Test func `one that is killed, or stopped, is replaced, and its call fails at once`()
        async throws
    {
        try await RemoteLab.open { lab in
            let worker = try lab.join()
            for signal in [SIGKILL, SIGSTOP] {
                try await lab.waitForGuests(1)
                let first = try lab.child(of: worker)
                let calls = try (0..<2).map { _ in
                    try lab.lab.start(["call", "sleep", #"{"seconds": 8}"#])
                }
                let isBusy = await eventually(within: .seconds(20)) {
                    (try? await lab.guests().first?["busy"]) == 1
                }
                #expect(isBusy)
                kill(first, signal)
                let hasReturned = await eventually(within: .seconds(20)) {
                    guard let guest = try? await lab.guests().first else { return false }
                    return guest["state"] == "ready"
                        && guest["host"]?.string?.contains("(pid \(first))") == false
                }
                #expect(hasReturned, "after signal \(signal): \(worker.errors)")
                var errors = ""
                for call in calls {
                    if try await call.end() != 0 { errors += call.errors }
                }
                #expect(errors.contains("worker_silent"), "\(signal): \(errors)")
            }
            kill(worker.id, SIGTERM)
            #expect(try await worker.end() == 0)
        }
    }

    @Test func `a worker outlives a killed daemon, and joins the next one`() async throws {
        try await RemoteLab.open { lab in
            let worker = try lab.join()
            try await lab.waitForGuests(1)
            kill(lab.daemon, SIGKILL)
            let hasLost = await eventually(within: .seconds(20)) {
                worker.errors.contains("was lost")
            }
            #expect(hasLost, "\(worker.errors)")
            _ = try await lab.lab.detach("--config", lab.configuration)
            try await lab.waitForGuests(1)
            #expect(try await lab.bothAnswer())
            kill(worker.id, SIGTERM)
            #expect(try await worker.end() == 0)
        }
    }

    @Test func `who has the wrong key, the wrong adapter or no room is told so`() async throws {
        try await RemoteLab.open { lab in
            let other = "\(lab.lab.folder)/other"
            #expect(mkdir(other, 0o700) == 0)
            #expect(try await lab.krait("keys", "far", "--folder", other).code == 0)
            let again = try await lab.krait("keys", "far", "--folder", other)
            #expect(again.code == 1 && again.errors.contains("remove it to draw new keys"))
            let stranger = try lab.join(key: "\(other)/far.worker.key")
            #expect(try await stranger.end() == 4)
            #expect(stranger.errors.contains("does not answer by the key"), "\(stranger.errors)")
            // Krait's own key is known, and the worker's is another.
            let mixed = "\(other)/mixed.key"
            try lab.mix(lab.key, "\(other)/far.worker.key", into: mixed)
            let forger = try lab.join(key: mixed)
            #expect(try await forger.end() == 4)
            #expect(forger.errors.contains("refuses this key"), "\(forger.errors)")
            let readable = "\(other)/far.worker.key"
            chmod(readable, 0o644)
            let careless = try lab.join(key: readable)
            #expect(try await careless.end() == 2)
            #expect(careless.errors.contains("may be read by others"))
            let odd = try lab.join(adapter: "awkward:Prints")
            #expect(try await odd.end() == 4)
            #expect(odd.errors.contains("start it with the pool's own adapter"), "\(odd.errors)")
            let first = try lab.join()
            try await lab.waitForGuests(1)
            let second = try lab.join()
            let isTold = await eventually(within: .seconds(20)) {
                second.errors.contains("the pool has the 1 remote workers")
            }
            #expect(isTold, "\(second.errors)")
            kill(first.id, SIGTERM)
            #expect(try await first.end() == 0)
            let hasFollowed = await eventually(within: .seconds(20)) {
                second.errors.contains("joined as far/")
            }
            #expect(hasFollowed, "\(second.errors)")
            kill(second.id, SIGTERM)
            #expect(try await second.end() == 0)
        }
    }

    @Test(.enabled(if: Namespace.isAvailable, "it needs root, and `ip netns`"))
    func `between two hosts, a line that is cut and mended costs the worker its place only`()
        async throws
    {
        try await Namespace.open { namespace in
            try await RemoteLab.open(namespace) { lab in
                let worker = try lab.join()
                try await lab.waitForGuests(1)
                #expect(try await lab.bothAnswer())
                try await namespace.setLine(up: false)
                // Nobody says that the line is cut: both sides notice by themselves.
                try await lab.waitForGuests(0)
                let hasNoticed = await eventually(within: .seconds(30)) {
                    worker.errors.contains("was lost")
                }
                #expect(hasNoticed, "\(worker.errors)")
                try await namespace.setLine(up: true)
                try await lab.waitForGuests(1)
                #expect(try await lab.bothAnswer())
                kill(worker.id, SIGTERM)
                #expect(try await worker.end() == 0)
            }
        }
    }
}
